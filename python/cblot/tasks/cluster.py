"""`cblot.distributed.blot_exposures`: many exposures on a dask cluster."""

from __future__ import annotations

import io
import logging
import os
import time
import uuid
from asyncio import CancelledError
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from cblot.files import replace
from cblot.files.images import from_bytes, opened
from cblot.files.names import is_address, local
from cblot.files.write import Inputs
from cblot.remarks import collected
from cblot.tasks.chip import one_image, remarks_on
from cblot.tasks.lazy import required
from cblot.tasks.many import About, Tally, drive
from cblot.tasks.outcome import FAILED, SKIPPED, Outcome, Summary
from cblot.tasks.resume import identity_of
from cblot.tasks.shared import Run, checked_settings, folder_of, listed

log = logging.getLogger(__name__)

# Seconds to wait for tasks that are running when a run is interrupted.
PATIENCE = 60.0
# Seconds between looks at the cluster, and to wait for a result before the first of them.
_PAUSE, _RESULT = 0.1, 30.0
_LOST = "the connection to the cluster's scheduler was lost"


def _absolute(name: Any) -> str:
    """Name of a file wherever a worker works."""
    if not isinstance(name, (str, os.PathLike)):
        raise TypeError(f"on a cluster images must be names of files, got {type(name).__name__}")
    text = local(os.fspath(name))
    return text if is_address(text) else os.path.abspath(os.path.expanduser(text))


def _about(data: str) -> About:
    """Tell of the clean image, in a worker."""
    identity = identity_of(data)
    with opened(data, "data") as images:
        image = one_image(images)
        return About(image.name, identity, remarks_on(image))


def _listing(run: Run, reference: str, order: int) -> list[Outcome]:
    """Chips of an exposure, as far as that is known before they are made."""
    try:
        return [outcome for outcome, _ in run.chips(reference, order)]
    except Exception as error:
        return [Outcome(reference, order=(order, 0)).failed(error)]


