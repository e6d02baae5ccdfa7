"""The coefficients of two astropy WCS objects, for the core's exact mapping.

What is read here is trusted only after the core's positions were compared with the WCS's own.
"""

from __future__ import annotations

import logging
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cblot.core import machine
from cblot.core.mappings import CoreError, ExactMapping
from cblot.geometry.adapters import TABLES, AnyWCS, FitsWCS
from cblot.geometry.maps import Forward
from cblot.geometry.pair import Pair
from cblot.geometry.projection import tan_projection

log = logging.getLogger(__name__)

TOLERANCE = 1e-6  # source pixels
# Points where the two are compared: of an output of so many pixels each, but not fewer and not more
# than that; and its corners.
_PIXELS_PER_POINT, _FEWEST, _MOST, _CORNERS = 64, 16, 400, 4
# The corners, then a low-discrepancy sequence, which falls on no row or column twice.
_GOLDEN = 1.32471795724474602596
_UNIT = np.array(
    [[0.0, 1.0, 0.0, 1.0, *(np.arange(1, _MOST + 1) / _GOLDEN % 1.0)],
     [0.0, 0.0, 1.0, 1.0, *(np.arange(1, _MOST + 1) / _GOLDEN**2 % 1.0)]]
)  # fmt: skip
# A kind of distortion where wcslib shows its structures as text.
_FOREIGN = re.compile(r'^ +"([A-Z]{3})"$', re.MULTILINE)


def native_mapping(pair: Pair, shape: tuple[int, int]) -> ExactMapping | None:
    """Return the mapping in the core's form, or None where it has none.

    Parameters
    ----------
    pair : Pair
        Of WCS objects, which are asked for positions to compare with.
    shape : tuple of int
        Shape (ny, nx) of the exposure.
    """
    blot, source = pair.blot, pair.source
    reason = _unsuitable(blot, "blot_wcs") or _unsuitable(source, "source_wcs")
    rotation = None
    if reason is None and not pair.fits:
        rotation = pair.rotation()
        reason = "there is no rotation between their frames" if rotation is None else None
    if reason is None:
        try:
            mapping = _read(blot, source, rotation)
            reason = _difference(mapping, pair.forward, shape)
        except CoreError as error:
            reason = str(error)
        reason = reason and (_foreign(blot, "blot_wcs") or _foreign(source, "source_wcs") or reason)
    if reason is not None:
        log.debug("positions are asked of the WCS objects: %s", reason)
        return None
    return mapping


def tables(adapted: AnyWCS) -> list[tuple[Any, tuple[float, float]]]:
    """Values of a WCS's lookup and detector tables, with the pixels between these along x and y."""
    if not isinstance(adapted, FitsWCS):
        return []
    found = (getattr(adapted.wcs, part) for part in TABLES)
    return [
        (
            np.asarray(table.data, dtype=np.float32),
            (abs(float(table.cdelt[0])), abs(float(table.cdelt[1]))),
        )
        for table in found
        if table is not None
    ]


def _unsuitable(adapted: AnyWCS, name: str) -> str | None:
    """Return why a WCS is not of the kind that the core knows, or None if it is."""
    if not isinstance(adapted, FitsWCS):
        return f"{name} is not an astropy.wcs.WCS"
    types = adapted.wcs.wcs.ctype
    if any(ctype[4:] not in ("-TAN", "-TAN-SIP") for ctype in types):
        return f"{name} has projection {', '.join(types)}, not TAN"
    return None


def _foreign(adapted: AnyWCS, name: str) -> str | None:
    """Distortion of wcslib's own, such as TPV and TNX, which astropy shows as TAN."""
    kinds = sorted(set(_FOREIGN.findall(str(adapted.wcs.wcs))))
    return f"{name} has distortion {', '.join(kinds)}, not SIP or tables" if kinds else None


def _read(blot: Any, source: Any, rotation: NDArray[np.float64] | None) -> ExactMapping:
    blot_wcs, sip = blot.wcs, None
    if blot_wcs.sip is not None and blot_wcs.sip.a is not None:  # else of the other direction
        sip = (blot_wcs.sip.a, blot_wcs.sip.b, blot_wcs.sip.crpix.tolist())
    return ExactMapping(
        exposure=tan_projection(blot, rotation),
        source=tan_projection(source, None),
        sip=sip,
        detector_x=_table(blot_wcs.det2im1),
        detector_y=_table(blot_wcs.det2im2),
        table_x=_table(blot_wcs.cpdis1),
        table_y=_table(blot_wcs.cpdis2),
    )


def _table(table: Any) -> Any:
    if table is None:
        return None
    values = np.asarray(table.data, dtype=np.float32)
    return values, table.crpix.tolist(), table.crval.tolist(), table.cdelt.tolist()


def _difference(mapping: ExactMapping, forward: Forward, shape: tuple[int, int]) -> str | None:
    """Return how the core's positions differ from the WCS's own, or None if they do not."""
    ny, nx = shape
    count = _CORNERS + min(max(ny * nx // _PIXELS_PER_POINT, _FEWEST), _MOST)
    found = _UNIT[:, :count] * [[nx + 1.0], [ny + 1.0]]
    expected = np.array(forward(*found.copy()))
    mapping.positions_at(*found, isa=machine.ISA)
    off = np.abs(found + 1.0 - expected)
    if off.max() <= TOLERANCE:
        return None
    agree = (off <= TOLERANCE).all(axis=0)
    agree |= np.isnan(found).all(axis=0) & np.isnan(expected).all(axis=0)
    if agree.all():
        return None
    worst = np.nanmax(np.hypot(*off)[~agree], initial=0.0)
    return f"the core's positions differ from theirs by up to {worst:.2g} pixels"
