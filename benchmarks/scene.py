"""What is blotted: a whole ACS/WFC chip with all its distortion, from a clean image of noise."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

FILE = "acs_wfc_flt.fits.gz"


@dataclass(frozen=True)
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


def noise(shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(0).normal(10.0, 1.0, shape).astype(np.float32)


@cache
def chip() -> Scene:
    """The real chip if its file is there, else the demo's geometry at the size of the chip."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    path = Path(os.environ.get("CBLOT_TEST_DATA", default)) / FILE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        blot_wcs, source_wcs, name = _real(path) if path.exists() else _made_up()
    return Scene(noise(source_wcs.array_shape), source_wcs, blot_wcs, name)


def _real(path: Path) -> tuple[Any, Any, str]:
    from astropy.io import fits
    from stwcs.distortion.utils import output_wcs
    from stwcs.wcsutil import HSTWCS

    with fits.open(path) as hdulist:
        chips = [HSTWCS(hdulist, ext=1), HSTWCS(hdulist, ext=4)]
        return chips[0], output_wcs(chips), f"a chip of {FILE}"


def _made_up() -> tuple[Any, Any, str]:
    from astropy.io import fits
    from astropy.wcs import WCS

    from cblot.demo import geometry

    tables = ("CPDIS", "DP", "D2IM")  # they are too small for the whole chip
    cards = geometry.exposure_cards(geometry.POINTINGS[0])
    blot_wcs = WCS(fits.Header({k: v for k, v in cards.items() if not k.startswith(tables)}))
    blot_wcs.array_shape = (2048, 4096)
    source_wcs = geometry.clean_wcs([blot_wcs])
    for wcs in (blot_wcs, source_wcs):
        wcs.pscale = float(np.hypot(*wcs.wcs.cd[:, 0]) * 3600.0)  # drizzlepac asks for it
    return blot_wcs, source_wcs, "the demo's geometry, without its tables"


def plain(pixels: int) -> Scene:
    """A square pair without distortion of any size, turned by half a degree."""
    from astropy.wcs import WCS

    n = round(pixels**0.5)
    made = []
    for size, angle in ((n, 0.5), (n + 16, 0.0)):
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.crval, wcs.wcs.crpix = [150.0, 2.0], [size / 2, size / 2]
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        wcs.wcs.cd = np.array([[-c, s], [s, c]]) * 0.05 / 3600.0
        wcs.array_shape = (size, size)
        wcs.wcs.set()
        made.append(wcs)
    tile = noise((1040, 1040))
    source = np.tile(tile, (-(-(n + 16) // 1040),) * 2)[: n + 16, : n + 16]
    return Scene(np.ascontiguousarray(source), made[1], made[0], f"{n} x {n}")
