"""What became of many chips: outcomes and their summary."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cblot.core.machine import __version__
from cblot.files import replace

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
