"""The WCS of an image in a file, the grid of a user's values, and their keywords."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping
from typing import Any

import astropy.wcs
import numpy as np

from cblot import _scale
from cblot._arrays import finite
from cblot._quiet import quietly

log = logging.getLogger(__name__)

# Keywords of which wcslib makes MJD-OBS.
_DATES = re.compile(
    r"DATE.*|MJD.*|[JB]EPOCH|TIMESYS|T(?:REF|PLAR|ELAPS|START|STOP|IMEOFFS|IMEUNIT).*"
)
# Distortion tables, which lie in other HDUs; of a source, the linear projection is used.
_TABLES = re.compile(r"(?:CPDIS|CPERR|DP|D2IMDIS|D2IMERR|D2IM)\d.*|AXISCORR")
# A header without any of these has no WCS, though astropy makes one of it.
_OF_A_WCS = ("CTYPE1", "CRVAL1", "CRPIX1", "CD1_1", "PC1_1", "CDELT1")


def wcs_of_image(hdus: Any, index: int, name: str) -> Any:
    """WCS of an image with all of its distortion: HSTWCS, or astropy's where that can't be made.

    Parameters
    ----------
    hdus : HDUList
        Left as it is.
    index : int
        Place of the image there.
    name : str
        What to call it in errors.

    Raises
    ------
    ValueError
        If it has no two-dimensional WCS.
    """
    header = hdus[index].header
    scale = header.get("IDCSCALE")
    if isinstance(scale, (str, bool, int, float)) and (finite(scale) or 0.0) <= 0.0:
        raise ValueError(
            f"{name}: IDCSCALE must be a pixel scale greater than 0 in arcsec, got {scale!r}"
        )
    radesys = header.get("RADESYS")
    with quietly():
        try:
            wcs = _hstwcs(hdus, index, name)
        except Exception as error:
            raise ValueError(f"{name}: its WCS can't be used: {error}") from error
        finally:
            # stwcs writes the frame into the header it reads.
            if radesys is None:
                header.remove("RADESYS", ignore_missing=True)
            elif header["RADESYS"] != radesys:
                header["RADESYS"] = radesys
    told = any(keyword in header for keyword in _OF_A_WCS)
    if wcs.naxis != 2 or not (wcs.is_celestial or told):
        raise ValueError(
            f"{name} must have a 2-D WCS, got {wcs.naxis} axes with CTYPE "
            f"({', '.join(wcs.wcs.ctype)})"
        )
    return wcs


def _hstwcs(hdus: Any, index: int, name: str) -> Any:
    from stwcs.wcsutil import HSTWCS

    try:
        return HSTWCS(hdus, ext=index)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        log.debug("%s: astropy's WCS, as it is not one of HST's: %r", name, error)
        return astropy.wcs.WCS(hdus[index].header, fobj=hdus)


def wcs_of_header(header: Any, name: str) -> Any:
    """WCS of a clean image's header, without lookup tables.

    Parameters
    ----------
    header : Header
        Left as it is.
    name : str
        What to call the image in errors.

    Raises
    ------
    ValueError
        If it has none, or one that can't be used.
    """
    if not any(keyword in header for keyword in _OF_A_WCS):
        raise ValueError(f"source_wcs is None, and {name}'s header has no WCS")
    cards = [card for card in header.cards if not _TABLES.fullmatch(card.keyword)]
    with quietly():
        try:
            return astropy.wcs.WCS(type(header)(cards))
        except Exception as error:
            raise ValueError(f"the WCS of {name}'s header can't be used: {error}") from error


def _rotation(angle: float) -> Any:
    """Matrix that adds an angle in degrees to the position angle of a sky vector."""
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return np.array([[c, s], [-s, c]])


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
        cd = _scale.undistorted_cd(reference)
        scale = math.sqrt(abs(float(np.linalg.det(cd)))) * 3600.0
        orient = math.degrees(math.atan2(cd[0, 1], cd[1, 1]))
        crval, crpix = reference.wcs.crval, reference.wcs.crpix
        shape = reference.array_shape[::-1]
        grid.wcs.ctype = _linear_ctype(reference)
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


def _linear_ctype(wcs: astropy.wcs.WCS) -> list[str]:
    """CTYPE of the projection without SIP polynomials."""
    return [name.removesuffix("-SIP") for name in wcs.wcs.ctype]


def linear_keywords(wcs: astropy.wcs.WCS) -> dict[str, Any]:
    """Keywords of a WCS's linear projection, without SIP polynomials, with a CD matrix."""
    cd = wcs.pixel_scale_matrix
    keywords: dict[str, Any] = {}
    for i in (0, 1):
        keywords[f"CTYPE{i + 1}"] = _linear_ctype(wcs)[i]
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
    keywords["ORIENTAT"] = math.degrees(math.atan2(cd[0, 1], cd[1, 1]))
    return keywords


def settle_date(header: Any) -> None:
    """Write the MJD-OBS that wcslib makes of the other dates of an image's header, if any.

    Then reading the WCS changes and reports nothing.
    """
    # Of the dates alone: making a whole WCS, with its tables, takes as long as blotting.
    dates = type(header)([card for card in header.cards if _DATES.fullmatch(card.keyword)])
    dates["CTYPE1"], dates["CTYPE2"] = "RA---TAN", "DEC--TAN"  # there must be a WCS
    with quietly():
        mjd = float(astropy.wcs.WCS(dates).wcs.mjdobs)
    if math.isfinite(mjd):
        header["MJD-OBS"] = mjd
