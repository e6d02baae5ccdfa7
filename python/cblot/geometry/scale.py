"""Plate scales, and their ratio."""

from __future__ import annotations

import math
from typing import Any

import astropy.wcs
import numpy as np
from numpy.typing import NDArray


def plate_scale(wcs: astropy.wcs.WCS) -> float:
    """Plate scale in arcsec a pixel along x: HSTWCS's own, else its formula."""
    pscale = getattr(wcs, "pscale", None)
    if pscale is not None:
        return float(pscale)
    cd = wcs.pixel_scale_matrix
    return float(np.sqrt(cd[0, 0] ** 2 + cd[1, 0] ** 2) * 3600.0)


def _undistorted_scale(wcs: astropy.wcs.WCS) -> float:
    """Plate scale without distortion: HST's model's, IDCSCALE, else that of the CD matrix.

    stwcs's `make_orthogonal_cd` has the same to some units in the last place of a double, but to
    import it is to import an HTTP client.
    """
    if getattr(wcs, "idcscale", None) is not None:
        return float(wcs.idcscale)
    # Not NumPy's determinant, which goes by way of logarithms.
    (a, b), (c, d) = wcs.pixel_scale_matrix
    return math.sqrt(abs(float(a * d - b * c))) * 3600.0


def undistorted_cd(wcs: astropy.wcs.WCS) -> NDArray[np.float64]:
    """CD matrix without distortion: the orthogonal one that stwcs makes, else the WCS's own."""
    has_scale = getattr(wcs, "idcscale", None) is not None
    has_roll = getattr(wcs, "idcv2ref", None) is None or getattr(wcs, "pav3", None) is not None
    if not (has_scale and has_roll):
        # Not stwcs's for the rest: it warns of a missing IDCSCALE, and needs a CD matrix.
        return np.array(wcs.pixel_scale_matrix)
    from stwcs.distortion.utils import make_orthogonal_cd

    return np.array(make_orthogonal_cd(wcs).pixel_scale_matrix)


def of_plates(source_wcs: astropy.wcs.WCS, blot_wcs: astropy.wcs.WCS, coeffs: bool) -> float:
    """Ratio of the source's plate scale to that of the output, without distortion if `coeffs`."""
    try:
        blot_scale = _undistorted_scale(blot_wcs) if coeffs else plate_scale(blot_wcs)
        source_scale = plate_scale(source_wcs)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"the plate scales of source_wcs and blot_wcs (pscale, IDCSCALE) must be numbers: "
            f"{error}"
        ) from error
    return checked(source_scale / blot_scale if blot_scale > 0.0 else math.nan)


def of_mapping(forward: Any, shape: tuple[int, int]) -> float:
    """One over the root of the Jacobian determinant of a mapping, at the middle of the output.

    Parameters
    ----------
    forward : callable
        The mapping of FITS positions; NaN where it has none. There, and at a branch cut, where
        steps of half a pixel to either side are not alike, the ratio is that at the first of the
        middles of the output's quarters which has one.
    shape : tuple of int
        Shape (ny, nx) of the output.

    Returns
    -------
    float
        NaN if there is none at any of them.
    """
    places = [(0.5, 0.5), (0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)]
    around = np.array([[0.0, -0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.0, -0.5, 0.5]])
    cx, cy = (np.repeat([p[k] * (shape[1 - k] + 1) for p in places], 5) for k in (0, 1))
    found = np.array(forward(cx + np.tile(around[0], 5), cy + np.tile(around[1], 5)))
    for place in np.split(found, len(places), axis=1):
        middle, left, right, below, above = place.T
        (xx, yx), (xy, yy) = right - left, above - below
        jacobian = float(xx * yy - xy * yx)
        if (
            math.isfinite(jacobian)
            and _are_alike(middle - left, right - middle)
            and _are_alike(middle - below, above - middle)
        ):
            return 1.0 / math.sqrt(abs(jacobian)) if jacobian != 0.0 else math.inf
    return math.nan


def _are_alike(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Whether two steps are of one mapping, without a jump in one of them."""
    return math.dist(one, other) <= 0.5 * (math.hypot(*one) + math.hypot(*other))


def on_sky(to_world: Any, shape: tuple[int, int]) -> float:
    """Root of the area that a pixel in the middle of an image has on the sky, in radian.

    Parameters
    ----------
    to_world : callable
        Longitudes and latitudes, in degrees, of FITS positions.
    shape : tuple of int
        Shape (ny, nx) of the image.
    """
    ny, nx = shape
    lon, lat = np.radians(
        to_world(
            (nx + 1) / 2 + np.array([-0.5, 0.5, 0.0, 0.0]),
            (ny + 1) / 2 + np.array([0.0, 0.0, -0.5, 0.5]),
        )
    )
    left, right, below, above = np.transpose(
        [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]
    )
    return math.sqrt(float(np.linalg.norm(np.cross(right - left, above - below))))


def checked(ratio: float) -> float:
    """Return a ratio of pixel scales.

    Raises
    ------
    ValueError
        If it is not positive and finite.
    """
    if not (math.isfinite(ratio) and ratio > 0.0):
        raise ValueError(
            "the ratio of the pixel scales of source_wcs and blot_wcs must be positive and finite, "
            f"got {ratio}"
        )
    return ratio
