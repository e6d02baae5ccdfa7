"""The WCS of a header that came with an image in memory."""

from __future__ import annotations

import re
from typing import Any

import astropy.wcs

from cblot.forks.silence import quietly

# Distortion tables, which lie in other HDUs; of a source, the linear projection is used.
_TABLES = re.compile(r"(?:CPDIS|CPERR|DP|D2IMDIS|D2IMERR|D2IM)\d.*|AXISCORR")
# A header without any of these has no WCS, though astropy makes one of it.
_OF_A_WCS = ("CTYPE1", "CRVAL1", "CRPIX1", "CD1_1", "PC1_1", "CDELT1")


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
    cards = [card for card in header.cards if not _TABLES.fullmatch(card.keyword)]
    with quietly():
        try:
            return astropy.wcs.WCS(type(header)(cards))
        except Exception as error:
            raise ValueError(f"the WCS of {name}'s header can't be used: {error}") from error
