"""`blot_exposures`: every chip of many exposures, with reading, blotting and writing overlapped."""

from __future__ import annotations

import logging
import operator
import os
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from cblot import _build, _chips, _fits, _parameters, _report, _resume
from cblot._fits import Image
from cblot._jobs import Job
from cblot._mapping import Mapping
from cblot._parameters import Settings
from cblot._report import DONE, SKIPPED, Outcome, Summary

log = logging.getLogger(__name__)

# A clean image that is not larger is read once, and kept, where there are several exposures.
KEPT_BYTES = 1 << 28


def checked_settings(configObj: Any, parameters: dict[str, Any], wcsmap: Any) -> Settings:  # noqa: N803
    """Parameters of many chips; see `blot_exposures`."""
    settings = _parameters.settings_of(configObj, parameters)
    if settings["user_wcs"]:
        settings = {**settings, "coeffs": False}
    if isinstance(wcsmap, Mapping):
        raise TypeError("wcsmap must be a class here, as each chip has a mapping of its own")
    return settings


def listed(references: Any) -> list[Any]:
    """References as a list.

    Raises
    ------
    ValueError
        If there is none.
    """
    one = isinstance(references, (str, os.PathLike)) or hasattr(references, "fileinfo")
    found = [references] if one else list(references)
    if not found:
        raise ValueError("there is nothing to blot without references")
    return found


def label(reference: Any) -> str:
    """What to call a reference."""
    if isinstance(reference, (str, os.PathLike)):
        return os.fspath(reference)
    filename = getattr(reference, "filename", None)
    return str((filename() if callable(filename) else None) or type(reference).__name__)


def make_folder(outdir: Any) -> Path:
    """Make the folder of the outputs, if need be.

    Raises
    ------
    TypeError, OSError
        If it can't be.
    """
    if not isinstance(outdir, (str, os.PathLike)):
        raise TypeError(f"outdir must be the name of a folder, got {type(outdir).__name__}")
    folder = Path(outdir).expanduser()
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"outdir must be a folder, got the file {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Plan:
    """What all chips of a run share, and where their outputs go.

    Parameters
    ----------
    data : object
        The clean image, as it was given.
    references : list
        As they were given.
    folder : Path or None
        Of the outputs; None where they are returned.
    settings : dict
    wcsmap : class or None
    resume : bool
    tag : str
        Part of the names that files have while they are written.
    """

    def __init__(
        self,
        data: Any,
        references: Sequence[Any],
        folder: Path | None,
        settings: Settings,
        *,
        wcsmap: Any,
        resume: bool,
        tag: str,
    ) -> None:
        self.data, self.folder, self.settings = data, folder, settings
        self.wcsmap, self.resume, self.tag = wcsmap, resume, tag
        # Names alone: the plan goes to workers elsewhere.
        self._read = [
            Path(_fits.split_name(os.fspath(name))[0])
            for name in (data, *references)
            if isinstance(name, (str, os.PathLike))
        ]

    def chips(
        self, reference: Any, order: int, only: int | None = None
    ) -> Iterator[tuple[Outcome, Callable[[Image, Any], Job] | None]]:
        """Open an exposure and go through its chips, or the one at a place in its file.

        Yields
        ------
        outcome : Outcome
            As far as it is known: of a failure, or of a chip that is skipped, the end of it.
        prepare : callable or None
            Makes the job, of the clean image and its WCS, while the exposure is open.
        """
        with _fits.opened(reference, "reference") as chips:
            paths = _chips.paths_of(f"{self.folder or '.'}{os.sep}", chips)
            for place, (chip, path) in enumerate(zip(chips, paths, strict=True)):
                if only not in (None, chip.index):
                    continue
                extension = "{},{}".format(*chip.extension)
                outcome = Outcome(label(reference), extension, order=(order, place))
                if self.folder is not None:
                    outcome.output = str(path)
                try:
                    fingerprint = _resume.key(
                        self.data, reference, chip.extension, self.settings, self.wcsmap
                    )
                    if self.folder is not None:
                        _fits.check_not_among(path, self._read)
                        if self.resume and _resume.is_current(path, fingerprint):
                            outcome.status = SKIPPED
                except Exception as error:
                    yield outcome.failed(error), None
                    continue
                if outcome.status == SKIPPED:
                    yield outcome, None
                    continue

                def prepare(
                    source: Image,
                    wcs: Any,
                    chip: Image = chip,
                    path: Path = path,
                    fingerprint: str = fingerprint,
                ) -> Job:
                    (job,) = _chips.prepare(
                        source, wcs, [chip], [path], self.settings, folder_is_made=True
                    )
                    return replace(job, fingerprint=fingerprint)

                yield outcome, prepare

    def make(self, outcome: Outcome, job: Job, pixels: Any, threads: int) -> None:
        """Make a chip and note what becomes of it."""
        start = time.perf_counter()
        try:
            if self.folder is None:
                outcome.hdus, remarks = _chips.made(job, pixels, self.wcsmap, threads)
            else:
                remarks = _chips.make(job, pixels, self.wcsmap, threads, self.tag)
            outcome.warnings += remarks
            ny, nx = job.blot_wcs.array_shape
            outcome.pixels, outcome.status = int(ny) * int(nx), DONE
        except Exception as error:
            outcome.failed(error)
        outcome.seconds += time.perf_counter() - start


