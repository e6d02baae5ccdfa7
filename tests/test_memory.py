"""What a call takes beyond its output, measured in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import INTERPOLANTS, ROOT

LIMIT = 64_000_000
SIDE = 6000

CODE = """
import json, sys
import numpy as np
import cblot
from benchmarks.measure import peak_memory
from benchmarks.scene import plain

s = plain({pixels})
cases = json.loads(sys.argv[1])
peaks = []
for interp, stepsize, threads, dtype in cases:
    source = s.source.astype(dtype)
    call = lambda: cblot.do_blot(source, s.source_wcs, s.blot_wcs, 1.0, interp=interp,
                                 stepsize=stepsize, threads=threads)
    peaks.append(peak_memory(call))
print(json.dumps(peaks))
"""


def peaks(cases: list[tuple[str, int | None, int, str]]) -> list[int]:
    answer = subprocess.run(
        [sys.executable, "-c", CODE.format(pixels=SIDE**2), json.dumps(cases)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return [int(p) for p in json.loads(answer.stdout)]


@pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="the peak is read from Linux's /proc"
)
def test_peak_memory() -> None:
    """At most 64 MB and 16 bytes a node beyond the output, whatever the interpolant."""
    cases = [(interp, 10, 1, "f4") for interp in INTERPOLANTS]
    cases += [("spline3", None, 8, "f8"), ("poly5", None, 8, "f4"), ("linear", 2, 1, "f4")]
    for (interp, stepsize, threads, dtype), peak in zip(cases, peaks(cases), strict=True):
        nodes = (SIDE // stepsize + 2) ** 2 if stepsize else 0
        beyond = peak - 4 * SIDE**2
        assert beyond <= LIMIT + 16 * nodes, (interp, stepsize, threads, dtype, beyond)
        assert peak >= 4 * SIDE**2 // 2  # the measurement sees the output
