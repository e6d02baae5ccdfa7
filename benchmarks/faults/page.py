"""The table as a page of Markdown."""

from __future__ import annotations

from collections import Counter
from importlib.metadata import version
from typing import TypeAlias

from benchmarks.faults.cases import GROUPS
from benchmarks.faults.verdict import KINDS, NOTHING, PACKAGES

Results: TypeAlias = dict[str, dict[str, tuple[str, str]]]


def page(results: Results) -> str:
    """Return the page: counts first, then a table for each kind of case."""
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    counts = {p: Counter(row[p][0] for row in results.values()) for p in PACKAGES}
    lines = [
        "# Bad input, side by side",
        "",
        f"What {versions} (with stcal",
        f"{version('stcal')}, whose `gwcs_blot` stands in its column for WCS) do with odd and bad",
        "input, each case in a process of its own. Made by `python -m benchmarks.faults --write",
        "docs/faults.md`; `--check` fails if cblot is neither right nor says what is wrong.",
        "What is right is known without any package's help: images are planes, positions are",
        "astropy's, files are compared before and after. What reads memory that is not its own",
        f"differs from run to run. “{NOTHING}”: the package has no such thing.",
        "",
        "| | " + " | ".join(KINDS) + " |",
        "|---|" + "---|" * len(KINDS),
        *(
            f"| {p} | " + " | ".join(str(counts[p][kind]) for kind in KINDS) + " |"
            for p in PACKAGES
        ),
    ]
    for group in GROUPS:
        rows = [case.name for case in group.cases if case.name in results]
        if rows:
            lines += ["", f"## {group.title}", ""]
            lines += ["| input | " + " | ".join(PACKAGES) + " |", "|---|" + "---|" * len(PACKAGES)]
        for name in rows:
            cells = [_cell(*results[name][package]) for package in PACKAGES]
            lines.append(f"| {_text(name)} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(kind: str, detail: str) -> str:
    return f"**{kind}**<br>{_text(detail)}" if detail else kind


def _text(text: str) -> str:
    shown = "".join(c if c.isprintable() else "?" for c in text)
    return shown[:110].replace("|", "/").replace("<", "&lt;")
