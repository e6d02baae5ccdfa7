"""`blot_dask`: a blotted image as a dask array, made chunk by chunk when it is asked for."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cblot.core import annotated, arrays, machine
from cblot.core.mappings import without_callback
from cblot.core.region import Region
from cblot.core.request import Request
from cblot.core.source import Box, Source
from cblot.resample.blot import own_wcs, planned


def required() -> None:
    """Say what is missing where dask is not installed."""
    try:
        for name in ("dask.array", "distributed"):
            import_module(name)
    except ImportError as error:
        hint = "it needs the dask extra, pip install 'cblot[dask]'"
        raise RuntimeError(f"{error}: {hint}") from error


def blot_dask(
    source: Any,
    source_wcs: Any,
    blot_wcs: Any,
    exptime: float,
    coeffs: bool = True,
    interp: str = "poly5",
    sinscl: float = 1.0,
    stepsize: int | None = 10,
    wcsmap: Any = None,
    *,
    fillval: float = 0.0,
    chunks: Any = "auto",
    dtype: Any = np.float32,
    threads: int = 1,
) -> Any:
    """Blot a dask array onto the distorted grid of an exposure, lazily.

    Parameters
    ----------
    source : dask.array.Array, shape (ny, nx)
        Clean image, whose chunks may be masked; or anything else that `do_blot` takes.
    source_wcs, blot_wcs, exptime, coeffs, interp, sinscl, stepsize, wcsmap, fillval
        See `do_blot`. The mapping is computed at once; where the core can't compute it (see
        `Mapping`) and `stepsize` asks for every pixel, it has 16 bytes a pixel of the output.
    chunks : optional
        Chunks of the output, as dask has them. By default a whole chip is one, and so one task.
    dtype : dtype, default float32
        Of the output: float32 or float64.
    threads : int, default 1
        Threads for a chunk; dask works on several chunks at once.

    Returns
    -------
    dask.array.Array, shape ``blot_wcs.array_shape``
        Nothing is read until it is computed. Each chunk's graph holds the chunks of the source that
        it needs and no others; its bits are those of `do_blot`.

    Raises
    ------
    TypeError, ValueError
        As `do_blot`, at once.
    """
    required()
    import dask.array as da
    from dask.highlevelgraph import HighLevelGraph, MaterializedLayer

    out_dtype = np.dtype(dtype)
    if out_dtype.type not in (np.float32, np.float64):
        raise TypeError(f"dtype must be float32 or float64, got {out_dtype}")
    source_wcs = own_wcs(source) if source_wcs is None else source_wcs
    request = Request(
        source, interp=interp, sinscl=sinscl, exptime=exptime, peer="", fillval=fillval,
        threads=None,
    )  # fmt: skip
    plan = planned(request, source_wcs, blot_wcs, coeffs=coeffs, stepsize=stepsize, wcsmap=wcsmap)
    made = Region(
        without_callback(plan.core, plan.shape), plan.shape, request.source.shape,
        request.options, request.fillval,
    )  # fmt: skip
    array = _lazy(request.source)
    workers = machine.thread_count(threads)
    rows, columns = da.core.normalize_chunks(chunks, made.shape, dtype=out_dtype)
    token = uuid.uuid4().hex
    name, shared = f"blot-{token}", f"blot-mapping-{token}"
    # One task a chunk, that names the chunks of the source below its box and no others.
    tasks: dict[Any, Any] = {}
    for i, (y0, y1) in enumerate(_spans(rows)):
        for j, (x0, x1) in enumerate(_spans(columns)):
            box = made.box((y0, y1, x0, x1)) if y0 < y1 and x0 < x1 else (0, 0, 0, 0)
            below_y = _below(array.chunks[0], box[0], box[1])
            below_x = _below(array.chunks[1], box[2], box[3])
            how = partial(
                _blot,
                cuts=[[(cut_y, cut_x) for _, cut_x in below_x] for _, cut_y in below_y],
                box=box, region=(y0, y1, x0, x1), dtype=out_dtype, threads=workers,
            )  # fmt: skip
            keys = [[(array.name, k, m) for m, _ in below_x] for k, _ in below_y]
            tasks[name, i, j] = (how, shared, keys)
    graph = HighLevelGraph.from_collections(name, tasks, dependencies=[array])
    layers = {**graph.layers, shared: MaterializedLayer({shared: (_Shared(made),)})}
    needs = {**graph.dependencies, name: {*graph.dependencies[name], shared}, shared: set()}
    return da.Array(HighLevelGraph(layers, needs), name, chunks=(rows, columns), dtype=out_dtype)


def _lazy(image: Source) -> Any:
    """A dask array of an image, whose chunks may be masked."""
    import dask.array as da

    pixels = image.pixels
    if isinstance(pixels, annotated.MaskedSlices):
        return da.ma.masked_array(da.asarray(pixels.data), mask=da.asarray(pixels.mask) != 0)
    if isinstance(pixels, np.ndarray):
        return da.asarray(image.read() if hasattr(pixels, "mask") else pixels)
    if isinstance(pixels, da.Array):
        return pixels
    # dask's own conversion of a piece to an array would lose a mask.
    return da.from_array(pixels, chunks=pixels.shape, asarray=False)


class _Shared:
    """Gives the mapping to all tasks: a task of its own, so that it is sent to a worker once."""

    def __init__(self, made: Region) -> None:
        self._made = made

    def __call__(self) -> Region:
        return self._made


def _spans(chunks: Sequence[int]) -> list[tuple[int, int]]:
    """First and last element, that not included, of each chunk of an axis."""
    ends = np.cumsum(chunks).tolist()
    return [(end - size, end) for end, size in zip(ends, chunks, strict=True)]


def _below(chunks: Sequence[int], begin: int, end: int) -> list[tuple[int, slice]]:
    """Chunks of an axis with elements between two, and which elements of the chunk these are."""
    return [
        (k, slice(max(begin, first) - first, min(end, last) - first))
        for k, (first, last) in enumerate(_spans(chunks))
        if first < end and begin < last
    ]


def _pixels(chunk: Any, cut: Any) -> NDArray[Any]:
    return arrays.as_source(annotated.piece_of(chunk, cut, "source"), "source")


def _blot(
    made: Region, chunks: list[list[Any]], *, cuts: list[list[tuple[slice, slice]]],
    box: Box, region: Box, dtype: Any, threads: int,
) -> NDArray[Any]:  # fmt: skip
    """One chunk of the output, of the chunks of the source below it."""
    if not chunks:
        return np.full((region[1] - region[0], region[3] - region[2]), made.fillval, dtype)
    rows = [
        [_pixels(chunk, cut) for chunk, cut in zip(line, cut_line, strict=True)]
        for line, cut_line in zip(chunks, cuts, strict=True)
    ]
    return made.blot(np.block(rows), box, region, dtype, threads)
