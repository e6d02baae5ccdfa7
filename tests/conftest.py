from __future__ import annotations

import logging
import os
import shutil
import signal
import site
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

# Before astropy, matplotlib and dask look for theirs: configurations and caches of nobody's, so
# that tests are the same for everyone, and for those without a home. xdist's workers share one.
HOME = None
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["PYTHONUSERBASE"] = site.getuserbase()  # else it would be looked for there as well
    HOME = os.environ["HOME"] = tempfile.mkdtemp(prefix="cblot-tests-")
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR", "DASK_CONFIG"):
        os.environ.pop(name, None)

import hypothesis  # noqa: E402
import numpy as np  # noqa: E402
from astropy.io import fits  # noqa: E402

import cblot  # noqa: E402
import task_files  # noqa: E402

hypothesis.settings.register_profile("nothing kept", database=None)
hypothesis.settings.load_profile("nothing kept")


def pytest_unconfigure() -> None:
    if HOME is not None:
        shutil.rmtree(HOME, ignore_errors=True)


ROOT = Path(__file__).resolve().parents[1]
DATA_VARIABLE = "CBLOT_TEST_DATA"
ALIASES = {"bilinear": "linear", "lsinc": "sinc", "lan3": "lanczos3", "lan5": "lanczos5"}
INTERPOLANTS = tuple(name for name in cblot.interpolants() if name not in ALIASES)


# A shell's background jobs begin with Ctrl-C ignored, and so do their children.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def levels_of_the_log() -> None:
    """Those of a new process: the command line and AstroDrizzle set them for the next test, too."""
    levels = {"root": logging.WARNING, "cblot": logging.NOTSET, "cblot.progress": logging.NOTSET}
    loggers = {name: logging.getLogger(None if name == "root" else name) for name in levels}
    for name, logger in loggers.items():
        logger.setLevel(levels[name])


@dataclass(eq=False)
class Pair:
    """A clean image with its WCS, and the WCS of an exposure."""

    source: np.ndarray
    source_wcs: Any
    blot_wcs: Any
    exptime: float


class Asked(cblot.WCSMap):
    """The default mapping as a class of a caller's, which is not known and so is asked."""


def hstwcs(hdulist: Any, ext: int) -> Any:
    from stwcs.wcsutil import HSTWCS

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return HSTWCS(hdulist, ext=ext)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    default = ROOT.parent / "shared" / "data"
    path = Path(os.environ.get(DATA_VARIABLE, default))
    if not (path / "acs_wfc_flt.fits.gz").exists():
        pytest.skip(f"no real HST data in {path}; set {DATA_VARIABLE} to the folder that has it")
    return path


@pytest.fixture(scope="session")
def acs_wcs(data_dir: Path) -> tuple[Any, Any, Any]:
    """WCS of both ACS/WFC chips, and of a clean grid for the two."""
    from stwcs.distortion.utils import output_wcs

    with fits.open(data_dir / "acs_wfc_flt.fits.gz") as hdulist:
        chips = [hstwcs(hdulist, 1), hstwcs(hdulist, 4)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return chips[0], chips[1], output_wcs(chips)


def sky_image(shape: tuple[int, int], seed: int = 3) -> np.ndarray:
    """Noise around a smooth background: every digit of a position matters."""
    return _sky_image(*shape, seed).copy()


@lru_cache(maxsize=4)
def _sky_image(ny: int, nx: int, seed: int) -> np.ndarray:
    smooth = 10.0 + 3.0 * np.outer(np.cos(np.arange(ny) / 31.0), np.sin(np.arange(nx) / 40.0))
    noise = np.random.default_rng(seed).normal(0.0, 1.0, (ny, nx))
    return (smooth + noise).astype(np.float32)


@pytest.fixture(scope="session", params=["acs1", "acs2", "hrc"])
def real_pair(request: Any, data_dir: Path, acs_wcs: tuple[Any, Any, Any]) -> Pair:
    if request.param != "hrc":
        clean = acs_wcs[2]
        chip = acs_wcs[0 if request.param == "acs1" else 1]
        return Pair(sky_image(clean.array_shape), clean, chip, 400.0)
    with fits.open(data_dir / "hrc_47tuc_drz.fits") as hdulist:
        source = hdulist[1].data.astype(np.float32)
        clean = hstwcs(hdulist, 1)
    with fits.open(data_dir / "hrc_47tuc_flt.fits") as hdulist:
        return Pair(source, clean, hstwcs(hdulist, 1), 60.0)


class Done(NamedTuple):
    """What a command gave back."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Done]:
    """The command line within this process, whose start takes longer than most that it does."""
    from cblot.cli.run import main

    def run(*arguments: Any) -> Done:
        capsys.readouterr()
        with monkeypatch.context() as patch:
            patch.setattr(logging.getLogger(), "handlers", [])  # pytest's: a process has none
            status = main([str(argument) for argument in arguments])
        return Done(status, *capsys.readouterr())

    return run


@pytest.fixture
def night(tmp_path: Path) -> task_files.Night:
    """Data, five small exposures of two chips, and the name of a folder for outputs."""
    return task_files.write_night(tmp_path)