def clashes(references: Sequence[Any], folder: Path) -> dict[int, str]:
    """Which references would write what one before them does, and why they are left out."""
    by_file: dict[str, list[int]] = {}
    for k, reference in enumerate(references):
        path = _fits.split_name(label(reference))[0]
        by_file.setdefault(os.path.basename(path), []).append(k)
    found: dict[int, str] = {}
    for places in by_file.values():
        taken: dict[Path, int] = {}
        for k in places if len(places) > 1 else ():
            try:
                with _fits.opened(references[k], "reference") as chips:
                    paths = _chips.paths_of(f"{folder}{os.sep}", chips)
            except Exception:  # told when its turn comes
                log.debug("%s can't be opened", label(references[k]))
                continue
            same = [path for path in paths if path in taken]
            if same:
                first = label(references[taken[same[0]]])
                found[k] = f"its output would be {same[0].name}, as that of {first}"
            taken |= dict.fromkeys(paths, k)
    return found


class _Crew:
    """Threads that prepare exposures and make chips: chips first, so that few wait in memory."""

    def __init__(
        self, plan: Plan, references: Sequence[Any], source: Image, *, jobs: int, threads: int,
        summary: Summary, progress: _report.Progress,
    ) -> None:  # fmt: skip
        self._plan, self._source, self._wcs = plan, source, _chips.source_wcs(source)
        self._references, self._jobs, self._threads = references, jobs, threads
        self._summary, self._progress = summary, progress
        self._ready: deque[tuple[int, Outcome, Job]] = deque()
        self._left = deque(range(len(references)))
        self._open = [1] * len(references)  # chips that are not finished, and the exposure itself
        self._busy = self._alive = 0
        self._stop = False
        self._changed = threading.Condition()
        self._pixels: Any = source.pixels

    def run(self, skip: dict[int, str]) -> None:
        """Make all; on Ctrl-C finish the chips that are begun."""
        for k, reason in skip.items():
            self._left.remove(k)
            outcome = Outcome(label(self._references[k]), order=(k, 0))
            self._finish(k, outcome.failed(ValueError(reason)))
            self._close(k)
        with _report.collector() as self._collector:
            try:
                for _ in range(self._jobs):
                    self._start()
                self._wait()
            except BaseException:
                self._stop = True
                self._wait()
                raise

    def _start(self) -> None:
        with self._changed:
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

    def _work(self) -> None:
        try:
            self._work_on()
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
            for outcome, prepare in self._plan.chips(reference, k):
                if prepare is None:
                    self._finish(k, outcome)
                    continue
                start = time.perf_counter()
                try:
                    with self._collector.into(outcome.warnings):
                        job = prepare(self._source, self._wcs)
                except Exception as error:
                    self._finish(k, outcome.failed(error))
                    continue
                outcome.seconds = time.perf_counter() - start
                with self._changed:
                    self._open[k] += 1
                    self._ready.append((k, outcome, job))
                    self._changed.notify_all()
        except Exception as error:
            self._finish(k, Outcome(label(reference), order=(k, 0)).failed(error))
        self._close(k)

    def _make(self, k: int, outcome: Outcome, job: Job, threads: int) -> None:
        with self._collector.into(outcome.warnings):
            self._plan.make(outcome, job, self._kept_pixels(), threads)
        self._finish(k, outcome)
        self._close(k)

    def _kept_pixels(self) -> Any:
        """Pixels of the clean image: all of them, once it is clear that this is less to read."""
        source = self._source.pixels
        with self._changed:
            if self._pixels is source and len(self._references) > 1 and source.nbytes <= KEPT_BYTES:
                with suppress(Exception):  # told of every chip, as its own window fails
                    self._pixels = source.read()
            return self._pixels

    def _finish(self, k: int, outcome: Outcome) -> None:
        with self._changed:
            self._summary.add(outcome)
        self._progress.chip(outcome)

    def _close(self, k: int) -> None:
        with self._changed:
            self._open[k] -= 1
            closed = self._open[k] == 0
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
        Parameters, as in `blot`.
    wcsmap : class, optional
        See `do_blot`.
    jobs : int, optional
        Chips at work at once; by default as many as processors that this process may use. Each has
        its share of the parameter `threads`, whose default is that number, too.
    resume : bool, default False
        Skip chips whose output is whole and was made, by this version, of the same files (by name,
        size and time of change) with the same parameters.
    progress : bool, optional
        A bar on standard error, which takes tqdm; by default where that is a terminal. Else the
        logger ``cblot.progress`` has a line for every chip.
    summary : str or Path, optional
        File to write the summary to, as JSON.
    **parameters
        Parameters by name, as in `blot`.

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
    KeyboardInterrupt
        After Ctrl-C, when the chips that were begun are finished; the summary is written.
    """
    settings = checked_settings(configObj, parameters, wcsmap)
    total = _build.thread_count(settings["threads"])
    workers = total if jobs is None else _count(jobs)
    exposures = listed(references)
    with _fits.opened(source, "data") as images:
        image = _chips.one_image(images)
        folder = make_folder(outdir)
        plan = Plan(
            source, exposures, folder, {**settings, "threads": None},
            wcsmap=wcsmap, resume=resume, tag=uuid.uuid4().hex[:8],
        )  # fmt: skip
        result = Summary(image.name, str(folder), len(exposures), workers)
        result.warnings += _chips.remarks_on(image)
        for remark in result.warnings:
            log.warning(remark)
        shown = _report.Progress(len(exposures), progress)
        try:
            crew = _Crew(
                plan, exposures, image,
                jobs=workers, threads=total, summary=result, progress=shown,
            )  # fmt: skip
            crew.run(clashes(exposures, folder))
        except KeyboardInterrupt:
            result.interrupted = True
            raise
        finally:
            shown.close()
            result.bytes_read = image.pixels.bytes_read
            result.finish()
            if summary is not None:
                result.write(summary)
    return result


def _count(jobs: Any) -> int:
    try:
        count = operator.index(jobs)
    except TypeError as error:
        raise TypeError(f"jobs must be a whole number, got {jobs!r}") from error
    if count < 1:
        raise ValueError(f"jobs must be at least 1, got {jobs}")
    return count


def swept(folder: Path, tag: str) -> Iterable[Path]:
    """Remove what a lost process of this run left half-written, and tell what it was."""
    for path in folder.glob(f".*.{tag}*"):
        with suppress(OSError):
            path.unlink()
            yield path
