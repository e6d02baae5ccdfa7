"""Blotting on dask: many exposures on a cluster, and lazy arrays. Needs the extra ``dask``."""

from __future__ import annotations

import io
import logging
import os
import uuid
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cblot import _batch, _build, _calls, _chips, _fits, _report
from cblot._batch import Plan
from cblot._calls import Region
from cblot._report import FAILED, SKIPPED, Outcome, Summary
from cblot._windows import Box, Source

__all__ = ["blot_dask", "blot_exposures"]

log = logging.getLogger(__name__)


def _absolute(name: Any) -> str:
    """Name of a file wherever a worker works."""
    if not isinstance(name, (str, os.PathLike)):
        raise TypeError(f"on a cluster images must be names of files, got {type(name).__name__}")
    text = os.fspath(name)
    return text if _fits.is_address(text) else os.path.abspath(os.path.expanduser(text))


def _listing(plan: Plan, reference: str, order: int) -> list[tuple[int | None, Outcome]]:
    """Chips of an exposure by their places in its file; None for those that need no task."""
    try:
        with _fits.opened(reference, "reference") as chips:
            places = [chip.index for chip in chips]
        outcomes = [outcome for outcome, _ in plan.chips(reference, order)]
    except Exception as error:
        return [(None, Outcome(reference, order=(order, 0)).failed(error))]
    return [
        (None if outcome.status in (FAILED, SKIPPED) else place, outcome)
        for place, outcome in zip(places, outcomes, strict=True)
    ]


