"""One run of the core: options checked, the window that is needed read, the result delivered."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cblot import _arrays, _build, _core, _outputs
from cblot._windows import Box, Place, Source

log = logging.getLogger(__name__)


class Result(NamedTuple):
    """What a call made: the image, how many of its pixels are covered, and which, if asked for."""

    image: NDArray[Any]
    covered: int
    footprint: NDArray[Any] | None


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
