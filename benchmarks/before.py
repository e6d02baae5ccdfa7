"""`python -m benchmarks.before FOLDER`: this cblot beside another, such as the last commit's.

FOLDER is what the other is imported from, as ``pip install --no-deps --target FOLDER CHECKOUT``
makes it. The cases are those of `benchmarks.versus` on one thread, and the file task. Each is done
by both in turn, in a process of its own; processor time is compared, in which other work on the
machine counts less. A ratio is this one's time over the other's.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import IO

from . import cases, measure, scene, tasks

# Prints the seconds of each case that is asked for.
SERVE = "from benchmarks import before; before.serve()"
# A short call is repeated until there is something to measure.
LEAST_SECONDS = 0.2


def serve() -> None:
    """Do what standard input names, each a line; the first answer is what there is."""
    warnings.simplefilter("ignore")
    known = {case.name: case for case in cases.on_one_thread()}
    print(*known, sep="\t", flush=True)
    for line in sys.stdin:
        case = known[line.strip()]
        at = scene.at(case.place)
        call = partial(case.ours, at)
        call()  # some things are made once
        ((seconds,),) = measure.interleaved([call], 1, least_seconds=LEAST_SECONDS)
        print(seconds, flush=True)


class Server:
    """A process that imports cblot out of `folder`, or ours."""

    def __init__(self, folder: Path | None) -> None:
        search = [str(folder)] if folder else []
        search += [str(tasks.ROOT), os.environ.get("PYTHONPATH", "")]
        self.environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, search))}
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVE], env=self.environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.cases = self._answer().rstrip("\n").split("\t")

    def _answer(self) -> str:
        stream: IO[str] | None = self._process.stdout
        assert stream
        answer = stream.readline()
        if not answer:
            raise SystemExit(f"a process ended: status {self._process.wait()}")
        return answer

    def seconds(self, case: str) -> float:
        assert self._process.stdin
        print(case, file=self._process.stdin, flush=True)
        return float(self._answer())

    def task(self, folder: Path) -> float:
        """Processor seconds of the file task, in a process of its own."""
        with subprocess.Popen(
            [sys.executable, "-c", tasks.TASK.format(package="cblot")], cwd=folder,
            env={**self.environment, **tasks.overrides(folder, 1)}, stdout=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"the file task ended with status {process.returncode}")
        return usage.ru_utime + usage.ru_stime


def _compare(
    name: str, both: Sequence[Server], rounds: int, seconds: Callable[[Server], float]
) -> None:
    times: dict[Server, list[float]] = {server: [] for server in both}
    for k in range(rounds):
        for server in both[:: 1 if k % 2 else -1]:  # neither is always the first
            times[server].append(seconds(server))
    here, there = times.values()
    ratios = sorted(a / b for a, b in zip(here, there, strict=True))
    print(
        f"{name:<88}{statistics.median(here) * 1e3:9.2f}{statistics.median(there) * 1e3:9.2f}"
        f"{statistics.median(ratios):9.3f}{ratios[0]:8.2f}{ratios[-1]:7.2f}",
        flush=True,
    )


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.before", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the other cblot is imported from")
    parser.add_argument("--rounds", type=int, default=7, help="default: %(default)s")
    parser.add_argument("--only", default="", help="only cases whose name has this in it")
    arguments = parser.parse_args(argv)
    if not (arguments.folder / "cblot").is_dir():
        parser.error(f"there is no package cblot in {arguments.folder}")
    both = Server(None), Server(arguments.folder.resolve())
    print(f"{'one thread':<88}{'ms here':>9}{'there':>9}{'ratio':>9}{'least':>8}{'most':>7}")
    for case in both[0].cases:
        if arguments.only in case and case in both[1].cases:
            _compare(case, both, arguments.rounds, lambda server, case=case: server.seconds(case))
    if arguments.only in "file task" and (tasks.DATA / scene.FILE).exists():
        with tempfile.TemporaryDirectory() as folder:
            tasks.write_pair(Path(folder))
            _compare("file task", both, arguments.rounds, lambda s: s.task(Path(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
