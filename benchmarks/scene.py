"""What is blotted: an ACS/WFC chip with all its distortion, however its clean image lies."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

import cblot

DATA = Path(os.environ.get("CBLOT_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
FILE = "acs_wfc_flt.fits.gz"
# The same exposure by older and newer references: the detector's table has columns only, or both.
FILES = {"one-axis": FILE, "two-axis": "acs_wfc_2axis_flt.fits.gz"}
CHIP = (2048, 4096)
SKIES = ("LONPOLE 150", "pole", "latitude first", "galactic")


@dataclass(frozen=True)
class Place:
    """An exposure, and how it lies in its clean image.

    `roll` is that of its rows, in degrees; `scale` is the clean image's pixel over the exposure's;
    `tables` are the detector's, or "none" for an exposure without any distortion; `sky` is "", or
    what differs between the two images' coordinates. The clean image holds all of a detector of
    the shape `around`.
    """

    roll: float = 0.5
    scale: float = 1.0
    tables: str = "one-axis"
    sky: str = ""
    shape: tuple[int, int] = CHIP
    around: tuple[int, int] = CHIP

    @property
    def pose(self) -> str:
        return f"{self.roll:g}°" + ("" if self.scale == 1.0 else f", scale {self.scale:g}")


@dataclass(frozen=True, eq=False)
class Scene:
    """A clean image with its WCS, the WCS of an exposure, and what they are."""

    source: np.ndarray
    source_wcs: Any
    blot_wcs: Any
    name: str

    @property
    def pixels(self) -> int:
        ny, nx = self.blot_wcs.array_shape
        return int(ny * nx)

    @cached_property
    def mapping(self) -> cblot.Mapping:
        return cblot.Mapping(blot_wcs=self.blot_wcs, source_wcs=self.source_wcs)

    @cached_property
    def exact_mapping(self) -> cblot.Mapping:
        pair = {"blot_wcs": self.blot_wcs, "source_wcs": self.source_wcs}
        return cblot.Mapping(**pair, stepsize=None)

    @cached_property
    def pixmap(self) -> np.ndarray:
        return self.exact_mapping.pixmap()

    @cached_property
    def dithered(self) -> Iterator[Any]:
        """Endless WCS of exposures beside this one, of which no cache of pairs holds all."""
        made = []
        for k in range(300):
            wcs = self.blot_wcs.deepcopy()
            wcs.wcs.crval = wcs.wcs.crval + 1e-7 * k
            wcs.wcs.set()
            made.append(wcs)
        return cycle(made)


def noise(shape: tuple[int, int]) -> np.ndarray:
    """Normal deviates about 10, in squares that repeat."""
    side = 1040
    square = np.random.default_rng(0).normal(10.0, 1.0, (side, side)).astype(np.float32)
    repeated = np.tile(square, [-(-n // side) for n in shape])
    return np.ascontiguousarray(repeated[: shape[0], : shape[1]])


@cache
def exposure(tables: str = "one-axis") -> tuple[Any, Any, str]:
    """WCS of a chip and of a grid for both chips; without the file of the first, the demo's."""
    path = DATA / FILES[tables]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _made_up() if path.name == FILE and not path.exists() else _real(path)


def _real(path: Path) -> tuple[Any, Any, str]:
    from astropy.io import fits
    from stwcs.distortion.utils import output_wcs
    from stwcs.wcsutil import HSTWCS

    with fits.open(path) as hdulist:
        chips = [HSTWCS(hdulist, ext=("SCI", k)) for k in (1, 2)]
        return chips[0], output_wcs(chips), f"a chip of {path.name}"


def _made_up() -> tuple[Any, Any, str]:
    from astropy.io import fits
    from astropy.wcs import WCS

    from cblot.demo import geometry

    tables = ("CPDIS", "DP", "D2IM")  # they are too small for the whole chip
    cards = geometry.exposure_cards(geometry.POINTINGS[0])
    blot_wcs = WCS(fits.Header({k: v for k, v in cards.items() if not k.startswith(tables)}))
    blot_wcs.array_shape = CHIP
    source_wcs = geometry.clean_wcs([blot_wcs])
    for wcs in (blot_wcs, source_wcs):
        _tell_scale(wcs)
    return blot_wcs, source_wcs, "the demo's geometry, without its tables"


def _tell_scale(wcs: Any) -> None:
    """Give a WCS what drizzlepac asks it for."""
    wcs.pscale = float(np.hypot(*wcs.wcs.cd[:, 0]) * 3600.0)


