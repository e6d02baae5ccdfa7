"""Silence, which threads must not keep across each other, nor leave to a child."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# What is silenced is silent for the whole process: threads must not do it across each other.
_SILENCE = threading.RLock()

# A process forks when no other thread is silent: its child would be for ever, and wait for it.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_SILENCE.acquire,
        after_in_parent=_SILENCE.release,
        after_in_child=_SILENCE.release,
    )


@contextmanager
def quietly() -> Iterator[None]:
    """Keep astropy from remarks on a file's keywords, which nobody asked for."""
    astropy_log = logging.getLogger("astropy")
    with _SILENCE, warnings.catch_warnings():
        level = astropy_log.level
        warnings.simplefilter("ignore")
        astropy_log.setLevel(logging.ERROR)
        try:
            yield
        finally:
            astropy_log.setLevel(level)
