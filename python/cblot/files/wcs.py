"""The WCS of an image in a file, by stwcs where it can make it, and the date that it leaves."""

from __future__ import annotations

import logging
import math
import re
from typing import Any

import astropy.wcs

from cblot.core.arrays import finite
from cblot.forks.silence import quietly
from cblot.geometry.header import has_wcs

log = logging.getLogger(__name__)

# Keywords of which wcslib makes MJD-OBS.
_DATES = re.compile(
    r"DATE.*|MJD.*|[JB]EPOCH|TIMESYS|T(?:REF|PLAR|ELAPS|START|STOP|IMEOFFS|IMEUNIT).*"
)


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
    told = has_wcs(header)
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
