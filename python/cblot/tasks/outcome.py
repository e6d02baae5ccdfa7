"""What became of many chips: outcomes, their summary, and progress while they are made."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cblot.core.machine import __version__
from cblot.files import replace

log = logging.getLogger("cblot.progress")

DONE, SKIPPED, FAILED = "done", "skipped", "failed"
# Of an outcome, for the run alone.
_INTERNAL = ("order", "place", "hdus", "bytes_read")


@dataclass
class Outcome:
    """What became of a chip, or of an exposure that could not be opened.

    Attributes
    ----------
    reference : str
        The exposure, as it was given.
    extension : str
        The chip, as in ``SCI,1``; empty for a whole exposure.
    status : {'done', 'skipped', 'failed'}
        Skipped: its output was whole and up to date.
    output : str
        The file; empty if it failed before it had a name, or nothing is written.
    error, reason : str
        Of a failure: the type of the exception and its message.
    warnings : list of str
    pixels : int
        Pixels of the output that were made.
    seconds : float
        Time it took, of one thread among others.
    bytes_read : int
        Of the clean image's pixels, where a task of a cluster read them.
    hdus : HDUList or None
        The image, where it is not written.
    """

    reference: str
    extension: str = ""
    status: str = DONE
    output: str = ""
    error: str = ""
    reason: str = ""
    warnings: list[str] = field(default_factory=list)
    pixels: int = 0
    seconds: float = 0.0
    bytes_read: int = 0
    # Place among all, its HDU's in its file, and a result that is returned and not written.
    order: tuple[int, int] = (0, 0)
    place: int = -1
    hdus: Any = field(default=None, repr=False)

    def failed(self, error: BaseException) -> Outcome:
        """Note a failure."""
        self.status, self.error = FAILED, type(error).__name__
        self.reason = " ".join(str(error).split()) or self.error
        return self

    @property
    def name(self) -> str:
        """Exposure and chip."""
        return f"{self.reference}[{self.extension}]" if self.extension else self.reference

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return {k: v for k, v in vars(self).items() if k not in _INTERNAL}


class Summary:
    """What became of all chips of `blot_exposures`.

    Attributes
    ----------
    outcomes : list of Outcome
        In the order of the references, and of the chips in each.
    seconds : float
        Wall-clock time.
    finished : int
        Exposures all of whose chips were tried.
    interrupted : bool
        Whether Ctrl-C, or SIGTERM on the command line, ended it before all were.
    bytes_read, bytes_written : int
        Of clean images' pixels, and of files.
    """

    def __init__(self, data: str, outdir: str, exposures: int, jobs: int) -> None:
        self.data, self.outdir, self.exposures, self.jobs = data, outdir, exposures, jobs
        self.outcomes: list[Outcome] = []
        self.warnings: list[str] = []
        self.seconds = 0.0
        self.interrupted = False
        self.finished = 0
        self.bytes_read = self.bytes_written = 0
        self._started, self._start = time.time(), time.monotonic()

    def add(self, outcome: Outcome) -> None:
        """Take an outcome up."""
        self.outcomes.append(outcome)
        if outcome.status == DONE and outcome.output:
            with suppress(OSError):
                self.bytes_written += os.path.getsize(outcome.output)

    def finish(self) -> Summary:
        """Put outcomes in order and stop the clock."""
        self.outcomes.sort(key=lambda outcome: outcome.order)
        self.seconds = time.monotonic() - self._start
        return self

    def count(self, status: str) -> int:
        """How many chips became so."""
        return sum(outcome.status == status for outcome in self.outcomes)

    @property
    def ok(self) -> bool:
        """Whether every chip of every exposure is there."""
        return self.finished == self.exposures and not self.count(FAILED)

    @property
    def outputs(self) -> list[Path]:
        """The files that are there, those that were skipped among them."""
        return [Path(o.output) for o in self.outcomes if o.status != FAILED and o.output]

    @property
    def megapixels(self) -> float:
        """Of the outputs that were made."""
        return sum(outcome.pixels for outcome in self.outcomes) / 1e6

    def as_dict(self) -> dict[str, Any]:
        """For JSON: all figures, and a list of the outcomes."""
        rate = self.megapixels / self.seconds if self.seconds > 0 else 0.0
        start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._started))
        return {
            "cblot": __version__,
            "data": self.data,
            "outdir": self.outdir,
            "started": start,
            "seconds": round(self.seconds, 3),
            "jobs": self.jobs,
            "ok": self.ok,
            "interrupted": self.interrupted,
            "exposures": self.exposures,
            "finished": self.finished,
            "chips": {status: self.count(status) for status in (DONE, SKIPPED, FAILED)},
            "megapixels": round(self.megapixels, 6),
            "megapixels_per_second": round(rate, 3),
            "bytes_read": self.bytes_read,
            "bytes_written": self.bytes_written,
            "warnings": self.warnings,
            "outcomes": [outcome.record() for outcome in self.outcomes],
        }

    def to_json(self) -> str:
        """Return text of JSON."""
        return json.dumps(self.as_dict(), indent=1) + "\n"

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the JSON beside and rename; ``/dev/null`` takes it as it is."""
        if replace.is_null(path):
            return
        replace.replace_text(Path(path), self.to_json())

    def __repr__(self) -> str:
        counts = ", ".join(f"{self.count(s)} {s}" for s in (DONE, SKIPPED, FAILED))
        return f"<cblot summary: {counts} of {self.exposures} exposures, {self.seconds:.1f} s>"


