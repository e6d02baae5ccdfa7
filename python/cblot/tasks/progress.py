"""Progress of many chips, told while they are made: a bar on a terminal, else lines of the log."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from cblot.tasks.outcome import DONE, FAILED, SKIPPED, Interrupted, Outcome, Summary

log = logging.getLogger("cblot.progress")


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
def shown(result: Summary, progress: bool | None, path: Any) -> Iterator[Progress]:
    """Show progress meanwhile, and end with the summary, whatever ends it.

    Raises
    ------
    Interrupted
        After Ctrl-C.
    """
    shown = Progress(result.exposures, progress)
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
