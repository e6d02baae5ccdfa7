"""Does cases as it is asked to, each in a fork of its own; `__main__` starts it, one a package.

The package is imported once, so that a case takes no longer than it has to.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path

from benchmarks.faults import peers, verdict
from benchmarks.faults.cases import GROUPS


def _do(case: verdict.Case, package: peers.Package, folder: str) -> None:
    """Write the verdict on a case into its folder; what else it prints goes there too."""
    os.setsid()
    os.chdir(folder)
    os.environ.update(HOME=folder, TMPDIR=folder)
    tempfile.tempdir = None
    log = os.open(".said", os.O_WRONLY | os.O_CREAT)
    null = os.open(os.devnull, os.O_RDONLY)
    for stream, file in ((0, null), (1, log), (2, log)):
        os.dup2(file, stream)
    result = verdict.verdict(case, package)
    Path(folder, ".verdict").write_text(json.dumps(result), encoding="utf-8")


def _said(folder: str) -> str:
    text = Path(folder, ".said").read_text(errors="replace").strip()
    lines = text.splitlines() or ["it ends without a word"]
    return next((line for line in lines if "ERROR: AddressSanitizer" in line), lines[-1])


def _attempt(case: verdict.Case, package: peers.Package, folder: str) -> tuple[str, str]:
    child = os.fork()
    if not child:
        status = 1
        try:
            _do(case, package, folder)
            status = 0
        finally:
            os._exit(status)
    end = time.monotonic() + case.seconds
    done = 0, 0
    while not done[0] and time.monotonic() < end:
        done = os.waitpid(child, os.WNOHANG)
        time.sleep(0.005)
    if not done[0]:
        os.killpg(child, signal.SIGKILL)  # with all that it started: its session is its own
        os.waitpid(child, 0)
        return "hang", f"it took more than {case.seconds:g} s"
    if os.WIFSIGNALED(done[1]):
        return "crash", f"signal {os.WTERMSIG(done[1])}"
    found = Path(folder, ".verdict")
    if done[1] or not found.exists():
        return "crash", _said(folder)
    kind, detail = json.loads(found.read_text(encoding="utf-8"))
    return kind, detail


def main(name: str) -> None:
    """Answer lines of JSON, [case, folder], with lines of JSON, [verdict, detail]."""
    warnings.simplefilter("ignore")
    package = peers.package(name)
    package.load()
    cases = {case.name: case for group in GROUPS for case in group.cases}
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a package prints is no answer
    for line in sys.stdin:
        case, folder = json.loads(line)
        print(json.dumps(_attempt(cases[case], package, folder)), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
