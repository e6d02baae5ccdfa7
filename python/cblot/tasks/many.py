"""Many chips: what all runs do, over an executor that makes the chips."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from cblot.files import replace
from cblot.files.write import Inputs
from cblot.remarks import collected, remark
from cblot.tasks.outcome import Outcome, Summary
from cblot.tasks.parameters import Settings
from cblot.tasks.progress import Progress, shown
from cblot.tasks.shared import Run, clashes, label, make_folder, summary_path

log = logging.getLogger(__name__)


class About(NamedTuple):
    """A clean image's name and identity (see `identity_of`), and what the user should know."""

    name: str
    identity: list[Any] | None
    remarks: list[str]


class Tally:
    """What is open of a run, and what became of the rest; any thread may tell it.

    Parameters
    ----------
    summary : Summary
    progress : Progress
    references : sequence of str
        What the exposures are called in outcomes.
    """

    def __init__(self, summary: Summary, progress: Progress, references: Sequence[str]) -> None:
        self.summary, self._progress, self._references = summary, progress, references
        self._open = [1] * len(references)  # chips that are not finished, and the exposure itself
        self._lock = threading.Lock()

    def begin(self, k: int) -> None:
        """A chip of an exposure is begun: it is to be closed, as the exposure is."""
        with self._lock:
            self._open[k] += 1

    def finish(self, outcome: Outcome) -> None:
        """Take an outcome up."""
        outcome.reference = self._references[outcome.order[0]]
        with self._lock:
            self.summary.add(outcome)
        self._progress.chip(outcome)

    def close(self, k: int) -> None:
        """A chip of an exposure, or going through its chips, has come to its end."""
        with self._lock:
            self._open[k] -= 1
            closed = self._open[k] == 0
            self.summary.finished += closed
        if closed:
            self._progress.exposure()


class Executor(Protocol):
    """What makes the chips of a run: threads of this process, or the workers of a cluster.

    Attributes
    ----------
    workers : int
        Chips at work at once.
    about : About
        Of the clean image.
    """

    workers: int
    about: About

    def do(self, run: Run, inputs: Inputs, left: Sequence[int], tally: Tally) -> None:
        """Make all chips of the exposures at these places."""

    def end(self, run: Run, tally: Tally) -> None:
        """Finish what is begun, and no more: whatever has ended `do`."""


def drive(
    executor: Executor,
    source: Any,
    references: Sequence[Any],
    outdir: Any,
    settings: Settings,
    told: Sequence[str],
    *,
    names: Sequence[str],
    wcsmap: Any,
    resume: bool,
    progress: bool | None,
    summary: Any,
) -> Summary:
    """Do a run; see `blot_exposures`.

    Parameters
    ----------
    executor : Executor
    source, references, outdir, wcsmap, resume, progress, summary
        See `blot_exposures`; of the executor's kind.
    settings : dict
    told : sequence of str
        Remarks that were made so far.
    names : sequence of str
        What the references are called in outcomes.
    """
    inputs = Inputs([source, *references])
    folder = None if outdir is None else make_folder(outdir)
    target = summary_path(summary, inputs)
    if folder is not None:
        replace.sweep([folder])
    about = executor.about
    run = Run(
        about.identity, folder, {**settings, "threads": None},
        wcsmap=wcsmap, resume=resume, tag=uuid.uuid4().hex[:8],
    )  # fmt: skip
    result = Summary(about.name, str(folder or ""), len(references), executor.workers)
    result.warnings += told
    with collected(result.warnings):
        for text in about.remarks:
            remark(log, text)
    with shown(result, progress, target) as progress_shown:
        tally = Tally(result, progress_shown, names)
        try:
            left_out = {} if folder is None else clashes(references, folder)
            for k, reason in left_out.items():
                outcome = Outcome(label(references[k]), order=(k, 0))
                tally.finish(outcome.failed(ValueError(reason)))
                tally.close(k)
            left = [k for k in range(len(references)) if k not in left_out]
            executor.do(run, inputs, left, tally)
        finally:
            executor.end(run, tally)
    return result
