"""`blot_exposures` on threads: reading, blotting and writing of different chips overlap."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from cblot.core import machine
from cblot.files.images import Image, opened
from cblot.files.write import Inputs
from cblot.remarks import collected
from cblot.tasks.chip import Chip, one_image, remarks_on
from cblot.tasks.many import About, Tally, drive
from cblot.tasks.outcome import Outcome, Summary
from cblot.tasks.resume import identity_of
from cblot.tasks.shared import Run, checked_settings, folder_of, label, listed

log = logging.getLogger(__name__)

# A clean image that is not larger may be kept in memory, where there are many exposures.
KEPT_BYTES = 1 << 28


class _Crew:
    """Threads that prepare exposures and make chips: chips first, so that few wait in memory."""

    def __init__(
        self, references: Sequence[Any], source: Image, about: About, *, jobs: int, threads: int
    ) -> None:
        self.about, self.workers, self._threads = about, jobs, threads
        self._source, self._references = source, references
        self._wcs: Any = None
        self._ready: deque[tuple[int, Outcome, Chip]] = deque()
        self._left: deque[int] = deque()
        self._busy = self._alive = 0
        self._stop = False
        self._changed = threading.Condition()
        self._pixels: Any = source.pixels
        self._keeping = threading.Lock()
        self._error: BaseException | None = None

    def do(self, run: Run, inputs: Inputs, left: Sequence[int], tally: Tally) -> None:
        """Make all; on Ctrl-C the chips that are begun are finished."""
        self._run, self._inputs, self._tally = run, inputs, tally
        self._wcs = self._source.wcs()  # not before: the summary tells of one that can't be used
        self._left.extend(left)
        # One an exposure; more are started for the chips that these have.
        for _ in range(min(self.workers, len(left))):
            self._start()
        self._wait()
        if self._error is not None:
            raise self._error

    def end(self, run: Run, tally: Tally) -> None:
        """Wait for all: they use files that are closed next."""
        self._stop = True
        self._wait_for_all()
        tally.summary.bytes_read = self._source.pixels.bytes_read

    def _start(self) -> None:
        with self._changed:
            if self._alive >= self.workers:
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
        # However often Ctrl-C is pressed.
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
                share = self._busy + len(self._ready) if alone else self.workers
                threads = max(1, self._threads // min(share, self.workers))
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
            for outcome, prepare in self._run.chips(reference, k, self._inputs):
                if prepare is None:
                    self._tally.finish(outcome)
                    continue
                start = time.perf_counter()
                try:
                    with collected(outcome.warnings):
                        chip = prepare(self._source, self._wcs)
                except Exception as error:
                    self._tally.finish(outcome.failed(error))
                    continue
                outcome.seconds = time.perf_counter() - start
                self._tally.begin(k)
                with self._changed:
                    self._ready.append((k, outcome, chip))
                    self._changed.notify_all()
                    more = len(self._ready) > self._alive - self._busy
                if more and not self._stop:
                    self._start()
        except Exception as error:
            self._tally.finish(Outcome(label(reference), order=(k, 0)).failed(error))
        self._tally.close(k)

    def _make(self, k: int, outcome: Outcome, chip: Chip, threads: int) -> None:
        with collected(outcome.warnings):
            self._run.make(outcome, chip, self._kept_pixels(), threads)
        self._tally.finish(outcome)
        self._tally.close(k)

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
    exposures, told = listed(references), list[str]()
    arguments = {"source": source, "references": exposures, "outdir": outdir}
    with collected(told):
        settings = checked_settings(configObj, parameters, wcsmap, arguments)
    threads = machine.thread_count(settings["threads"])
    workers = threads if jobs is None else machine.count(jobs, "jobs")
    folder_of(outdir)  # a run of threads writes its images, and has a folder for them
    # Before it is opened: should it change in between, outputs are not taken for current.
    identity = identity_of(source)
    with opened(source, "data") as images:
        image = one_image(images)
        about = About(image.name, identity, remarks_on(image))
        return drive(
            _Crew(exposures, image, about, jobs=workers, threads=threads),
            source, exposures, outdir, settings, told,
            names=[label(reference) for reference in exposures],
            wcsmap=wcsmap, resume=resume, progress=progress, summary=summary,
        )  # fmt: skip