@cache
def chip() -> Scene:
    """The chip, on the clean grid that both chips have."""
    blot_wcs, source_wcs, name = exposure()
    return Scene(noise(source_wcs.array_shape), source_wcs, blot_wcs, name)


@lru_cache(maxsize=1)
def at(place: Place) -> Scene:
    """Make the scene of a place, or give the last one again; a clean image can have 300 MB."""
    if place.tables == "none":
        return plain(place.shape[0] * place.shape[1], place.roll, place.scale)
    blot_wcs, clean_wcs, name = exposure(place.tables)
    blot_wcs = blot_wcs.deepcopy()
    if place.sky == "LONPOLE 150":
        blot_wcs.wcs.lonpole = 150.0
    if place.sky == "pole":
        blot_wcs.wcs.crval = [10.0, 90.0]
    blot_wcs.wcs.set()
    source_wcs = _clean_wcs(blot_wcs, clean_wcs.deepcopy(), place)
    blot_wcs.array_shape = place.shape
    return Scene(noise(source_wcs.array_shape), source_wcs, blot_wcs, name)


def _clean_wcs(blot_wcs: Any, wcs: Any, place: Place) -> Any:
    """Turn and cut a clean grid so that the whole chip just lies in it."""
    wcs.wcs.crval, wcs.wcs.crpix = blot_wcs.wcs.crval, [0.0, 0.0]
    wcs.wcs.cd = np.diag([-1.0, 1.0]) * wcs.pscale / 3600.0
    if place.sky == "galactic":
        from astropy.coordinates import SkyCoord

        centre = SkyCoord(*wcs.wcs.crval, unit="deg").galactic
        wcs.wcs.crval, wcs.wcs.ctype = [centre.l.deg, centre.b.deg], ["GLON-TAN", "GLAT-TAN"]
        wcs.wcs.radesys = ""
    if place.sky == "latitude first":
        wcs.wcs.crval, wcs.wcs.ctype = wcs.wcs.crval[::-1], list(wcs.wcs.ctype)[::-1]
        wcs.wcs.cd = wcs.wcs.cd[::-1]
    wcs.wcs.set()
    ny, nx = np.maximum(place.around, place.shape)
    x, y = np.linspace(1.0, nx, 65), np.linspace(1.0, ny, 65)

    def positions(x: Any, y: Any) -> np.ndarray:
        return np.array(cblot.Mapping(blot_wcs=blot_wcs, source_wcs=wcs).forward(x, y))

    along = np.diff(positions(nx / 2 + np.array([-50.0, 50.0]), np.full(2, ny / 2)))[:, 0]
    turn = np.radians(place.roll) - np.arctan2(along[1], along[0])
    c, s = np.cos(turn), np.sin(turn)
    wcs.wcs.cd = wcs.wcs.cd @ np.array([[c, s], [-s, c]]) * place.scale
    wcs.wcs.set()
    border = np.hstack(
        [positions(x, np.full(65, edge)) for edge in y[[0, -1]]]
        + [positions(np.full(65, edge), y) for edge in x[[0, -1]]]
    )
    least, most = np.floor(border.min(1)) - 8.0, np.ceil(border.max(1)) + 8.0
    wcs.wcs.crpix = -least
    wcs.array_shape = tuple((most - least).astype(int)[::-1].tolist())
    wcs.wcs.set()
    _tell_scale(wcs)
    return wcs


def plain(pixels: int, roll: float = 0.5, scale: float = 1.0) -> Scene:
    """A square pair without distortion of any size."""
    from astropy.wcs import WCS

    n = round(pixels**0.5)
    c, s = np.cos(np.radians(roll)), np.sin(np.radians(roll))
    wide = round(n * (abs(c) + abs(s)) / scale) + 8
    made = []
    for size, turn, step in ((n, [[-c, s], [s, c]], 1.0), (wide, [[-1.0, 0.0], [0.0, 1.0]], scale)):
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.crval, wcs.wcs.crpix = [150.0, 2.0], [size / 2, size / 2]
        wcs.wcs.cd = np.array(turn) * step * 0.05 / 3600.0
        wcs.array_shape = (size, size)
        wcs.wcs.set()
        _tell_scale(wcs)
        made.append(wcs)
    return Scene(noise((wide, wide)), made[1], made[0], f"{n} x {n}")
