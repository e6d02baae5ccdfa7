"""What ends a command before its time."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class UsageError(Exception):
    """What was asked for can't be asked for so."""


class Terminated(KeyboardInterrupt):
    """What SIGTERM raises: files that are half-written are removed, as on Ctrl-C."""


def _terminate(*_: Any) -> None:
    raise Terminated("terminated")


@contextmanager
def terminable() -> Iterator[None]:
    """Have SIGTERM raise meanwhile, where nobody else has said what it does."""
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
