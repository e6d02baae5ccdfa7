"""The real AstroDrizzle, with its own blot and with cblot's by each way in."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

import astrodrizzle_scene as scene
import cblot
import oracle
from conftest import hstwcs
from wcs_oracle import exact_positions

drizzlepac = pytest.importorskip("drizzlepac")
pytestmark = pytest.mark.slow

# A detector's tests are one process's: a run is made once and compared often.
HRC_ALONE = pytest.mark.xdist_group("HRC")
DETECTORS = (
    pytest.param("HRC", marks=HRC_ALONE),
    pytest.param("WFC", marks=pytest.mark.xdist_group("WFC")),
)
WAYS = ("do_blot", "run_blot", "runBlot", "tblot", "patch_drizzlepac")
NOISE = (scene.SKY + scene.READ_NOISE**2) ** 0.5


@dataclass
class Result:
    """What a run of AstroDrizzle left, by name of the blotted image."""

    blots: dict[str, np.ndarray] = field(default_factory=dict)
    masks: dict[str, np.ndarray] = field(default_factory=dict)
    folder: Path = Path()
    sky: float | None = None  # what was added, if not MDRIZSKY
    _rows: dict[str, np.ndarray] = field(default_factory=dict)

    def sources(self, name: str, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Exact source positions, 0-based, of pixels of a blotted image."""
        blot_wcs, clean, *_ = self._geometry(name)
        px, py = exact_positions(blot_wcs, clean, x + 1.0, y + 1.0)
        return np.asarray(px - 1, float), np.asarray(py - 1, float)

    def source_rows(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Source positions' y of all pixels of a blotted image, by astropy."""
        if name not in self._rows:
            blot_wcs, clean, *_ = self._geometry(name)
            rows, columns = np.indices(shape)
            sky = blot_wcs.all_pix2world(columns.ravel(), rows.ravel(), 0)
            self._rows[name] = clean.wcs_world2pix(*sky, 0)[1].reshape(shape)
        return self._rows[name]

    def _geometry(self, name: str) -> tuple[Any, Any, np.ndarray, float]:
        """WCS of a chip and of the median, the median, the chip's sky."""
        flt, version = f"{name[:4]}_flt.fits", int(name.split("_sci")[1][0])
        with fits.open(self.folder / "scene_med.fits") as hdus:
            median, clean = hdus[0].data.astype(float), hstwcs(hdus, 0)
        with fits.open(self.folder / flt) as hdus:
            header = hdus["SCI", version].header
            sky = header["MDRIZSKY"] if self.sky is None else self.sky
            return hstwcs(hdus, ("SCI", version)), clean, median, sky

    def assert_as_the_oracle(
        self, name: str, y: np.ndarray, x: np.ndarray, interp: str, origin: Result | None = None
    ) -> None:
        """Pixels of a blotted image, with the files of `origin`, mapped exactly."""
        blot_wcs, clean, median, sky = (origin or self)._geometry(name)
        px, py = (origin or self).sources(name, x, y)
        area = (clean.pscale / blot_wcs.idcscale) ** 2
        expected = oracle.blot(median, px, py, interp) * scene.EXPTIME / area + sky
        # Nodes ten pixels apart are bilinear in between; a step of 1 is exact.
        atol = 2e-3 if origin is None else 0.02 * NOISE
        np.testing.assert_allclose(self.blots[name][y, x], expected, rtol=1e-5, atol=atol)

    @property
    def flagged(self) -> int:
        return sum(int((mask == 0).sum()) for mask in self.masks.values())


class Exposures(dict[str, tuple[Path, list[str]]]):
    """The folder and the names of a detector's, made when they are first asked for."""

    def __init__(self, data_dir: Path, factory: Any) -> None:
        self._data_dir, self._factory = data_dir, factory

    def __missing__(self, detector: str) -> tuple[Path, list[str]]:
        folder = self._factory.mktemp(detector)
        self[detector] = folder, scene.make_exposures(self._data_dir, folder, detector)
        return self[detector]


@pytest.fixture(scope="session")
def exposures(data_dir: Path, tmp_path_factory: Any) -> Exposures:
    return Exposures(data_dir, tmp_path_factory)


@contextlib.contextmanager
def coming_in_by(way: str) -> Iterator[None]:
    ablot = drizzlepac.ablot
    with pytest.MonkeyPatch.context() as patch:
        if way == "tblot":
            patch.setattr(ablot.cdriz, "tblot", cblot.tblot)
        elif way in ("do_blot", "run_blot", "runBlot"):
            patch.setattr(ablot, way, getattr(cblot.ablot, way))
        with cblot.patch_drizzlepac() if way == "patch_drizzlepac" else contextlib.nullcontext():
            yield


class Runs:
    """Runs AstroDrizzle, each combination once."""

    def __init__(self, exposures: Exposures, factory: Any) -> None:
        self._exposures, self._factory = exposures, factory
        self._done: dict[Any, Result] = {}

    def __call__(self, way: str, detector: str, **parameters: Any) -> Result:
        key = way, detector, *sorted(parameters.items())
        if key not in self._done:
            self._done[key] = self._run(way, detector, parameters)
        return self._done[key]

    def _run(self, way: str, detector: str, parameters: dict[str, Any]) -> Result:
        origin, names = self._exposures[detector]
        sky = parameters.get("blot_skyval") if parameters.get("skysub", True) else 0.0
        result = Result(folder=self._factory.mktemp("run"), sky=sky)
        for name in names:
            shutil.copy(origin / name, result.folder / name)
        step = drizzlepac.drizCR.rundrizCR

        def observed(images: Any, *arguments: Any, **keywords: Any) -> None:
            for image, chip in chips(images):
                result.blots[chip.outputNames["blotImage"]] = blotted(image, chip)
                assert chip.wcs.sip is not None or way == "drizzlepac" or "tblot" in way
            step(images, *arguments, **keywords)
            for image, chip in chips(images):
                result.masks[chip.outputNames["blotImage"]] = mask(image, chip)

        with pytest.MonkeyPatch.context() as patch, coming_in_by(way):
            patch.chdir(result.folder)
            patch.setattr(drizzlepac.drizCR, "rundrizCR", observed)
            scene.run_astrodrizzle(names, **parameters)
        assert result.masks
        return result


def chips(images: Any) -> Iterator[tuple[Any, Any]]:
    for image in images:
        for chip in image.returnAllChips(extname=image.scienceExt):
            yield image, chip


def blotted(image: Any, chip: Any) -> np.ndarray:
    name = chip.outputNames["blotImage"]
    if image.inmemory:
        assert not Path(name).exists()
        return image.virtualOutputs[name][0].data.copy()
    return fits.getdata(name, ext=0)


def mask(image: Any, chip: Any) -> np.ndarray:
    name = chip.outputNames["crmaskImage"]
    return (image.virtualOutputs[name][0].data if image.inmemory else fits.getdata(name)).copy()


@pytest.fixture(scope="session")
def runs(exposures: Any, tmp_path_factory: Any) -> Runs:
    return Runs(exposures, tmp_path_factory)


def assert_alike(ours: Result, theirs: Result, interp: str = "poly5") -> None:
    """Alike, but where drizzlepac's interpolant is not itself: there, as the oracle."""
    assert ours.blots.keys() == theirs.blots.keys()
    with fits.open(theirs.folder / "scene_med.fits") as hdus:
        top = hdus[0].data.shape[0] - {"poly5": 3, "poly3": 1, "linear": 0}[interp]
    for name, blot in theirs.blots.items():
        assert ours.blots[name].dtype.newbyteorder("=") == np.float32
        sound = theirs.source_rows(name, blot.shape) < top - 0.01
        assert sound.mean() > 0.9
        difference = np.abs(ours.blots[name] - blot)
        assert difference[sound].max() < 0.02 * NOISE
        faulty = np.argwhere(~sound)[:: max(1, int((~sound).sum()) // 40)].T
        ours.assert_as_the_oracle(name, *faulty, interp, theirs)
    differing = sum(int((ours.masks[name] != mask).sum()) for name, mask in theirs.masks.items())
    assert theirs.flagged > 250
    assert differing <= 2e-4 * theirs.flagged


@pytest.mark.parametrize("in_memory", [False, True])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("detector", DETECTORS)
def test_ways_in(runs: Runs, detector: str, way: str, in_memory: bool) -> None:
    theirs = runs("drizzlepac", detector, in_memory=False)
    assert_alike(runs(way, detector, in_memory=in_memory), theirs)


@pytest.mark.parametrize(
    "parameters",
    [
        {"blot_interp": "linear"},
        {"blot_interp": "poly3"},
        {"blot_addsky": False, "blot_skyval": 12.5},
        {"skysub": False},
    ],
    ids=str,
)
@pytest.mark.parametrize("detector", DETECTORS)
def test_parameters(runs: Runs, detector: str, parameters: dict[str, Any]) -> None:
    theirs = runs("drizzlepac", detector, **parameters)
    ours = runs("patch_drizzlepac", detector, **parameters)
    assert_alike(ours, theirs, parameters.get("blot_interp", "poly5"))


@HRC_ALONE
def test_without_distortion(runs: Runs) -> None:
    """On HRC, which has no detector table for drizzlepac to forget."""
    theirs = runs("drizzlepac", "HRC", coeffs=False)
    assert_alike(runs("patch_drizzlepac", "HRC", coeffs=False), theirs)


@pytest.mark.parametrize("interp", ["nearest", "sinc", "poly5"])
@pytest.mark.parametrize("detector", DETECTORS)
def test_against_the_oracle(runs: Runs, detector: str, interp: str) -> None:
    """Every pixel mapped exactly, at a sample of pixels, on all sides too."""
    result = runs("patch_drizzlepac", detector, blot_interp=interp, stepsize=1)
    ny, nx = scene.WINDOW
    rng = np.random.default_rng(7)
    y = np.r_[rng.integers(0, ny, 60), 0, 0, ny - 1, ny - 1]
    x = np.r_[rng.integers(0, nx, 60), 0, nx - 1, 0, nx - 1]
    for name in result.blots:
        result.assert_as_the_oracle(name, y, x, interp)
