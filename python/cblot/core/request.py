"""A request of the core: options checked, the window that is needed read, the result delivered."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cblot.core import _core, arrays, machine, outputs
from cblot.core.mappings import AnyMapping, CallbackMapping, without_callback
from cblot.core.source import Box, Place, Source

log = logging.getLogger(__name__)


class Result(NamedTuple):
    """What a call made: the image, how many of its pixels are covered, and which, if asked for."""

    image: NDArray[Any]
    covered: int
    footprint: NDArray[Any] | None

    @property
    def returned(self) -> NDArray[Any] | tuple[NDArray[Any], NDArray[Any]]:
        """What a door returns: the image, and the footprint if it was asked for."""
        return self.image if self.footprint is None else (self.image, self.footprint)


def validate(
    interp: Any, sinscl: Any, exptime: Any, pix_ratio: Any, classic: str
) -> dict[str, Any]:
    """Options in the core's form, refused by the core's own rules before any work is done."""
    if not isinstance(interp, str):
        raise TypeError(f"interp must be the name of an interpolant, got {interp!r}")
    options: dict[str, Any] = {
        "interp": interp,
        "sinscl": arrays.as_number(sinscl, "sinscl"),
        "exptime": arrays.as_number(exptime, "exptime", "s"),
        "pix_ratio": arrays.as_number(pix_ratio, "pix_ratio"),
        "classic": classic,
    }
    _core.validate(**options)
    return options


def source_box(
    mapping: AnyMapping,
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
        threads=threads, isa=machine.ISA, **named,
    )  # fmt: skip


def _read(
    source: Source,
    mapping: AnyMapping,
    shape: tuple[int, int],
    threads: int,
    options: dict[str, Any],
) -> tuple[NDArray[Any], Place | None, AnyMapping]:
    """The pixels that are needed, where they lie if they are not all, and the mapping to use."""
    if source.array is not None:
        return source.array, None, mapping
    if isinstance(mapping, CallbackMapping):
        if source.in_memory:
            return source.read(), None, mapping
        mapping = without_callback(mapping, shape)
    whole = (0, shape[0], 0, shape[1])
    box = source_box(mapping, shape, whole, source.shape, threads, options)
    log.debug("rows %d to %d and columns %d to %d of the source are read", *box)
    if box[0] == box[1]:  # a pixel that is never used
        return np.zeros((1, 1), np.float32), (0, 0, *source.shape), mapping
    return source.window(box), (box[0], box[2], *source.shape), mapping


class Request:
    """What a call asks of the core, but for the mapping: refused before any work is done.

    Parameters
    ----------
    source : array_like or object that slices
        See `Source`.
    interp, sinscl, exptime, pix_ratio, peer
        See `validate`.
    fillval : float
        Value of pixels that the source does not cover.
    threads : int or None
        See `thread_count`.
    names : tuple of str
        What to call the source and the fill value in errors.

    Attributes
    ----------
    source : Source
    fillval : float
    threads : int
    options : dict
        In the core's form.
    """

    def __init__(
        self,
        source: Any,
        *,
        interp: Any,
        sinscl: Any,
        exptime: Any,
        pix_ratio: Any = 1.0,
        peer: str,
        fillval: Any,
        threads: Any,
        names: tuple[str, str] = ("source", "fillval"),
    ) -> None:
        self.source = Source(source, names[0])
        self.fillval = arrays.as_number(fillval, names[1])
        self.threads = machine.thread_count(threads)
        self.options = validate(interp, sinscl, exptime, pix_ratio, peer)
        self._out: NDArray[Any] | None = None

    def scale(self, **options: float) -> None:
        """Take `exptime` and `pix_ratio` of the core for those that were given."""
        _core.validate(**self.options | options)
        self.options |= options

    def write_to(self, out: Any, name: str, shape: tuple[int, int]) -> None:
        """Take a caller's array for the result; see `check_output` and `check_apart`."""
        outputs.check_output(out, name, shape)
        outputs.check_apart(out, name, self.source.memory, "the source image")
        self._out = out

    def run(self, mapping: AnyMapping, shape: tuple[int, int], footprint: bool = False) -> Result:
        """Result, in the caller's array if there is one, which is not touched before."""
        options, source, out = self.options, self.source, self._out
        if footprint:
            mapping = without_callback(mapping, shape)
        pixels, place, mapping = _read(source, mapping, shape, self.threads, options)
        if options["classic"]:
            pixels = pixels.astype(np.float32, copy=False)
        blot: Callable[..., int] = partial(
            _core.blot, pixels, mapping=mapping, source_place=place,
            fillval=self.fillval, threads=self.threads, isa=machine.ISA, **options,
        )  # fmt: skip
        dtype = np.float32 if out is None else out.dtype.type
        inside = None
        if footprint:
            inside = _footprint(mapping, shape, source.shape, dtype, self.threads, options)
        if out is None:
            out = np.empty(shape, dtype)
            covered = blot(out, out_place=None)
        else:
            outputs.check_apart(out, "the output", [pixels], "the source image")
            covered = outputs.write(out, blot)
        log.debug("%d of %d output pixels are covered by the source", covered, out.size)
        return Result(out, covered, inside)


def _footprint(
    mapping: AnyMapping,
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
        out_place=None, fillval=0.0, threads=threads, isa=machine.ISA, **options,
    )  # fmt: skip
    return np.not_equal(result, 0.0, out=result, casting="unsafe")
