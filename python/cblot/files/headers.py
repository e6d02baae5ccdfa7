"""The headers of a blotted image: the exposure's, brought up to date."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from typing import Any

from cblot.files.images import FINGERPRINT, Image, new_header
from cblot.files.wcs import settle_date
from cblot.geometry.header import OF_AXIS, TABLES, with_sip, without_sip

# What describes a HDU or its former pixels, not the observation.
_STRUCTURE = re.compile(
    r"EXTEND|NEXTEND|EXTNAME|EXTVER|EXTLEVEL|INHERIT|CHECKSUM|DATASUM|DATAMIN|DATAMAX|BLANK|"
    r"NGOODPIX|GOODMIN|GOODMAX|GOODMEAN|SOFTERRS|SNRMIN|SNRMAX|SNRMEAN|"
    rf"{FINGERPRINT}|XTENSION|SIMPLE|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|GROUPS|TFIELDS|BSCALE|BZERO|PIXVALUE|NPIX[12]"
)
# With the tables go distortions that come after the linear part, which wcslib alone knows.
_TABLES = re.compile(rf"{TABLES}|(?:CQDIS|CQERR|DQ){OF_AXIS}")
_COEFFICIENTS = re.compile(
    _TABLES.pattern
    + r"|[AB]P?_(?:ORDER|DMAX|\d+_\d+)|OC[XY]1[01]|IDC(?:SCALE|THETA|[XY]REF|V[23]REF)|"
    r"S(?:CTYPE|CRVAL|CRPIX|NAXIS)[12]|SCD[12]_[12]|TDD(?!CORR$).*"
)
_DISTORTION = re.compile(
    _COEFFICIENTS.pattern + r"|TDDCORR|SIPNAME|DISTNAME|"
    r"D2IMEXT|NPOLEXT|DGEOEXT|IDCTAB|OFFTAB|NPOLFILE|D2IMFILE|DGEOFILE"
)
_GRID = re.compile(
    r"(?:WCSAXES|WCSNAME|CTYPE[12]|CUNIT[12]|CRVAL[12]|CRPIX[12]|CDELT[12]|CROTA[12]|CNAME[12]|"
    r"CRDER[12]|CSYER[12]|CD[12]_[12]|PC[12]_[12]|P[VS][12]_\d+|LONPOLE|LATPOLE|RADESYS|EQUINOX)"
    r"[A-Z]?|WCSTYPE|ORIENTAT"
)
_PIXELS = re.compile(r"LTV[12]|LTM[12]_[12]")
# Keywords of an image that a primary header without one must not contradict.
_OF_PIXELS = ("BUNIT", "UNITS", "MDRIZSKY")
_COMMENTARY = ("", "COMMENT", "HISTORY")
_CTYPE = re.compile(r"CTYPE[12][A-Z]?")


def _drop(header: Any, pattern: re.Pattern[str]) -> None:
    for key in {key for key in header if pattern.fullmatch(key)}:
        header.remove(key, ignore_missing=True, remove_all=True)


def _of_exposure(image: Image) -> Any:
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


def _parts_of(image: Image) -> tuple[Any, Any]:
    """Primary and science header of an exposure, for an empty primary HDU and its image.

    Of a simple image, whose header is both, the primary has all but what is of the pixels.
    """
    primary, science = image.primary.copy(), image.header.copy()
    for header in (primary, science):
        _drop(header, _STRUCTURE)
    if not image.index:
        for pattern in (_GRID, _PIXELS, _COEFFICIENTS):
            _drop(primary, pattern)
        for name in _COMMENTARY:
            science.remove(name, ignore_missing=True, remove_all=True)
    for name in _OF_PIXELS:
        primary.remove(name, ignore_missing=True, remove_all=True)
    return primary, science


def set_distortion(header: Any, *, sip: bool, tables: bool) -> None:
    """Make a header say of the distortion model what is so, its values being there.

    Parameters
    ----------
    header : Header
        Of an exposure; changed.
    sip, tables : bool
        Whether there are SIP polynomials, and lookup tables.
    """
    if not (sip or tables):
        _drop(header, _DISTORTION)
    if not tables:
        _drop(header, _TABLES)
    if sip and "CTYPE1" in header:
        for key in ("CTYPE1", "CTYPE2"):
            header[key] = with_sip(str(header[key]))
    else:
        for key in {key for key in header if _CTYPE.fullmatch(key)}:
            header[key] = without_sip(str(header[key]))


def set_grid(header: Any, keywords: Mapping[str, Any], *, same_pixels: bool) -> None:
    """Put a linear WCS in the place of the one, or those, that it had.

    Parameters
    ----------
    header : Header
        Of an exposure; changed.
    keywords : mapping
        Of the WCS.
    same_pixels : bool
        Whether it is the grid of the detector's pixels still.
    """
    _drop(header, _GRID)
    if not same_pixels:
        _drop(header, _PIXELS)
    header["WCSAXES"] = 2
    header.update(keywords)


def _printable(text: str) -> str:
    """Text with escapes for what FITS headers can't hold."""
    escaped = text.encode("unicode_escape").decode("ascii")
    return escaped.replace("\\\\", "\\")


