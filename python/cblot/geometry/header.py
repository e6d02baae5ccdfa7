"""FITS keywords of a WCS, and the WCS of a header that came with an image in memory."""

from __future__ import annotations

import re
from typing import Any

import astropy.wcs

from cblot.forks.silence import quietly

# What follows the keyword of an axis: its number, an alternate WCS, a record of several values.
OF_AXIS = r"\d[A-Z]?(?:\..+)?"
# Lookup and detector tables, which lie in other HDUs.
TABLES = rf"(?:CPDIS|CPERR|DP|D2IMDIS|D2IMERR|D2IM){OF_AXIS}|AXISCORR"
_TABLES = re.compile(TABLES)
_SIP = "-SIP"
# A header without any of these has no WCS, though astropy makes one of it.
_OF_A_WCS = ("CTYPE1", "CRVAL1", "CRPIX1", "CD1_1", "PC1_1", "CDELT1")


def without_sip(ctype: str) -> str:
    """CTYPE of the projection without SIP polynomials."""
    return ctype.removesuffix(_SIP)


def with_sip(ctype: str) -> str:
    """CTYPE of the projection with SIP polynomials."""
    return without_sip(ctype) + _SIP


def has_wcs(header: Any) -> bool:
    """Whether a header says anything of a WCS."""
    return any(keyword in header for keyword in _OF_A_WCS)


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
    if not has_wcs(header):
        raise ValueError(f"source_wcs is None, and {name}'s header has no WCS")
    # Of a source, the linear projection is used.
    cards = [card for card in header.cards if not _TABLES.fullmatch(card.keyword)]
    with quietly():
        try:
            return astropy.wcs.WCS(type(header)(cards))
        except Exception as error:
            raise ValueError(f"the WCS of {name}'s header can't be used: {error}") from error