def _share() -> int:
    """Threads for a task: its share of its worker's."""
    from distributed import get_worker

    state = get_worker().state
    return max(1, int(state.nthreads) // max(1, len(state.executing)))


def _chip(
    run: Run, data: str, reference: str, place: int, order: int, threads: int | None, stop: str
) -> Outcome | None:
    """Make a chip, in a worker: window, blot, file. None if the run was stopped before."""
    from distributed import Event

    if Event(stop).is_set():
        return None
    outcome = Outcome(reference, order=(order, 0))
    try:
        with opened(data, "data") as images:
            source = one_image(images)
            chip = None
            for outcome, prepare in run.chips(reference, order, only=place):
                if prepare is None:  # it came to be in the meantime
                    return outcome
                with collected(outcome.warnings):
                    chip = prepare(source, source.wcs())
            if chip is None:
                raise ValueError(f"{reference} has no chip [{place}] any more")
            with collected(outcome.warnings):
                run.make(outcome, chip, source.pixels, threads or _share())
            outcome.bytes_read = source.pixels.bytes_read
        if outcome.hdus is not None:
            file = io.BytesIO()
            outcome.hdus.writeto(file, output_verify="silentfix")
            outcome.hdus = file.getvalue()
    except Exception as error:
        outcome.failed(error)
    return outcome


class _Tasks:
    """The tasks of a run: chips come first, and few exposures are opened before their turn."""

    def __init__(
        self, client: Any, data: str, files: list[str], threads: int | None, retries: int
    ) -> None:
        self._client, self._data, self._files = client, data, files
        self._threads, self._retries = threads, retries
        self.workers = sum(client.nthreads().values())
        self.about: About = client.submit(_about, data, pure=False).result()
        self._prefix = ""  # of the tasks' names
        self._futures: dict[Any, tuple[int, Outcome | None]] = {}
        self._left: deque[int] = deque()

    def _is_lost(self) -> bool:
        """Whether there is no scheduler any more, after the time that the client looks for it."""
        while self._client.status == "connecting":
            time.sleep(_PAUSE)
        return self._client.status in ("closing", "closed")

    def _submit(self, k: int, known: Outcome | None, priority: int, call: Any, *given: Any) -> Any:
        if self._is_lost():
            raise ConnectionError(_LOST)
        future = self._client.submit(
            call, *given, key=f"{self._prefix}-{uuid.uuid4().hex}", retries=self._retries,
            priority=priority, pure=False,
        )  # fmt: skip
        self._futures[future] = (k, known)
        return future

    def _next(self) -> list[Any]:
        """Listings of exposures, as many as may wait."""
        made = []
        with suppress(ConnectionError):  # told of all that is left
            while self._left and len(self._futures) < 4 * max(1, self.workers) + 4:
                k = self._left[0]
                made.append(self._submit(k, None, 0, _listing, self._run, self._files[k], k))
                self._left.popleft()
        return made

    def _ended(self, waiting: Any) -> Iterator[Any]:
        """Futures as they end, until all have, or the cluster is lost."""
        while not waiting.is_empty():
            ended = waiting.next_batch(block=False)
            yield from ended
            if not ended:
                if self._is_lost():
                    return
                time.sleep(_PAUSE / 10)

    def _result(self, future: Any) -> Any:
        """What a future has, while there is a cluster to ask for it."""
        patience = _RESULT
        while True:
            try:
                return future.result(timeout=patience)
            except TimeoutError:
                if self._is_lost():
                    raise ConnectionError(_LOST) from None
                patience *= 2.0

    def _given_up(self) -> Iterator[Outcome]:
        """Failures of all that is not finished, as the cluster is lost."""
        begun = [*self._futures.values(), *((k, None) for k in self._left)]
        for k, known in begun:
            yield (known or Outcome(self._files[k], order=(k, 0))).failed(ConnectionError(_LOST))
        self._futures.clear()
        self._left.clear()

    def do(self, run: Run, inputs: Inputs, left: Sequence[int], tally: Tally) -> None:
        """Do all, until it is done or the cluster is lost."""
        from distributed import as_completed

        self._run, self._inputs, self._prefix = run, inputs, f"cblot-{run.tag}"
        self._left.extend(left)
        waiting = as_completed(self._next(), loop=self._client.loop)
        for future in self._ended(waiting):
            k, known = self._futures[future]
            try:
                answer = self._result(future)
            except (Exception, CancelledError) as caught:
                # Of the cluster, or of a worker that was lost too often.
                lost = future.status != "error" and self._is_lost()
                error = ConnectionError(_LOST) if lost else caught
                failed = (known or Outcome(self._files[k], order=(k, 0))).failed(error)
                answer = failed if known else [failed]
            del self._futures[future]  # not before: interrupted, it is asked again at the end
            if known is not None:
                answer.order = known.order
                _take_up(tally, answer)
            else:
                for outcome in answer:
                    self._begin(k, outcome, waiting, tally)
            future.release()
            tally.close(k)
            for listing in self._next():
                waiting.add(listing)
        for outcome in self._given_up():  # none, unless the cluster is lost
            _take_up(tally, outcome)

    def _begin(self, k: int, outcome: Outcome, waiting: Any, tally: Tally) -> None:
        """Have a chip made, if it is to be."""
        if outcome.status in (FAILED, SKIPPED) or self._refused(outcome):
            return _take_up(tally, outcome)
        chip = (self._files[k], outcome.place, k)
        try:
            task = self._submit(
                k, outcome, 1, _chip, self._run, self._data, *chip, self._threads, self._prefix
            )
        except ConnectionError as error:
            return _take_up(tally, outcome.failed(error))
        tally.begin(k)
        waiting.add(task)

    def _refused(self, outcome: Outcome) -> bool:
        try:
            if outcome.output:
                self._inputs.check(Path(outcome.output))
        except ValueError as error:
            outcome.failed(error)
            return True
        return False

    def end(self, run: Run, tally: Tally) -> None:
        """Have what has not begun left alone, and wait for what has."""
        for outcome in self._begun():
            _take_up(tally, outcome)
            tally.close(outcome.order[0])
        for path in [] if run.folder is None else replace.sweep([run.folder], run.tag):
            log.info("%s, of a lost worker, is removed", path)

    def _begun(self) -> Iterator[Outcome]:
        """What became of what had begun when the run was ended."""
        if not self._futures or self._is_lost():
            return
        from distributed import Event, as_completed

        # Not by cancelling: a worker that is about to begin a task may begin it all the same.
        stop = Event(self._prefix, client=self._client)
        stop.set()
        begun = as_completed(list(self._futures), loop=self._client.loop, timeout=PATIENCE)
        with suppress(TimeoutError):
            for _ in begun:
                pass
        for future, (_, known) in self._futures.items():
            if known is not None and future.status == "finished":
                outcome = future.result()
                if outcome is not None:
                    outcome.order = known.order
                    yield outcome
        self._client.cancel(list(self._futures))
        stop.clear()


def _take_up(tally: Tally, outcome: Outcome) -> None:
    """Take up an outcome that came from a worker."""
    if outcome.hdus is not None:
        outcome.hdus = from_bytes(outcome.hdus)
    for text in outcome.warnings:
        log.warning(text)
    tally.summary.bytes_read += outcome.bytes_read
    tally.finish(outcome)


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
    what the lost one had begun to write is removed. Where the scheduler is lost, and the client
    does not find it again in its time, all that is not finished has failed.

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
        For a clean image that can't be read, or a folder or a summary that can't be made.
    Interrupted
        A KeyboardInterrupt, after Ctrl-C, when the chips that were begun are finished (or a minute
        later); its `summary` tells of them.
    """
    required()
    if not hasattr(client, "submit"):
        raise TypeError(f"client must be a distributed.Client, got {type(client).__name__}")
    given, told = listed(references), list[str]()
    arguments = {"source": source, "references": given, "outdir": outdir}
    with collected(told):
        settings = checked_settings(configObj, parameters, wcsmap, arguments)
    data, *files = (_absolute(name) for name in (source, *given))
    folder = None if outdir is None else os.path.abspath(folder_of(outdir))
    return drive(
        _Tasks(client, data, files, settings["threads"], retries), data, files, folder, settings,
        told,
        names=[os.fspath(name) for name in given],
        wcsmap=wcsmap, resume=resume, progress=progress, summary=summary,
    )  # fmt: skip
