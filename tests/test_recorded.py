"""Bits that were recorded: of kernels, sources, outputs, pixel maps, and the classic arithmetic.

Just the results that come of the core's own IEEE arithmetic and of positions that are given, as
these are the same on every machine. Positions out of WCS objects go through wcslib and the C
library's sines, whose last digits are their versions'; `python -m benchmarks.bits` compares those,
on one machine. After a change of bits that is meant: `python -m benchmarks.bits --only arrays
--write tests/recorded_bits.json`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

import cblot
from conftest import ROOT

RECORDED = ROOT / "tests" / "recorded_bits.json"


@pytest.mark.parametrize("isa", cblot.build_info()["available"])
def test_bits_are_those_recorded(isa: str) -> None:
    arguments = ["-m", "benchmarks.bits", "--only", "arrays", "--check", str(RECORDED)]
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env={**os.environ, "CBLOT_ISA": isa}, text=True,
        capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_interpolant_is_recorded() -> None:
    hashes = json.loads(RECORDED.read_text())
    assert all(re.fullmatch("[0-9a-f]{64}", value) for value in hashes.values())
    for interp in cblot.interpolants():
        assert f"arrays/kernel/{interp}/f4" in hashes
