"""The command: cases in processes of their own, a table, a page."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import benchmarks.faults
from benchmarks.faults.cases import GROUPS
from benchmarks.faults.page import Results, page
from benchmarks.faults.verdict import BROKEN, NOTHING, PACKAGES, Case

ROOT = Path(__file__).resolve().parents[2]


def attempt(case: Case, package: str) -> tuple[str, str]:
    """What a package makes of a case, in a word and in detail."""
    with tempfile.TemporaryDirectory(prefix="cblot-faults-") as folder:
        # A home of its own, where no one's parameters are found.
        variables = {**os.environ, "HOME": folder, "TMPDIR": folder}
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        variables["PYTHONPATH"] = os.pathsep.join(paths)
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.faults.child", package, case.name],
            text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=folder, env=variables, start_new_session=True,
        )  # fmt: skip
        try:
            out, err = process.communicate(timeout=case.seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # with all that it started
            process.communicate()
            return "hang", f"it took more than {case.seconds:g} s"
    lines = [line for line in out.splitlines() if line.startswith("[")]
    if process.returncode < 0:
        return "crash", f"signal {-process.returncode}"
    if process.returncode or not lines:
        sanitizer = [line for line in err.splitlines() if "ERROR: AddressSanitizer" in line]
        last = err.strip().splitlines()[-1:] or [f"status {process.returncode}"]
        return "crash", (sanitizer or last)[0]
    kind, detail = json.loads(lines[-1])
    return str(kind), str(detail)


def measure(cases: Sequence[Case], packages: Sequence[str], workers: int) -> Results:
    """Verdicts by case and package."""
    with ThreadPoolExecutor(workers) as pool:
        jobs = {(c.name, p): pool.submit(attempt, c, p) for c in cases for p in packages}
    return {c.name: {p: jobs[c.name, p].result() for p in packages} for c in cases}


def faults(cases: Sequence[Case], results: Results) -> list[str]:
    """Cases in which cblot is neither right nor clear, or a package's case is broken."""
    bad = []
    for case in cases:
        kind, detail = results[case.name]["cblot"]
        good = ("right",) if case.valid else ("right", "clear error", NOTHING)
        if kind not in good:
            bad.append(f"{case.name}: {kind}; {detail}")
        bad += [f"{case.name}, {package}: {detail}"
                for package, (kind, detail) in results[case.name].items()
                if kind == BROKEN and package != "cblot"]  # fmt: skip
    return bad


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.faults", description=benchmarks.faults.__doc__
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page here")
    parser.add_argument("--check", action="store_true", help="cblot alone, and just its faults")
    parser.add_argument("--only", default="", metavar="TEXT", help="cases with this in the name")
    parser.add_argument("--workers", type=int, default=2, help="processes at once")
    arguments = parser.parse_args(argv)
    cases = [c for group in GROUPS for c in group.cases if arguments.only in c.name]
    results = measure(cases, ("cblot",) if arguments.check else PACKAGES, arguments.workers)
    if not arguments.check:
        text = page(results)
        print(text)
        if arguments.write:
            arguments.write.write_text(text, encoding="utf-8")
    bad = faults(cases, results)
    if bad:
        print("\n".join(["cblot is neither right nor clear in", *bad]), file=sys.stderr)
    elif arguments.check:
        print(f"cblot is right or clear in each of {len(cases)} cases")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