class Progress:
    """Tells how far it is: a bar on a terminal, else lines of the log.

    Parameters
    ----------
    total : int
        Exposures.
    show : bool or None
        None: a bar if standard error is a terminal and tqdm is installed, else lines of the
        logger ``cblot.progress``. False: lines alone.
    """

    def __init__(self, total: int, show: bool | None) -> None:
        self._total, self._exposures, self._pixels = total, 0, 0
        self._counts = dict.fromkeys((DONE, SKIPPED, FAILED), 0)
        self._start = time.monotonic()
        self._lock = threading.Lock()
        self._bar = self._redirect = None
        if show or (show is None and sys.stderr is not None and sys.stderr.isatty()):
            try:
                from tqdm import tqdm
                from tqdm.contrib.logging import logging_redirect_tqdm
            except ImportError:
                if show:
                    log.warning("a bar needs tqdm: pip install 'cblot[progress]'")
            else:
                self._redirect = logging_redirect_tqdm()
                self._redirect.__enter__()
                self._bar = tqdm(total=total, unit="exposure", dynamic_ncols=True)

    def _rate(self) -> str:
        seconds = max(time.monotonic() - self._start, 1e-9)
        return f"{self._pixels / 1e6 / seconds:.1f} Mpx/s"

    def chip(self, outcome: Outcome) -> None:
        """Tell of a chip."""
        with self._lock, _unharmed():
            self._pixels += outcome.pixels
            self._counts[outcome.status] += 1
            where = f"{self._exposures}/{self._total} exposures, {self._rate()}"
            if self._bar is not None:
                self._bar.set_postfix_str(self._rate())
            elif outcome.status == DONE:
                log.info("%s: made %s", where, outcome.output or outcome.name)
            elif outcome.status == SKIPPED:
                log.info("%s: %s is up to date", where, outcome.output)
            if outcome.status == FAILED:
                log.error("%s failed: %s", outcome.name, outcome.reason)

    def exposure(self) -> None:
        """An exposure is finished."""
        with self._lock, _unharmed():
            self._exposures += 1
            if self._bar is not None:
                self._bar.update(1)
            elif self._exposures == self._total:
                made, current, failed = self._counts.values()
                log.info(
                    "%d/%d exposures, %s: %d chips made, %d up to date, %d failed",
                    self._total, self._total, self._rate(), made, current, failed,
                )  # fmt: skip

    def close(self) -> None:
        """Leave the terminal as it was."""
        with _unharmed():
            if self._bar is not None:
                self._bar.close()
            if self._redirect is not None:
                self._redirect.__exit__(None, None, None)


@contextmanager
def _unharmed() -> Iterator[None]:
    """What goes wrong in telling, on a terminal that is gone, say, is no failure of the work."""
    with suppress(Exception):
        yield


@contextmanager
def shown(result: Summary, exposures: int, progress: bool | None, path: Any) -> Iterator[Progress]:
    """Show progress meanwhile, and end with the summary, whatever ends it.

    Raises
    ------
    Interrupted
        After Ctrl-C.
    """
    shown = Progress(exposures, progress)
    interruption = None
    try:
        yield shown
    except KeyboardInterrupt as error:
        result.interrupted, interruption = True, error
    finally:
        shown.close()
        result.finish()
        if path is not None:
            try:
                result.write(path)
            except OSError as error:
                result.warnings.append(f"the summary {path} can't be written: {error}")
                log.error(result.warnings[-1])
    if interruption is not None:
        raise Interrupted(result) from interruption


class Interrupted(KeyboardInterrupt):
    """Ctrl-C ended a run.

    Attributes
    ----------
    summary : Summary
        What became of the chips until then.
    """

    def __init__(self, summary: Summary) -> None:
        told = (
            f"interrupted after {summary.finished} of {summary.exposures} exposures; "
            f"{len(summary.outputs)} chips are there, from which a run that resumes goes on"
        )
        super().__init__(told)
        self.summary = summary
