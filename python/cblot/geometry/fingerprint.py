"""What tells a pair of WCS from another: all their numbers, or else positions between them."""

from __future__ import annotations

import math
import struct
import weakref
from copy import deepcopy
from typing import Any, TypeAlias

import astropy.wcs
import numpy as np
from numpy.typing import NDArray

from cblot.geometry import adapters
from cblot.geometry.pair import Pair

Numbers: TypeAlias = tuple[Any, ...]

# Source pixels that the same pair may be off after it was pickled as text of FITS.
_SAME = 1e-6
# Pixels from CRPIX at which wcslib is asked for the sky, on no line through it.
_PLACES = np.array([[-512.3, 301.7], [707.1, -903.2], [1111.9, 1313.3]])
# Bytes of tables from which on positions are compared sooner than those.
_MOST = 1 << 17


class _Tables(tuple[Any, ...]):
    """Tables of distortion, which are compared but not hashed: that would take longer."""

    def __hash__(self) -> int:
        return len(self)


def numbers_of(wcs: Any, linear: Any) -> Numbers | None:
    """All numbers on which the positions and the plate scale of an astropy WCS depend.

    Parameters
    ----------
    wcs : object
    linear : astropy.wcs.Wcsprm
        Its own or a copy: of one that may be asked, which sets it.

    Returns
    -------
    tuple or None
        It can be hashed, and refers to nothing of the WCS's. None if there are more numbers than
        are worth it, or if they don't tell all.
    """
    if not isinstance(wcs, astropy.wcs.WCS) or adapters.has_own_positions(wcs):
        return None
    try:
        # Distortion of wcslib's own, such as TPV, is in no number that astropy shows.
        sky = linear.p2s(linear.crpix + _PLACES, 1)["world"]
        scales = [getattr(wcs, name, None) for name in ("pscale", "idcscale")]
        # Of an array, its text may have not all digits.
        scales = [scale if scale is None else float(scale) for scale in scales]
    except (TypeError, ValueError):  # wcslib's, too: whoever makes a pair of it says why
        return None
    sip = wcs.sip
    # Those of the inverse map nothing, but are refused if they are no numbers.
    parts = () if sip is None else (sip.a, sip.b, sip.ap, sip.bp, sip.crpix)
    polynomials = tuple(None if part is None else part.tobytes() for part in parts)
    found = {name: table for name in adapters.TABLES if (table := getattr(wcs, name)) is not None}
    if found and sum(table.data.nbytes for table in found.values()) > _MOST:
        return None
    tables = _Tables((name, _numbers_of_table(table)) for name, table in found.items())
    celestial = linear.lng >= 0 and linear.lat >= 0
    return (
        weakref.ref(type(wcs)),  # of a class that no longer is, it is equal to no other
        sky.tobytes(),
        linear.crpix.tobytes(),
        linear.crval.tobytes(),
        linear.get_pc().tobytes(),
        linear.get_cdelt().tobytes(),
        tuple(linear.ctype),
        None if celestial else tuple(str(unit) for unit in linear.cunit),
        tuple(linear.get_pv()),
        tuple(linear.get_ps()),
        linear.radesys,
        struct.pack("3d", linear.lonpole, linear.latpole, linear.equinox),
        tuple(adapters.circumstances(linear).items()),
        repr(scales),
        polynomials,
        tables,
    )


def _numbers_of_table(table: Any) -> tuple[bytes, ...]:
    parts = (table.data, table.crpix, table.crval, table.cdelt)
    return (repr(table.data.shape).encode(), *(part.tobytes() for part in parts))


def _numbers_of_both(*pair: Any) -> Numbers | None:
    """Those of a caller's pair, of copies: to ask is to set."""
    found = []
    for wcs in pair:
        if not isinstance(wcs, astropy.wcs.WCS):
            return None
        try:
            numbers = numbers_of(wcs, deepcopy(wcs.wcs))
        except ValueError:  # wcslib's; see above
            return None
        if numbers is None:
            return None
        found.append(numbers)
    return tuple(found)


class Fingerprint:
    """What tells a pair of WCS from another: all their numbers, or else positions between them.

    Parameters
    ----------
    blot_wcs, source_wcs : object
        As they were given.
    shape : tuple of int
        Shape (ny, nx) of the output.
    """

    def __init__(self, blot_wcs: Any, source_wcs: Any, shape: tuple[int, int]) -> None:
        self._numbers = _numbers_of_both(blot_wcs, source_wcs)
        self._shape = shape
        pair = Pair(blot_wcs, source_wcs)
        self._positions, self._ratio = self._asked(pair), pair.ratio(shape)

    def __getstate__(self) -> dict[str, Any]:
        # The numbers are others where WCS objects come out of a pickle, too.
        return vars(self) | {"_numbers": None}

    def _asked(self, pair: Pair) -> NDArray[np.float64]:
        # The corners, the middle and points on no line with them, inside the frame.
        u = np.array([0.0, 1.0, 0.0, 1.0, 0.5, 0.31, 0.83, 0.17])
        v = np.array([0.0, 0.0, 1.0, 1.0, 0.5, 0.77, 0.29, 0.13])
        ny, nx = self._shape
        return np.array(pair.forward(1.0 + u * (nx - 1), 1.0 + v * (ny - 1)))

    def check(self, blot_wcs: Any, source_wcs: Any) -> None:
        """Refuse another pair.

        Raises
        ------
        ValueError
            If it maps to other positions.
        """
        numbers = _numbers_of_both(blot_wcs, source_wcs)
        if numbers is not None and numbers == self._numbers:
            return
        pair = Pair(blot_wcs, source_wcs)
        found = self._asked(pair)
        off = np.abs(found - self._positions)
        same = (off <= _SAME) | (np.isnan(found) & np.isnan(self._positions))
        if not same.all():
            worst = np.nanmax(np.where(same, 0.0, off), initial=0.0)
            far = f"differ by up to {worst:.3g} pixels" if worst else "are not on the same pixels"
            raise ValueError(
                "wcsmap, a Mapping, must have been made of this blot_wcs and source_wcs, but its "
                f"positions {far}; mapping.blot(source, exptime) uses a mapping without them"
            )
        if not math.isclose(pair.ratio(self._shape), self._ratio, rel_tol=1e-9):
            raise ValueError(
                "wcsmap, a Mapping, must have been made of this blot_wcs and source_wcs, but it "
                "was with another ratio of their pixel scales"
            )
        self._numbers = numbers
