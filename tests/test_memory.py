"""What a call takes beyond its output, measured in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import INTERPOLANTS, ROOT

LIMIT = 64_000_000
SIDE = 6000
LINUX = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="the peak is read from Linux's /proc"
)

CODE = """
import json, sys
import numpy as np
import cblot
from benchmarks.measure import peak_memory
from benchmarks.scene import plain

s = plain(int(sys.argv[2]))
cases = json.loads(sys.argv[1])
peaks = []
for interp, stepsize, threads, dtype in cases:
    wcsmap = cblot.WCSMap if threads == 0 else None
    source = s.source.astype(dtype)
    call = lambda: cblot.do_blot(source, s.source_wcs, s.blot_wcs, 1.0, interp=interp,
                                 stepsize=stepsize, threads=threads or None, wcsmap=wcsmap)
    peaks.append(peak_memory(call))
print(json.dumps(peaks))
"""


def peaks(cases: list[tuple[str, int | None, int, str]], side: int) -> list[int]:
    answer = subprocess.run(
        [sys.executable, "-c", CODE, json.dumps(cases), str(side**2)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return [int(p) for p in json.loads(answer.stdout)]


@LINUX
@pytest.mark.slow
def test_peak_memory() -> None:
    """At most 64 MB and 16 bytes a node beyond the output, whatever the interpolant."""
    cases = [(interp, 10, 1, "f4") for interp in INTERPOLANTS]
    cases += [("spline3", None, 8, "f8"), ("poly5", None, 8, "f4"), ("linear", 2, 1, "f4")]
    for (interp, stepsize, threads, dtype), peak in zip(cases, peaks(cases, SIDE), strict=True):
        nodes = (SIDE // stepsize + 2) ** 2 if stepsize else 0
        beyond = peak - 4 * SIDE**2
        assert beyond <= LIMIT + 16 * nodes, (interp, stepsize, threads, dtype, beyond)
        assert peak >= 4 * SIDE**2 // 2  # the measurement sees the output


@LINUX
def test_peak_memory_with_a_callers_mapping() -> None:
    """The same where positions come from Python (threads 0 stands for that here)."""
    side = 2500
    for peak in peaks([(interp, None, 0, "f4") for interp in ("poly5", "spline3")], side):
        assert 4 * side**2 // 2 <= peak <= 4 * side**2 + LIMIT


MANY = """
import sys
from pathlib import Path
import numpy as np
from astropy.io import fits
import cblot, task_files
from benchmarks.measure import peak_memory

folder, shape = Path(sys.argv[1]), (1500, 2000)
data = task_files.write_data(folder / "med.fits")
with fits.open(data) as hdus:
    header = hdus[0].header
header["CRPIX1"], header["CRPIX2"] = 1000.0, 750.0
fits.PrimaryHDU(np.ones(shape, np.float32), header).writeto(data, overwrite=True)
names = []
for k in range(12):
    hdus = task_files.reference_hdus()
    hdus["SCI"].data = np.zeros(shape, np.float32)
    hdus["SCI"].header["CRPIX1"], hdus["SCI"].header["CRPIX2"] = 1000.0, 750.0
    names.append(folder / f"e{k}_flt.fits")
    hdus.writeto(names[-1])
run = lambda count: cblot.blot_exposures(data, names[:count], folder / "out", jobs=2)
run(2)
print(peak_memory(lambda: run(2)), peak_memory(lambda: run(12)))
"""


@LINUX
def test_peak_memory_does_not_grow_with_exposures(tmp_path: Path) -> None:
    """No more than the chips that are at work are held, each of 12 MB here."""
    answer = subprocess.run(
        [sys.executable, "-c", MANY, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    few, many = (int(text) for text in answer.stdout.split())
    assert many < few + 50_000_000, (few, many)
