"""Remarks: what a user should know of a result. They are values; logs and warnings repeat them."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

# Where those of the work at hand are taken up, whatever the levels of the log; None: nowhere.
_into: ContextVar[list[str] | None] = ContextVar("cblot remarks", default=None)
# A warning points at who called these; contextlib is between the frames of the others.
_OURS = ("cblot", "drizzlepac", "stsci", "contextlib")


@contextmanager
def collected(remarks: list[str]) -> Iterator[None]:
    """Take up the remarks that are made meanwhile, in this thread, into a list."""
    token = _into.set(remarks)
    try:
        yield
    finally:
        _into.reset(token)


def remark(log: logging.Logger, text: str) -> None:
    """Make a remark: it is taken up where remarks are collected, and logged as a warning."""
    remarks = _into.get()
    if remarks is None:
        log.warning("%s", text)
        return
    remarks.append(text)
    with suppress(Exception):  # a broken log is no failure of the chip
        log.warning("%s", text)


def warn(text: str, category: type[Warning] = UserWarning) -> None:
    """Warn, pointing at the line of the caller outside of this package.

    A task may also be called by drizzlepac or by teal: then it is the line that called those.
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__")):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, category, stacklevel=level)


def warn_all(remarks: Iterable[str]) -> None:
    """Warn of each remark."""
    for text in remarks:
        warn(text)


def _is_ours(module: object) -> bool:
    return str(module).split(".")[0] in _OURS
