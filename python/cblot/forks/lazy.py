"""Packages whose names are imported when they are asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

from cblot.forks.locks import STEADY


def lazily(package: str, doors: Mapping[str, Iterable[str]]) -> tuple[Any, Any]:
    """Return the functions ``__getattr__`` and ``__dir__`` of a package that imports when asked.

    A process does not fork meanwhile: its child would wait for ever for what another thread of the
    parent had begun to import. So a lock is held while modules are imported, of which Python's own
    detection of deadlocks knows nothing: no module that cblot needs may import from cblot. A plain
    ``import cblot.ablot`` takes Python's own locks alone: a fork by another thread meanwhile is as
    with any package.

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
        with STEADY:
            found = import_module(f"cblot.{of[name]}")
        value = getattr(found, name) if of[name] != name else found
        setattr(sys.modules[package], name, value)
        return value

    def __dir__() -> list[str]:  # noqa: N807
        return sorted({*of, *getattr(sys.modules[package], "__all__", ())})

    return __getattr__, __dir__
