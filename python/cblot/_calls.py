"""Calls with WCS objects: what they mean to the core, at once or in parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cblot import (
    _arrays,
    _build,
    _core,
    _grids,
    _images,
    _mapping,
    _outputs,
    _remarks,
    _run,
    _wcs,
)
from cblot._windows import Box, Source


class Call(NamedTuple):
    """What `do_blot` has in common with what does the same in parts; see there."""

    source_wcs: Any
    blot_wcs: Any
    exptime: float
    coeffs: bool
    interp: str
    sinscl: float
    stepsize: int | None
    wcsmap: Any


def wcs_of_source(source: Any, source_wcs: Any) -> Any:
    """The source's WCS: the one given, or else the one that the source came with.

    Raises
    ------
    TypeError, ValueError
        If there is none, or it can't be used.
    """
    if source_wcs is not None:
        return source_wcs
    own = _images.wcs_of(source)
    if own is None:
        raise TypeError(
            "source_wcs may be None only for a source that has a WCS: an NDData, an HDU or a pair "
            f"(array, wcs); got {type(source).__name__}"
        )
    return _grids.wcs_of_header(own, "source") if hasattr(own, "cards") else own


def planned(
    source_shape: tuple[int, int],
    call: Call,
    *,
    classic: bool,
    threads: int,
    out: Any = None,
    source: Source | None = None,
) -> tuple[_mapping.Plan, dict[str, Any]]:
    """Mapping of a call and options in the core's form, after all arguments were checked."""
    step = _arrays.as_step(call.stepsize)
    peer = "drizzlepac" if classic else ""
    _run.validate(call.interp, call.sinscl, call.exptime, 1.0, peer)
    shape = _wcs.output_shape(call.blot_wcs)
    if out is not None:
        _outputs.check_output(out, "out", shape)
        _outputs.check_apart(out, "out", source.memory if source else [], "the source image")
    if isinstance(call.wcsmap, _mapping.Mapping):
        plan = _mapping.plan_of(call.wcsmap, call.blot_wcs, call.source_wcs, call.coeffs, classic)
    else:
        plan = _mapping.Plan(
            call.blot_wcs, call.source_wcs, step,
            coeffs=call.coeffs, wcsmap=call.wcsmap, classic=classic, threads=threads,
        )  # fmt: skip
    remark = _wcs.remark_on_shape(source_shape, getattr(call.source_wcs, "array_shape", None))
    if remark:
        _remarks.warn(remark)
    return plan, _run.validate(call.interp, call.sinscl, call.exptime, plan.pix_ratio, peer)


@dataclass(frozen=True)
class Region:
    """How to make any rectangle of an output: for one that is made in parts, elsewhere.

    Attributes
    ----------
    core : object
        What `_core.blot` takes; it can be pickled.
    shape, source_shape : tuple of int
        Shapes (ny, nx) of the whole output and the whole source.
    options : dict
        Of the core.
    fillval : float
    """

    core: _core.AnyMapping
    shape: tuple[int, int]
    source_shape: tuple[int, int]
    options: dict[str, Any]
    fillval: float

    def box(self, region: Box) -> Box:
        """Rows and columns of the source that a rectangle depends on; equal ones if on none."""
        threads = _build.thread_count(None)
        return _run.source_box(
            self.core, self.shape, region, self.source_shape, threads, self.options
        )

    def blot(
        self, pixels: NDArray[Any], box: Box, region: Box, dtype: Any, threads: int
    ) -> NDArray[Any]:
        """Make a rectangle of the pixels of its box."""
        y0, y1, x0, x1 = region
        out = np.empty((y1 - y0, x1 - x0), dtype)
        _core.blot(
            _arrays.as_source(pixels, "source"), out, self.core,
            source_place=(box[0], box[2], *self.source_shape), out_place=(y0, x0, *self.shape),
            fillval=self.fillval, threads=threads, isa=_build.ISA, **self.options,
        )  # fmt: skip
        return out


def regions(source_shape: tuple[int, int], call: Call, fillval: float) -> Region:
    """Return what makes any rectangle of what `do_blot` makes."""
    fill = _arrays.as_number(fillval, "fillval")
    threads = _build.thread_count(None)
    plan, options = planned(source_shape, call, classic=False, threads=threads)
    core = _run.without_callback(plan.core, plan.shape)
    return Region(core, plan.shape, source_shape, options, fill)
