"""One call of the core: options checked, mapping made, window read, result delivered."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cblot import _arrays, _build, _core, _grids, _images, _mapping, _outputs, _remarks, _wcs
from cblot._windows import Box, Place, Source

log = logging.getLogger(__name__)


class Result(NamedTuple):
    """What a call made: the image, how many of its pixels are covered, and which, if asked for."""

    image: NDArray[Any]
    covered: int
    footprint: NDArray[Any] | None


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


def wcs_of_source(source: Any, source_wcs: Any, wcsmap: Any) -> Any:
    """The source's WCS: the one given, or else the one that the source came with.

    Raises
    ------
    TypeError, ValueError
        If there is none and one is needed, or it can't be used.
    """
    if source_wcs is not None:
        return source_wcs
    own = _images.wcs_of(source)
    if own is None and not isinstance(wcsmap, _mapping.Mapping):
        raise TypeError(
            "source_wcs may be None only for a source that has a WCS: an NDData, an HDU or a pair "
            f"(array, wcs); got {type(source).__name__}"
        )
    return _grids.wcs_of_header(own, "source") if hasattr(own, "cards") else own


def validate(
    interp: Any, sinscl: Any, exptime: Any, pix_ratio: Any, classic: str
) -> dict[str, Any]:
    """Options in the core's form, refused by the core's own rules before any work is done."""
    if not isinstance(interp, str):
        raise TypeError(f"interp must be the name of an interpolant, got {interp!r}")
    options: dict[str, Any] = {
        "interp": interp,
        "sinscl": _arrays.as_number(sinscl, "sinscl"),
        "exptime": _arrays.as_number(exptime, "exptime", "s"),
        "pix_ratio": _arrays.as_number(pix_ratio, "pix_ratio"),
        "classic": classic,
    }
    _core.validate(**options)
    return options


def source_box(
    mapping: _core.AnyMapping,
    shape: tuple[int, int],
    region: Box,
    source_shape: tuple[int, int],
    threads: int,
    options: dict[str, Any],
) -> Box:
    """Rows and columns of the source that a region of the output depends on."""
    named = {name: options[name] for name in ("interp", "sinscl", "classic")}
    return _core.source_box(
        mapping, shape=shape, region=region, source_shape=source_shape,
        threads=threads, isa=_build.ISA, **named,
    )  # fmt: skip


def without_callback(mapping: _core.AnyMapping, shape: tuple[int, int]) -> _core.AnyMapping:
    """Ask a callback for all positions: it may be slow, and can't be asked elsewhere."""
    if not isinstance(mapping, _core.CallbackMapping):
        return mapping
    pixmap = np.empty((*shape, 2))
    _core.positions(mapping, pixmap, origin=0.0, threads=1, isa=_build.ISA)
    return _core.PixmapMapping(pixmap)


def _read(
    source: Source,
    mapping: _core.AnyMapping,
    shape: tuple[int, int],
    threads: int,
    options: dict[str, Any],
) -> tuple[NDArray[Any], Place | None, _core.AnyMapping]:
    """The pixels that are needed, where they lie if they are not all, and the mapping to use."""
    if source.array is not None:
        return source.array, None, mapping
    if isinstance(mapping, _core.CallbackMapping):
        if source.in_memory:
            return source.read(), None, mapping
        mapping = without_callback(mapping, shape)
    whole = (0, shape[0], 0, shape[1])
    box = source_box(mapping, shape, whole, source.shape, threads, options)
    log.debug("rows %d to %d and columns %d to %d of the source are read", *box)
    return *windowed(source, box), mapping


def windowed(source: Source, box: Box) -> tuple[NDArray[Any], Place]:
    """Pixels of a box, and where they lie; of an empty box, one that is never used."""
    if box[0] == box[1]:
        return np.zeros((1, 1), np.float32), (0, 0, *source.shape)
    return source.window(box), (box[0], box[2], *source.shape)


def run(
    source: Source,
    out: NDArray[Any] | None,
    shape: tuple[int, int],
    mapping: _core.AnyMapping,
    fillval: float,
    threads: int,
    options: dict[str, Any],
    with_footprint: bool = False,
) -> Result:
    """Result, in `out` if there is one, which is not touched before it is written."""
    if with_footprint:
        mapping = without_callback(mapping, shape)
    pixels, place, mapping = _read(source, mapping, shape, threads, options)
    if options["classic"]:
        pixels = pixels.astype(np.float32, copy=False)

    def blot(result: NDArray[Any], out_place: Place | None) -> int:
        return _core.blot(
            pixels, result, mapping, source_place=place, out_place=out_place,
            fillval=fillval, threads=threads, isa=_build.ISA, **options,
        )  # fmt: skip

    dtype = np.float32 if out is None else out.dtype.type
    inside = None
    if with_footprint:
        inside = footprint(mapping, shape, source.shape, dtype, threads, options)
    if out is None:
        out = np.empty(shape, dtype)
        covered = blot(out, None)
    else:
        _outputs.check_apart(out, "the output", [pixels], "the source image")
        covered = _outputs.write(out, blot)
    log.debug("%d of %d output pixels are covered by the source", covered, out.size)
    return Result(out, covered, inside)


def footprint(
    mapping: _core.AnyMapping,
    shape: tuple[int, int],
    source_shape: tuple[int, int],
    dtype: Any,
    threads: int,
    options: dict[str, Any],
) -> NDArray[Any]:
    """1 where the source covers the output, 0 where the fill value is.

    Whatever a pixel's value is: this is a blot of ones. The default arithmetic has one rule of what
    is inside for all interpolants; of the peers', each has its own.
    """
    options = options | {"exptime": 1.0, "pix_ratio": 1.0}
    if not options["classic"]:
        options["interp"] = "nearest"
    result = np.empty(shape, dtype)
    _core.blot(
        np.broadcast_to(np.float32(1.0), source_shape), result, mapping, source_place=None,
        out_place=None, fillval=0.0, threads=threads, isa=_build.ISA, **options,
    )  # fmt: skip
    return np.not_equal(result, 0.0, out=result, casting="unsafe")


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
    validate(call.interp, call.sinscl, call.exptime, 1.0, peer)
    _wcs.check_pair(call.source_wcs, call.blot_wcs)
    shape = _wcs.output_shape(call.blot_wcs)
    if out is not None:
        _outputs.check_output(out, "out", shape)
        _outputs.check_apart(out, "out", source.memory if source else [], "the source image")
    remark = _wcs.remark_on_shape(source_shape, call.source_wcs)
    if remark:
        _remarks.warn(remark)
    if isinstance(call.wcsmap, _mapping.Mapping):
        of_wcs = call.source_wcs.array_shape
        onto = source_shape if of_wcs is None else tuple(of_wcs)
        plan = _mapping.plan_of(call.wcsmap, shape, onto, call.coeffs, classic)
    else:
        plan = _mapping.Plan(
            call.blot_wcs, call.source_wcs, step,
            coeffs=call.coeffs, wcsmap=call.wcsmap, classic=classic, threads=threads,
        )  # fmt: skip
    return plan, validate(call.interp, call.sinscl, call.exptime, plan.pix_ratio, peer)


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
        return source_box(self.core, self.shape, region, self.source_shape, threads, self.options)

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
    core = without_callback(plan.core, plan.shape)
    return Region(core, plan.shape, source_shape, options, fill)
