"""Silence of astropy, which is that of the whole process."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from cblot.forks.locks import STEADY


@contextmanager
def quietly() -> Iterator[None]:
    """Keep astropy from remarks on a file's keywords, which nobody asked for.

    What is silenced is silent for the whole process: threads must not do it across each other.
    """
    astropy_log = logging.getLogger("astropy")
    with STEADY, warnings.catch_warnings():
        level = astropy_log.level
        warnings.simplefilter("ignore")
        astropy_log.setLevel(logging.ERROR)
        try:
            yield
        finally:
            astropy_log.setLevel(level)