def _without_grid(header: Any) -> None:
    """Leave out the WCS, or those, that a header has."""
    _drop(header, _GRID)
    _drop(header, _PIXELS)


def _complete(header: Any, keywords: Mapping[str, Any], history: Iterable[str] = ()) -> None:
    """Set keywords, the date and the history of a header that is about to be written."""
    header["DATE"] = (
        datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "date this file was written",
    )
    header.update({k: _printable(v) if isinstance(v, str) else v for k, v in keywords.items()})
    for line in history:
        header.add_history(_printable(line))


def of_blotted(
    exposure: Image | None,
    *,
    grid: Mapping[str, Any] | None,
    coeffs: bool,
    sip: bool,
    tables: bool,
    of_file: Mapping[str, Any],
    of_image: Mapping[str, Any],
    history: Iterable[str],
) -> tuple[Any, Any]:
    """Primary and science header of a blotted image, as drizzlepac's task has them.

    Parameters
    ----------
    exposure : Image or None
        Whose headers they come from.
    grid : mapping or None
        Keywords of the WCS that takes the place of the exposure's, of other pixels.
    coeffs : bool
        Whether it is with distortion; without, keywords of it go.
    sip, tables : bool
        Whether there are SIP polynomials, and lookup tables.
    of_file, of_image : mapping
        Keywords of the primary header, and of the image's own.
    history : iterable of str
        Lines for the primary header.
    """
    primary, header = (new_header(), new_header()) if exposure is None else _parts_of(exposure)
    if grid is not None:
        _without_grid(primary)
        set_grid(header, grid, same_pixels=False)
    if not coeffs:
        for part in (primary, header):
            set_distortion(part, sip=False, tables=False)
    elif sip or tables:
        set_distortion(header, sip=sip, tables=tables)
    _complete(primary, of_file, history)
    # What an image's own header says wins over the primary one.
    own = {key: value for key, value in of_file.items() if key in header}
    _complete(header, {**of_image, **own})
    settle_date(header)
    return primary, header


def of_simple(
    exposure: Image | None,
    *,
    grid: Mapping[str, Any],
    sip: bool,
    tables: bool,
    keywords: Mapping[str, Any],
    history: Iterable[str],
) -> Any:
    """Header of a blotted image in a simple file, as AstroDrizzle's step has it; see `of_blotted`.

    Its grid is that of the exposure's pixels, as AstroDrizzle has refined it.
    """
    header = new_header() if exposure is None else _of_exposure(exposure)
    set_grid(header, grid, same_pixels=True)
    set_distortion(header, sip=sip and "A_ORDER" in header, tables=tables)
    _complete(header, keywords, history)
    settle_date(header)
    return header
