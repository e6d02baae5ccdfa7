"""`blot_exposures`: every chip of many exposures, with reading, blotting and writing overlapped."""

from __future__ import annotations

import logging
import operator
import os
import threading
import time
import uuid
from collections import deque
from collections.abc import Sequence
from typing import Any

from cblot.core import machine
from cblot.files import replace
from cblot.files.images import Image, opened
from cblot.files.targets import Inputs
from cblot.remarks import collected, remark
from cblot.tasks import chips
from cblot.tasks import resume as resume_module
from cblot.tasks.jobs import Job
from cblot.tasks.outcome import Outcome, Progress, Summary, shown
from cblot.tasks.plan import (
    Plan,
    checked_settings,
    clashes,
    label,
    listed,
    make_folder,
    summary_path,
)

log = logging.getLogger(__name__)

# A clean image that is not larger may be kept in memory, where there are many exposures.
KEPT_BYTES = 1 << 28
# Chips at work at once, however many are asked for: each is a thread.
MOST_JOBS = 1024


class _Crew:
    """Threads that prepare exposures and make chips: chips first, so that few wait in memory."""

    def __init__(
        self, plan: Plan, references: Sequence[Any], inputs: Inputs, source: Image, *, jobs: int,
        threads: int, summary: Summary, progress: Progress,
    ) -> None:  # fmt: skip
        self._inputs = inputs
        self._plan, self._source, self._wcs = plan, source, chips.source_wcs(source)
        self._references, self._jobs, self._threads = references, jobs, threads
        self._summary, self._progress = summary, progress
        self._ready: deque[tuple[int, Outcome, Job]] = deque()
        self._left = deque(range(len(references)))
        self._open = [1] * len(references)  # chips that are not finished, and the exposure itself
        self._busy = self._alive = 0
        self._stop = False
        self._changed = threading.Condition()
        self._pixels: Any = source.pixels
        self._keeping = threading.Lock()
        self._error: BaseException | None = None

    def run(self, skip: dict[int, str]) -> None:
        """Make all; on Ctrl-C finish the chips that are begun."""
        for k, reason in skip.items():
            self._left.remove(k)
            outcome = Outcome(label(self._references[k]), order=(k, 0))
            self._finish(k, outcome.failed(ValueError(reason)))
            self._close(k)
        try:
            # One an exposure; more are started for the chips that these have.
            for _ in range(min(self._jobs, len(self._left))):
                self._start()
            self._wait()
        finally:
            self._stop = True
            self._wait_for_all()
        if self._error is not None:
            raise self._error

    def _start(self) -> None:
        with self._changed:
            if self._alive >= self._jobs:
                return
            self._alive += 1
        try:
            threading.Thread(target=self._work).start()
        except RuntimeError:  # no more threads: those there are do the work
            with self._changed:
                self._alive -= 1
                if not self._alive:
                    raise

    def _wait(self) -> None:
        # Not by join: interrupted, it may take a thread for ended that is not.
        with self._changed:
            while self._alive:
                self._changed.wait()

    def _wait_for_all(self) -> None:
        # However often Ctrl-C is pressed: they use files that are closed next.
        while True:
            try:
                return self._wait()
            except KeyboardInterrupt:
                continue

    def _work(self) -> None:
        try:
            self._work_on()
        except BaseException as error:
            self._error, self._stop = error, True
        finally:
            with self._changed:
                self._alive -= 1
                self._changed.notify_all()

    def _work_on(self) -> None:
        while True:
            with self._changed:
                while not (self._ready or self._left or self._stop) and self._busy:
                    self._changed.wait()
                if self._stop or not (self._ready or self._left):
                    return
                task = self._ready.popleft() if self._ready else self._left.popleft()
                self._busy += 1
                alone = not self._left
                share = self._busy + len(self._ready) if alone else self._jobs
                threads = max(1, self._threads // min(share, self._jobs))
            try:
                if isinstance(task, int):
                    self._prepare(task)
                else:
                    self._make(*task, threads)
            finally:
                with self._changed:
                    self._busy -= 1
                    self._changed.notify_all()

    def _prepare(self, k: int) -> None:
        reference = self._references[k]
        try:
            for outcome, prepare in self._plan.chips(reference, k, self._inputs):
                if prepare is None:
                    self._finish(k, outcome)
                    continue
                start = time.perf_counter()
                try:
                    with collected(outcome.warnings):
                        job = prepare(self._source, self._wcs)
                except Exception as error:
                    self._finish(k, outcome.failed(error))
                    continue
                outcome.seconds = time.perf_counter() - start
                with self._changed:
                    self._open[k] += 1
                    self._ready.append((k, outcome, job))
                    self._changed.notify_all()
                    more = len(self._ready) > self._alive - self._busy
                if more and not self._stop:
                    self._start()
        except Exception as error:
            self._finish(k, Outcome(label(reference), order=(k, 0)).failed(error))
        self._close(k)

    def _make(self, k: int, outcome: Outcome, job: Job, threads: int) -> None:
        with collected(outcome.warnings):
            self._plan.make(outcome, job, self._kept_pixels(), threads)
        self._finish(k, outcome)
        self._close(k)

    def _kept_pixels(self) -> Any:
        """Pixels of the clean image; all of them, once its windows took more reading than that."""
        source = self._source.pixels
        few = not self._left or source.nbytes > KEPT_BYTES or source.bytes_read < source.nbytes
        # Others go on with windows while one reads.
        if self._pixels is source and not few and self._keeping.acquire(blocking=False):
            try:
                self._pixels = source.read()
            except Exception as error:  # told of each chip, as its own window fails
                log.debug("the clean image is not kept: %s", error)
                return source  # and not tried again: the lock stays
            self._keeping.release()
        return self._pixels

    def _finish(self, k: int, outcome: Outcome) -> None:
        with self._changed:
            self._summary.add(outcome)
        self._progress.chip(outcome)

    def _close(self, k: int) -> None:
        with self._changed:
            self._open[k] -= 1
            closed = self._open[k] == 0
            self._summary.finished += closed
        if closed:
            self._progress.exposure()


def blot_exposures(
    source: Any,
    references: Any,
    outdir: str | os.PathLike[str],
    configObj: Any = None,  # noqa: N803
    wcsmap: Any = None,
    *,
    jobs: int | None = None,
    resume: bool = False,
    progress: bool | None = None,
    summary: str | os.PathLike[str] | None = None,
    **parameters: Any,
) -> Summary:
    """Blot a clean image onto every chip of many exposures, and write a file for each.

    Reading, mapping, blotting and writing of different chips overlap, on threads of this process;
    no more than `jobs` chips are in memory, each with the window of the clean image that it needs.
    A chip that fails is reported, and the rest go on.

    Parameters
    ----------
    source : str, Path, HDUList or HDU
        Clean image; see `blot`. May be the address of a remote file (``https://``, ``s3://``),
        which takes the extra ``remote``.
    references : sequence of str, Path, HDUList or HDU
        Exposures to re-create, or one. If no extension is named, every science extension is made.
    outdir : str or Path
        Folder, made if need be. Outputs are named as in `blot`: ``exposure_flt_sci1_blt.fits``.
    configObj : optional
        Parameters, as in `blot`, of one exposure too: its `data`, `reference` and `outdata` are not
        used, and if they differ that is among the summary's warnings.
    wcsmap : class, optional
        See `do_blot`.
    jobs : int, optional
        Chips at work at once; by default as many as processors that this process may use, and never
        more than 1024. Each has its share of the parameter `threads`, whose default is that number,
        too.
    resume : bool, default False
        Skip chips whose output is whole and was made, by this version, of the same files (by name,
        size and time of change) with the same parameters. Never with a `wcsmap`, or with images
        that are not named: whether those are the same can't be told.
    progress : bool, optional
        A bar on standard error, which takes tqdm; by default where that is a terminal. Else the
        logger ``cblot.progress`` has a line for every chip.
    summary : str or Path, optional
        File to write the summary to, as JSON.
    **parameters
        Parameters by name, as in `blot`; AstroDrizzle's names, with ``blot_``, are taken too.

    Returns
    -------
    Summary
        What became of every chip. Its `ok` is whether all are there.

    Raises
    ------
    TypeError, ValueError
        For an argument or a parameter that can't be used.
    OSError
        For a clean image that can't be read, or a folder or summary that can't be made.
    Interrupted
        A KeyboardInterrupt, after Ctrl-C, when the chips that were begun are finished; its
        `summary` tells of them.
    """
    exposures, remarks = listed(references), list[str]()
    arguments = {"source": source, "references": exposures, "outdir": outdir}
    with collected(remarks):
        settings = checked_settings(configObj, parameters, wcsmap, arguments)
    total = machine.thread_count(settings["threads"])
    workers = total if jobs is None else _count(jobs)
    identity = None if wcsmap else resume_module.identity(source)
    with opened(source, "data") as images:
        image = chips.one_image(images)
        inputs = Inputs([source, *exposures])
        folder = make_folder(outdir)
        told = summary_path(summary, inputs)
        replace.sweep([folder])
        plan = Plan(
            identity, folder, {**settings, "threads": None},
            wcsmap=wcsmap, resume=resume, tag=uuid.uuid4().hex[:8],
        )  # fmt: skip
        result = Summary(image.name, str(folder), len(exposures), workers)
        result.warnings += remarks
        with collected(result.warnings):
            for text in chips.remarks_on(image):
                remark(log, text)
        with shown(result, len(exposures), progress, told) as progress_shown:
            try:
                crew = _Crew(
                    plan, exposures, inputs, image,
                    jobs=workers, threads=total, summary=result, progress=progress_shown,
                )  # fmt: skip
                crew.run(clashes(exposures, folder))
            finally:
                result.bytes_read = image.pixels.bytes_read
    return result


def _count(jobs: Any) -> int:
    try:
        count = operator.index(jobs)
    except TypeError as error:
        raise TypeError(f"jobs must be a whole number, got {jobs!r}") from error
    if count < 1:
        raise ValueError(f"jobs must be at least 1, got {jobs}")
    return min(count, MOST_JOBS)
