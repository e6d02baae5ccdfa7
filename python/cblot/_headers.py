"""The header of a blotted image: the exposure's, brought up to date."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from typing import Any

from cblot._fits import Image

# What describes a HDU or its former pixels, not the observation.
_STRUCTURE = re.compile(
    r"EXTEND|NEXTEND|EXTNAME|EXTVER|EXTLEVEL|INHERIT|CHECKSUM|DATASUM|DATAMIN|DATAMAX|BLANK|"
    r"XTENSION|SIMPLE|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|GROUPS|TFIELDS|BSCALE|BZERO|PIXVALUE|NPIX[12]"
)
_TABLES = re.compile(r"(?:C[PQ]DIS|D[PQ]|C[PQ]ERR|D2IMDIS|D2IMERR|D2IM)[12](?:\..+)?|AXISCORR")
_DISTORTION = re.compile(
    _TABLES.pattern
    + r"|[AB]P?_(?:ORDER|DMAX|\d+_\d+)|OC[XY]1[01]|IDC(?:SCALE|THETA|[XY]REF|V[23]REF)|"
    r"S(?:CTYPE|CRVAL|CRPIX|NAXIS)[12]|SCD[12]_[12]|TDD.*|D2IMEXT|NPOLEXT|DGEOEXT|IDCTAB|OFFTAB|NPOLFILE|D2IMFILE|DGEOFILE|SIPNAME|DISTNAME"
)
_GRID = re.compile(
    r"(?:WCSAXES|WCSNAME|CTYPE[12]|CUNIT[12]|CRVAL[12]|CRPIX[12]|CDELT[12]|CROTA[12]|CNAME[12]|"
    r"CRDER[12]|CSYER[12]|CD[12]_[12]|PC[12]_[12]|P[VS][12]_\d+|LONPOLE|LATPOLE|RADESYS|EQUINOX)"
    r"[A-Z]?|WCSTYPE|LTV[12]|LTM[12]_[12]|ORIENTAT"
)
_COMMENTARY = ("", "COMMENT", "HISTORY")
_CTYPE = re.compile(r"CTYPE[12][A-Z]?")


def _drop(header: Any, pattern: re.Pattern[str]) -> None:
    for key in {key for key in header if pattern.fullmatch(key)}:
        header.remove(key, ignore_missing=True, remove_all=True)


def of_exposure(image: Image) -> Any:
    """Primary and science header of an exposure in one; the science header's values win."""
    header = image.primary.copy()
    _drop(header, _STRUCTURE)
    if image.index:
        # Of a copy: a card is an object, which two headers must not share.
        for card in image.header.copy().cards:
            if _STRUCTURE.fullmatch(card.keyword):
                continue
            if card.keyword in _COMMENTARY or card.keyword not in header:
                header.append(card, end=True)
            else:
                header[card.keyword] = (card.value, card.comment)
    return header


def without_tables(header: Any) -> None:
    """Take out what refers to lookup tables."""
    _drop(header, _TABLES)


def without_distortion(header: Any) -> None:
    """Take out every keyword of a distortion model."""
    _drop(header, _DISTORTION)
    for key in {key for key in header if _CTYPE.fullmatch(key)}:
        header[key] = str(header[key]).removesuffix("-SIP")


def set_grid(header: Any, keywords: Mapping[str, Any]) -> None:
    """Put a linear WCS in the place of the one, or those, that it had."""
    without_distortion(header)
    _drop(header, _GRID)
    header["WCSAXES"] = 2
    header.update(keywords)


def printable(text: str) -> str:
    """Text with escapes for what FITS headers can't hold."""
    escaped = text.encode("unicode_escape").decode("ascii")
    return escaped.replace("\\\\", "\\")


def with_sip(header: Any) -> None:
    """End CTYPE in -SIP, as it must where there are SIP polynomials."""
    for key in ("CTYPE1", "CTYPE2"):
        header[key] = str(header[key]).removesuffix("-SIP") + "-SIP"


def complete(header: Any, keywords: Mapping[str, Any], history: Iterable[str]) -> None:
    """Set keywords, the date and the history of a header that is about to be written."""
    header["DATE"] = (
        datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "date this file was written",
    )
    header.update({k: printable(v) if isinstance(v, str) else v for k, v in keywords.items()})
    for line in history:
        header.add_history(printable(line))
