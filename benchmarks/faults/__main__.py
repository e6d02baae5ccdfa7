"""The command: cases in processes of their own, a table, a page."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

import benchmarks.faults
from benchmarks.faults.cases import GROUPS
from benchmarks.faults.page import Results, page
from benchmarks.faults.verdict import BROKEN, PACKAGES, Case

ROOT = Path(__file__).resolve().parents[2]


class Server:
    """A process that does cases of one package; see `child`."""

    def __init__(self, package: str, home: str) -> None:
        # A home of its own, where no one's parameters are found.
        variables = {**os.environ, "HOME": home}
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        variables["PYTHONPATH"] = os.pathsep.join(paths)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.faults.child", package],
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            cwd=home, env=variables,
        )  # fmt: skip

    def attempt(self, case: Case) -> tuple[str, str]:
        """What the package makes of a case, in a word and in detail."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.TemporaryDirectory(prefix="cblot-faults-") as folder:
            print(json.dumps([case.name, folder]), file=self._process.stdin, flush=True)
            kind, detail = json.loads(self._process.stdout.readline())
        return str(kind), str(detail)

    def close(self) -> None:
        self._process.communicate()


def measure(cases: Sequence[Case], packages: Sequence[str], workers: int) -> Results:
    """Verdicts by case and package."""
    results: Results = {case.name: {} for case in cases}
    for package in packages:
        with tempfile.TemporaryDirectory(prefix="cblot-faults-") as home:
            idle: Queue[Server] = Queue()
            for _ in range(workers):
                idle.put(Server(package, home))

            def attempt(case: Case, idle: Queue[Server] = idle) -> tuple[str, str]:
                server = idle.get()
                try:
                    return server.attempt(case)
                finally:
                    idle.put(server)

            with ThreadPoolExecutor(workers) as pool:
                for case, result in zip(cases, pool.map(attempt, cases), strict=True):
                    results[case.name][package] = result
            for _ in range(workers):
                idle.get().close()
    return results


def faults(cases: Sequence[Case], results: Results) -> list[str]:
    """Cases in which cblot is neither right nor clear, or a package's case is broken."""
    bad = []
    for case in cases:
        kind, detail = results[case.name]["cblot"]
        good = ("right",) if case.valid else ("right", "clear error")
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
    if not cases:
        parser.error(f"no case has {arguments.only!r} in its name")
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
