"""`cblot demo`, through its command line."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

import cblot
from cblot.cli.run import main

pytest.importorskip("drizzle")
pytest.importorskip("matplotlib")


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    outdir = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "cblot", "demo", "-o", str(outdir)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return outdir, done.stdout


@pytest.mark.xdist_group("demo")
def test_demo_finds_cosmic_rays(demo: tuple[Path, str]) -> None:
    found = re.search(r"cosmic rays found: (\d+) of (\d+)", demo[1])
    wrong = re.search(r"pixels flagged wrongly: (\d+) of (\d+)", demo[1])
    assert found
    assert wrong
    assert int(found[2]) > 1000
    assert int(found[1]) / int(found[2]) > 0.97
    assert int(wrong[1]) / int(wrong[2]) < 1e-3


@pytest.mark.xdist_group("demo")
def test_demo_files(demo: tuple[Path, str]) -> None:
    outdir, printed = demo
    assert {str(path) for path in outdir.iterdir()} <= set(printed.splitlines())
    assert (outdir / "cblot-demo.png").read_bytes().startswith(b"\x89PNG")
    for number in range(1, 5):
        with fits.open(outdir / f"exposure{number}.fits") as file, warnings.catch_warnings():
            warnings.simplefilter("error")
            exposure, blot, difference = (file[name].data for name in ("SCI", "BLOT", "DIFF"))
            np.testing.assert_allclose(exposure - blot, difference, rtol=1e-5, atol=1e-3)
            assert set(np.unique(file["MASK"].data)) == {0, 1}
            wcs = [WCS(file[name].header, file) for name in ("SCI", "BLOT", "DIFF", "MASK")]
            assert all(w.sip.a_order == 4 for w in wcs)
            assert all(w.cpdis1 is not None and w.det2im1 is not None for w in wcs)
            positions = [w.all_pix2world([[1.0, 1.0], [2000.0, 1000.0]], 1) for w in wcs]
            assert all((p == positions[0]).all() for p in positions)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert cblot.__version__ in capsys.readouterr().out


def test_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nonsense"]) == 2
    assert "nonsense" in capsys.readouterr().err


def test_unwritable_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    assert main(["demo", "-o", str(tmp_path / "file")]) == 1
    error = capsys.readouterr().err
    assert len(error.strip().splitlines()) == 1
    assert "file" in error
