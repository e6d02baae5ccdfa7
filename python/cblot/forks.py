"""What threads must not keep across each other, nor leave to a child: locks, and silence."""

from __future__ import annotations

import codecs
import functools
import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
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
_STEADY = threading.RLock()


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


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free)
    os.register_at_fork(
        before=_STEADY.acquire,
        after_in_parent=_STEADY.release,
        after_in_child=_STEADY.release,
    )


def lazily(package: str, doors: Mapping[str, Iterable[str]]) -> tuple[Any, Any]:
    """Return the functions ``__getattr__`` and ``__dir__`` of a package that imports when asked.

    A process does not fork meanwhile: its child would wait for ever for what another thread of the
    parent had begun to import.

    Parameters
    ----------
    package : str
    doors : mapping
        Its names by the modules of cblot that have them; a module without any is a name itself.
        ``dir()`` shows those and what the package has in ``__all__``.
    """
    of = {name: module for module, names in doors.items() for name in names or (module,)}

    def __getattr__(name: str) -> Any:  # noqa: N807
        if name not in of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        with _STEADY:
            found = import_module(f"cblot.{of[name]}")
        value = getattr(found, name) if of[name] != name else found
        setattr(sys.modules[package], name, value)
        return value

    def __dir__() -> list[str]:  # noqa: N807
        return sorted({*of, *getattr(sys.modules[package], "__all__", ())})

    return __getattr__, __dir__


@contextmanager
def quietly() -> Iterator[None]:
    """Keep astropy from remarks on a file's keywords, which nobody asked for.

    What is silenced is silent for the whole process: threads must not do it across each other.
    """
    astropy_log = logging.getLogger("astropy")
    with _STEADY, warnings.catch_warnings():
        level = astropy_log.level
        warnings.simplefilter("ignore")
        astropy_log.setLevel(logging.ERROR)
        try:
            yield
        finally:
            astropy_log.setLevel(level)
