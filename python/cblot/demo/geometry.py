"""Geometry of the example: where each pixel of a detector like ACS/WFC looks.

All numbers are made up, of the size that the real camera's have.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import astropy.wcs
import numpy as np
from numpy.typing import NDArray

from cblot.resample import Mapping

SHAPE: Final = (1024, 2048)
RA: Final = 83.6
DEC: Final = 22.0

# The axes are 87.3 degrees apart and of unequal scale, 0.0498 and 0.0507 arcsec a pixel.
_CD: Final = np.array([[-1.216e-5, 6.14e-6], [6.62e-6, 1.266e-5]])

_SIP: Final = {
    "A_2_0": 8.4e-6, "A_1_1": -5.3e-6, "A_0_2": 2.2e-6,
    "A_3_0": -4.6e-10, "A_2_1": -4.1e-11, "A_1_2": -5.1e-10, "A_0_3": 1.2e-11,
    "A_4_0": 2.3e-14, "A_3_1": 2.1e-15, "A_2_2": 3.3e-14, "A_1_3": -2.4e-14, "A_0_4": 1.4e-14,
    "B_2_0": -1.8e-6, "B_1_1": 6.1e-6, "B_0_2": -7.3e-6,
    "B_3_0": 8.3e-11, "B_2_1": -5.2e-10, "B_1_2": -6.3e-11, "B_0_3": -4.2e-10,
    "B_4_0": -1.7e-14, "B_3_1": -3.6e-15, "B_2_2": -3.7e-14, "B_1_3": 1.2e-14, "B_0_4": -9.8e-15,
}  # fmt: skip

_TABLE_STEP: Final = 256.0
_TABLE_X: Final = (
    (0.021, 0.034, 0.012, -0.018, -0.041, -0.027, 0.008, 0.031, 0.044),
    (0.015, 0.042, 0.027, -0.006, -0.033, -0.038, -0.011, 0.022, 0.036),
    (-0.004, 0.019, 0.038, 0.011, -0.024, -0.049, -0.029, 0.005, 0.027),
    (-0.023, 0.003, 0.029, 0.025, -0.009, -0.036, -0.043, -0.014, 0.013),
    (-0.037, -0.016, 0.014, 0.032, 0.007, -0.021, -0.046, -0.030, -0.002),
)
_TABLE_Y: Final = (
    (-0.033, -0.012, 0.017, 0.039, 0.028, 0.001, -0.026, -0.035, -0.019),
    (-0.040, -0.027, 0.004, 0.031, 0.043, 0.018, -0.010, -0.032, -0.029),
    (-0.028, -0.037, -0.015, 0.016, 0.047, 0.034, 0.006, -0.021, -0.038),
    (-0.011, -0.030, -0.032, -0.003, 0.029, 0.045, 0.024, -0.007, -0.031),
    (0.009, -0.017, -0.036, -0.022, 0.010, 0.037, 0.041, 0.013, -0.020),
)

# Columns are not of equal width: a pattern that repeats, as a detector's lithography makes it.
_COLUMN_OFFSETS: Final = (
    0.0021, 0.0048, 0.0083, 0.0102, 0.0071, 0.0035, -0.0012, -0.0046,
    -0.0079, -0.0098, -0.0085, -0.0057, -0.0031, -0.0008, 0.0011, 0.0027,
)  # fmt: skip


@dataclass(frozen=True)
class Pointing:
    """Where an exposure looks: the dither in arcsec on the sky, and the roll in degrees."""

    east: float
    north: float
    roll: float


@dataclass(frozen=True)
class Table:
    """A table of distortion in pixels, and the FITS extension that it goes in."""

    name: str
    version: int
    step: float
    values: NDArray[np.float32]


POINTINGS: Final = (
    Pointing(0.0, 0.0, 0.0),
    Pointing(1.237, 0.618, 0.012),
    Pointing(-0.842, 1.913, -0.019),
    Pointing(-1.571, -1.108, 0.027),
)


def tables() -> list[Table]:
    """Return the lookup table of each axis and the detector's column table.

    Returns
    -------
    list of Table
        As extensions WCSDVARR (two) and D2IMARR.
    """
    columns = np.resize(np.array(_COLUMN_OFFSETS, dtype=np.float32), (1, SHAPE[1]))
    return [
        Table("WCSDVARR", 1, _TABLE_STEP, np.array(_TABLE_X, dtype=np.float32)),
        Table("WCSDVARR", 2, _TABLE_STEP, np.array(_TABLE_Y, dtype=np.float32)),
        Table("D2IMARR", 1, 1.0, columns),
    ]


def exposure_cards(pointing: Pointing) -> dict[str, Any]:
    """Return the WCS keywords of an exposure, in the form that HST's files have.

    Parameters
    ----------
    pointing : Pointing
        Where it looks.

    Returns
    -------
    dict
        Values by keyword; those with a dot are record-valued.
    """
    angle = math.radians(pointing.roll)
    rotation = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    cd = rotation @ _CD
    cards: dict[str, Any] = {
        "WCSAXES": 2,
        "CTYPE1": "RA---TAN-SIP",
        "CTYPE2": "DEC--TAN-SIP",
        "CRPIX1": SHAPE[1] / 2.0,
        "CRPIX2": SHAPE[0] / 2.0,
        "CRVAL1": RA + pointing.east / 3600.0 / math.cos(math.radians(DEC)),
        "CRVAL2": DEC + pointing.north / 3600.0,
        "CUNIT1": "deg",
        "CUNIT2": "deg",
        "RADESYS": "ICRS",
    }
    cards |= {f"CD{i + 1}_{j + 1}": float(cd[i, j]) for i in (0, 1) for j in (0, 1)}
    cards |= {"A_ORDER": 4, "B_ORDER": 4, **_SIP}
    for axis in (1, 2):
        cards[f"CPDIS{axis}"] = "Lookup"
        cards |= _record(f"DP{axis}", axis)
    cards["D2IMDIS1"] = "Lookup"
    cards |= _record("D2IM1", 1)
    return cards


def _record(keyword: str, version: int) -> dict[str, float]:
    return {
        f"{keyword}.EXTVER": float(version),
        f"{keyword}.NAXES": 2.0,
        f"{keyword}.AXIS.1": 1.0,
        f"{keyword}.AXIS.2": 2.0,
    }


def clean_wcs(exposures: Sequence[astropy.wcs.WCS]) -> astropy.wcs.WCS:
    """Return the WCS of an undistorted image that covers all exposures.

    Parameters
    ----------
    exposures : sequence of astropy.wcs.WCS
        Their WCS objects, all with a shape.

    Returns
    -------
    astropy.wcs.WCS
        A tangent projection along the exposures' rows, of square pixels whose area is that of the
        first exposure's without distortion, so that both hold the same counts a pixel.
    """
    cd = exposures[0].wcs.cd
    scale = math.sqrt(abs(float(np.linalg.det(cd))))
    angle = math.atan2(float(cd[1, 0]), -float(cd[0, 0]))
    wcs = astropy.wcs.WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.cunit = ["deg", "deg"]
    wcs.wcs.crval = [RA, DEC]
    wcs.wcs.crpix = [1.0, 1.0]
    wcs.wcs.cd = scale * np.array(
        [[-math.cos(angle), math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    )
    wcs.wcs.set()
    edges = np.concatenate([_border(exposure, wcs) for exposure in exposures])
    low = np.floor(edges.min(axis=0)) - 2.0
    size = np.ceil(edges.max(axis=0)) + 2.0 - low
    wcs.wcs.crpix = 1.0 - low
    wcs.wcs.set()
    wcs.array_shape = (int(size[1]) + 1, int(size[0]) + 1)
    return wcs


def _border(exposure: astropy.wcs.WCS, clean: astropy.wcs.WCS) -> NDArray[np.float64]:
    """Positions on the clean image of the exposure's outermost pixels."""
    ny, nx = exposure.array_shape
    i, j = np.arange(nx), np.arange(ny)
    x = np.concatenate([i, i, np.zeros(ny), np.full(ny, nx - 1)])
    y = np.concatenate([np.zeros(nx), np.full(nx, ny - 1), j, j])
    return np.column_stack(clean.wcs_world2pix(*exposure.all_pix2world(x, y, 0), 0))


def pixmap(exposure: astropy.wcs.WCS, clean: astropy.wcs.WCS) -> NDArray[np.float64]:
    """Return the position on the clean image of each pixel of an exposure.

    Parameters
    ----------
    exposure, clean : astropy.wcs.WCS
        The WCS of the exposure, with a shape, and of the clean image.

    Returns
    -------
    ndarray, shape (ny, nx, 2)
        Positions x and y, 0-based.
    """
    # By the WCS objects themselves, as another program would.
    asked = Mapping(blot_wcs=exposure, source_wcs=clean, stepsize=None, classic=True)
    return asked.pixmap()