def _share() -> int:
    """Threads for a task: its share of its worker's."""
    from distributed import get_worker

    state = get_worker().state
    return max(1, int(state.nthreads) // max(1, len(state.executing)))


def _chip(plan: Plan, reference: str, place: int, order: int, threads: int | None) -> Outcome:
    """Make a chip, in a worker: window, blot, file."""
    outcome = Outcome(reference, order=(order, 0))
    try:
        with _fits.opened(plan.data, "data") as images:
            source = _chips.one_image(images)
            job = None
            for outcome, prepare in plan.chips(reference, order, only=place):
                if prepare is None:  # it came to be in the meantime
                    return outcome
                with _report.collector() as collector, collector.into(outcome.warnings):
                    job = prepare(source, _chips.source_wcs(source))
            if job is None:
                raise ValueError(f"{reference} has no chip [{place}] any more")
            plan.make(outcome, job, source.pixels, threads or _share())
            outcome.bytes_read = source.pixels.bytes_read
        if outcome.hdus is not None:
            file = io.BytesIO()
            outcome.hdus.writeto(file, output_verify="silentfix")
            outcome.hdus = file.getvalue()
    except Exception as error:
        outcome.failed(error)
    return outcome


def blot_exposures(
    source: str | os.PathLike[str],
    references: Any,
    outdir: str | os.PathLike[str] | None,
    configObj: Any = None,  # noqa: N803
    wcsmap: Any = None,
    *,
    client: Any,
    resume: bool = False,
    retries: int = 2,
    progress: bool | None = None,
    summary: str | os.PathLike[str] | None = None,
    **parameters: Any,
) -> Summary:
    """Blot a clean image onto every chip of many exposures, on a dask cluster.

    One task a chip: a worker opens the exposure, reads the window of the clean image that the chip
    needs, blots it, and writes the file beside and renames it. Pixels are those of
    `cblot.blot_exposures` to the bit. A task whose worker is lost is done again by another one;
    what the lost one had begun to write is removed.

    Parameters
    ----------
    source : str or Path
        Clean image; see `cblot.blot_exposures`. Files must have these names on all workers.
    references : sequence of str or Path
        Exposures to re-create, or one.
    outdir : str, Path or None
        Folder on storage that the workers and this process share. None: nothing is written, and
        every `Outcome` has its image as an HDUList in `hdus`.
    configObj, wcsmap : optional
        See `cblot.blot_exposures`.
    client : distributed.Client
        Of the cluster.
    resume, progress, summary
        See `cblot.blot_exposures`.
    retries : int, default 2
        How often a task is tried again after an error of the cluster. (What fails because of its
        files or parameters is reported, and not tried again.)
    **parameters
        As in `blot`. `threads` is that of a task; by default it is a task's share of its worker's
        threads.

    Returns
    -------
    Summary
        What became of every chip. Its `jobs` is the number of the workers' threads.

    Raises
    ------
    TypeError, ValueError
        For an argument or a parameter that can't be used.
    OSError
        For a folder or a summary that can't be made.
    """
    from distributed import as_completed

    settings = _batch.checked_settings(configObj, parameters, wcsmap)
    names = _batch.listed(references)
    data, *files = (_absolute(name) for name in (source, *names))
    folder = None if outdir is None else _batch.make_folder(os.path.abspath(outdir))
    tag = uuid.uuid4().hex[:8]
    plan = Plan(
        data, files, folder, {**settings, "threads": None},
        wcsmap=wcsmap, resume=resume, tag=tag,
    )  # fmt: skip
    threads = sum(client.nthreads().values())
    result = Summary(os.fspath(source), str(folder or ""), len(files), threads)
    shown = _report.Progress(len(files), progress)
    skipped = {} if folder is None else _batch.clashes(files, folder)
    open_chips = dict.fromkeys(range(len(files)), 0)

    def finish(k: int, outcome: Outcome) -> None:
        if outcome.hdus is not None:
            outcome.hdus = _fits.from_bytes(outcome.hdus)
        outcome.reference = os.fspath(names[k])
        result.bytes_read += outcome.bytes_read
        result.add(outcome)
        shown.chip(outcome)

    futures: dict[Any, tuple[int, int | None, Outcome | None]] = {}
    try:
        options = {"pure": False, "retries": retries}
        for k, name in enumerate(files):
            if k in skipped:
                finish(k, Outcome(name, order=(k, 0)).failed(ValueError(skipped[k])))
                shown.exposure()
                continue
            futures[client.submit(_listing, plan, name, k, **options)] = (k, None, None)
        waiting = as_completed(list(futures), loop=client.loop)
        for future in waiting:
            k, place, known = futures.pop(future)
            try:
                answer = future.result()
            except Exception as error:  # of the cluster, or of a worker that was lost too often
                known = known or Outcome(files[k], order=(k, 0))
                answer = known.failed(error) if place is not None else [(None, known.failed(error))]
            if place is not None:
                answer.order = known.order if known else answer.order
                finish(k, answer)
                open_chips[k] -= 1
            else:
                for chip, outcome in answer:
                    if chip is None:
                        finish(k, outcome)
                        continue
                    task = client.submit(
                        _chip, plan, files[k], chip, k, settings["threads"], **options
                    )
                    futures[task] = (k, chip, outcome)
                    waiting.add(task)
                    open_chips[k] += 1
            future.release()
            if not open_chips[k]:
                shown.exposure()
    except BaseException:
        result.interrupted = True
        client.cancel(list(futures))
        raise
    finally:
        shown.close()
        if folder is not None:
            for path in _batch.swept(folder, tag):
                log.info("%s, of a lost worker, is removed", path)
        result.finish()
        if summary is not None:
            result.write(summary)
    return result


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
        Clean image; or anything else that `dask.array.asarray` takes.
    source_wcs, blot_wcs, exptime, coeffs, interp, sinscl, stepsize, wcsmap, fillval
        See `do_blot`. The mapping is computed at once; where the core can't compute it (see
        `Mapping`) and `stepsize` asks for every pixel, it has 16 bytes a pixel of the output.
    chunks : optional
        Chunks of the output, as dask has them.
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
    import dask.array as da
    from dask.highlevelgraph import HighLevelGraph, MaterializedLayer

    array = da.asarray(source)
    image = Source(array, "source")
    out_dtype = np.dtype(dtype)
    if out_dtype.type not in (np.float32, np.float64):
        raise TypeError(f"dtype must be float32 or float64, got {out_dtype}")
    made = _calls.regions(
        image.shape, source_wcs, blot_wcs, exptime, coeffs, interp, sinscl, stepsize, wcsmap,
        fillval,
    )  # fmt: skip
    workers = _build.thread_count(threads)
    rows, columns = da.core.normalize_chunks(chunks, made.shape, dtype=out_dtype)
    token = uuid.uuid4().hex
    name, shared = f"blot-{token}", f"blot-mapping-{token}"
    # One task a chunk, that names the chunks of the source below its box and no others.
    tasks: dict[Any, Any] = {}
    for i, (y0, y1) in enumerate(_spans(rows)):
        for j, (x0, x1) in enumerate(_spans(columns)):
            box = made.box((y0, y1, x0, x1))
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


def _joined(pieces: list[Any], axis: int) -> Any:
    masked = any(isinstance(piece, np.ma.MaskedArray) for piece in pieces)
    return (np.ma if masked else np).concatenate(pieces, axis=axis)


def _blot(
    made: Region, chunks: list[list[Any]], *, cuts: list[list[tuple[slice, slice]]],
    box: Box, region: Box, dtype: Any, threads: int,
) -> NDArray[Any]:  # fmt: skip
    """One chunk of the output, of the chunks of the source below it."""
    if not chunks:
        return np.full((region[1] - region[0], region[3] - region[2]), made.fillval, dtype)
    rows = [
        _joined([chunk[cut] for chunk, cut in zip(line, cut_line, strict=True)], 1)
        for line, cut_line in zip(chunks, cuts, strict=True)
    ]
    return made.blot(_joined(rows, 0), box, region, dtype, threads)
