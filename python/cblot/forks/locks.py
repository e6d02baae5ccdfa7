"""Locks that a child finds free, and one for what no process may fork in the middle of."""

from __future__ import annotations

import codecs
import functools
import logging  # noqa: F401 - its hook must be there before ours, see below
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any
from weakref import WeakSet

# A codec is imported when it is first used, under a lock of Python's that no child can free.
codecs.lookup("unicode_escape")

_KINDS = (type(threading.Lock()), type(threading.RLock()))
# What has locks that Python and astropy do not free themselves, of what a file task uses.
_OTHERS = ("tempfile", "_strptime")
# Attributes that are computed once: astropy's own, and Python's, which had a lock until 3.12.
_COMPUTED = (property, functools.cached_property)
_ours: WeakSet[Any] = WeakSet()
# What one thread does at a time, and no process forks meanwhile: its child would be left with it.
STEADY = threading.RLock()


def new_lock() -> Any:
    """Return a lock that is free in a child."""
    lock = threading.Lock()
    _ours.add(lock)
    return lock


def _locks_of(owner: Any) -> Iterator[Any]:
    """Locks among the attributes of a module, a class, or what a class computes once."""
    for value in list(vars(owner).values()):
        if isinstance(value, _KINDS):
            yield value


def _others() -> Iterator[Any]:
    """Locks of astropy, which has one for each attribute that it computes when first asked.

    A thread that reads or writes a file holds some, and that of the folder for temporary files,
    with which astropy tries whether there are memory maps. What another thread of the parent had
    begun to compute is not there yet, or belongs to objects which the child does not have.
    """
    for name, module in list(sys.modules.items()):
        if not (name.startswith("astropy.") or name in _OTHERS):
            continue
        if not hasattr(module, "__dict__"):
            continue
        yield from _locks_of(module)
        for kind in [value for value in list(vars(module).values()) if isinstance(value, type)]:
            for attribute in list(vars(kind).values()):
                if isinstance(attribute, _COMPUTED) and hasattr(attribute, "__dict__"):
                    yield from _locks_of(attribute)
                    cache = getattr(attribute, "_cache", None)
                    for made in list(cache.values()) if isinstance(cache, dict) else ():
                        if hasattr(made, "__dict__"):
                            yield from _locks_of(made)


def _free() -> None:
    for lock in [*_ours, *_others()]:
        lock._at_fork_reinit()


# Who forks takes the locks of hooks from the last to the first: logging's, which whoever is steady
# may need, after this one.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free)
    os.register_at_fork(
        before=STEADY.acquire,
        after_in_parent=STEADY.release,
        after_in_child=STEADY.release,
    )
