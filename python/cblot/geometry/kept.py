"""Plans of small outputs, which are kept for when the same pair of WCS comes again.

To make one takes longer than to blot a cut-out. They are found by all numbers of the pair, never by
its objects, which may change; and nothing of those is kept.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import astropy.wcs

from cblot.forks.locks import new_lock
from cblot.geometry import adapters
from cblot.geometry.fingerprint import numbers_of
from cblot.geometry.maps import is_default
from cblot.geometry.pair import output_shape
from cblot.geometry.plan import Plan

# How many are kept, and of outputs of how many pixels at the most: they are some 100 kB each.
_PLANS, _PIXELS = 32, 1 << 16


class _Kept:
    """The values that were last used, by their keys."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = new_lock()
        self._values: OrderedDict[Any, Plan] = OrderedDict()

    def get(self, key: Any) -> Plan | None:
        with self._lock:
            found = self._values.get(key)
            if found is not None:
                self._values.move_to_end(key)
            return found

    def put(self, key: Any, value: Plan) -> None:
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._most:
                self._values.popitem(last=False)


_kept = _Kept(_PLANS)


def plan_of(
    blot_wcs: Any,
    source_wcs: Any,
    step: int,
    *,
    coeffs: bool,
    wcsmap: Any,
    classic: bool,
    threads: int,
) -> Plan:
    """Return a plan, which may have been made before, or for another call at the same time.

    See `Plan`.
    """
    ny, nx = shape = output_shape(blot_wcs)
    own = wcsmap is not None and not is_default(wcsmap)
    fits = isinstance(blot_wcs, astropy.wcs.WCS) and isinstance(source_wcs, astropy.wcs.WCS)
    if own or classic or not fits or ny * nx > _PIXELS:
        return Plan(
            blot_wcs, source_wcs, step,
            coeffs=coeffs, wcsmap=wcsmap, classic=classic, threads=threads,
        )  # fmt: skip
    # What is looked up and what a plan is made of is one state of the objects.
    source, blot = adapters.copied(source_wcs, "source_wcs"), adapters.copied(blot_wcs, "blot_wcs")
    numbers = numbers_of(source, source.wcs), numbers_of(blot, blot.wcs)
    key = None
    if None not in numbers:
        key = (*numbers, shape, 0 if wcsmap is not None else step, bool(coeffs))
        found = _kept.get(key)
        if found is not None:
            return found
    plan = Plan(
        blot, source, step,
        coeffs=coeffs, wcsmap=wcsmap, classic=classic, threads=threads, owned=True,
    )  # fmt: skip
    if key is not None and plan.native:
        _kept.put(key, plan)
    return plan
