"""The grid of a user's values, and the keywords of a grid."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import astropy.wcs
import numpy as np

from cblot.geometry.header import without_sip
from cblot.geometry.scale import undistorted_cd


def _rotation(angle: float) -> Any:
    """Matrix that adds an angle in degrees to the position angle of a sky vector."""
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return np.array([[c, s], [-s, c]])


def _orientation(cd: Any) -> float:
    """ORIENTAT of a CD matrix: position angle of Y, north through east, in degrees."""
    return math.degrees(math.atan2(cd[0, 1], cd[1, 1]))


def user_grid(values: Mapping[str, Any], reference: Any) -> Any:
    """Undistorted TAN grid of a user's values, each of which overrides the reference's.

    Parameters
    ----------
    values : mapping
        Or None each: ``outscale`` (arcsec/pixel), ``orient`` (position angle of Y, north through
        east, degrees), ``raref``, ``decref`` (degrees), ``xrefpix``, ``yrefpix`` (FITS),
        ``outnx``, ``outny``.
    reference : astropy.wcs.WCS or None
        WCS of the reference, with a shape.

    Returns
    -------
    astropy.wcs.WCS

    Raises
    ------
    ValueError
        If there is no reference for a value that is missing.
    """
    grid = astropy.wcs.WCS(naxis=2)
    grid.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    if reference is None:
        missing = [name for name, value in values.items() if value is None]
        if missing:
            raise ValueError(
                f"user_wcs without a reference needs all of its values; missing: "
                f"{', '.join(missing)}"
            )
        # North up, east to the left, before it is turned.
        cd = np.diag([-1.0, 1.0]) / 3600.0
        scale, orient = 1.0, 0.0
        crval = crpix = shape = (0.0, 0.0)
    else:
        cd = undistorted_cd(reference)
        scale = math.sqrt(abs(float(np.linalg.det(cd)))) * 3600.0
        orient = _orientation(cd)
        crval, crpix = reference.wcs.crval, reference.wcs.crpix
        shape = reference.array_shape[::-1]
        grid.wcs.ctype = [without_sip(name) for name in reference.wcs.ctype]
        grid.wcs.set_pv(reference.wcs.get_pv())
        for name in ("radesys", "equinox", "lonpole", "latpole"):
            setattr(grid.wcs, name, getattr(reference.wcs, name))

    def chosen(name: str, otherwise: Any) -> Any:
        return otherwise if values[name] is None else values[name]

    turn = chosen("orient", orient) - orient
    grid.wcs.cd = _rotation(turn) @ cd * (chosen("outscale", scale) / scale)
    grid.wcs.crval = [chosen("raref", crval[0]), chosen("decref", crval[1])]
    grid.wcs.crpix = [chosen("xrefpix", crpix[0]), chosen("yrefpix", crpix[1])]
    grid.pixel_shape = (int(chosen("outnx", shape[0])), int(chosen("outny", shape[1])))
    grid.wcs.set()
    return grid


def linear_keywords(wcs: astropy.wcs.WCS) -> dict[str, Any]:
    """Keywords of a WCS's linear projection, without SIP polynomials, with a CD matrix."""
    cd = wcs.pixel_scale_matrix
    keywords: dict[str, Any] = {}
    for i in (0, 1):
        keywords[f"CTYPE{i + 1}"] = without_sip(wcs.wcs.ctype[i])
        keywords[f"CRPIX{i + 1}"] = float(wcs.wcs.crpix[i])
        keywords[f"CRVAL{i + 1}"] = float(wcs.wcs.crval[i])
        for j in (0, 1):
            keywords[f"CD{i + 1}_{j + 1}"] = float(cd[i, j])
    if wcs.wcs.radesys:
        keywords["RADESYS"] = wcs.wcs.radesys
    if wcs.wcs.name:
        keywords["WCSNAME"] = wcs.wcs.name
    for name in ("equinox", "lonpole", "latpole"):
        if math.isfinite(getattr(wcs.wcs, name)):
            keywords[name.upper()] = float(getattr(wcs.wcs, name))
    keywords |= {f"PV{i}_{m}": float(value) for i, m, value in wcs.wcs.get_pv()}
    keywords["ORIENTAT"] = _orientation(cd)
    return keywords
