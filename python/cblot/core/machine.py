"""What this build and this machine offer, and what the environment asks for."""

from __future__ import annotations

import operator
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cblot.core import _core
from cblot.core.shown import visible

__version__ = version("cblot")


def _isa() -> str:
    name = os.environ.get("CBLOT_ISA", "")
    try:
        return _core.resolve_isa(name)
    except _core.CoreError as error:
        told = f"CBLOT_ISA={name}: {error}"
        if _is_command():
            raise SystemExit(f"cblot: {visible(told)}") from None
        raise ImportError(told) from error


def _is_command() -> bool:
    """Whether this process is the command line, whose users want a line and no traceback."""
    if sys.argv[:1] == ["-m"]:  # as long as Python looks for what is to be run
        module = " ".join(sys.orig_argv).partition(" -m")[2].split()
        return module[:1] == ["cblot"]
    return bool(sys.argv) and Path(sys.argv[0]).name in ("cblot", "cblot.exe")


ISA = _isa()
_PACKAGE = Path(__file__).parents[1]


def get_include() -> str:
    """Folder of the C++ and C headers, ``cblot/blot.hpp`` and ``cblot/blot.h``.

    Returns
    -------
    str
    """
    return str(_PACKAGE / "include")


def get_cmake_dir() -> str:
    """Folder with the files for CMake's ``find_package(cblot)``.

    Returns
    -------
    str
    """
    return str(_PACKAGE / "lib" / "cmake" / "cblot")


def linker_flags() -> str:
    """Flags to link a program with the static library that comes with the package."""
    return f"-L{_PACKAGE / 'lib'} -lcblot -lstdc++ -lm -pthread"


def build_info() -> dict[str, Any]:
    """What the core was built with and what it uses.

    Returns
    -------
    dict
        ``isa``: the instruction set in use, chosen when cblot was imported: the widest of this
        machine, or that of the environment variable ``CBLOT_ISA``; ``available``: those it could
        use; ``compiler``; ``threads``: the default number.
    """
    return {
        "isa": ISA,
        "available": tuple(_core.available_isas()),
        "compiler": _core.compiler,
        "threads": thread_count(None),
    }


def thread_count(threads: Any) -> int:
    """Number of threads to use.

    Parameters
    ----------
    threads : int or None
        None stands for ``CBLOT_NUM_THREADS``, or for all processors this process may use.

    Raises
    ------
    TypeError
        If it is not a whole number.
    ValueError
        If it is less than 1.
    """
    name = "threads"
    if threads is None:
        text = os.environ.get("CBLOT_NUM_THREADS", "").strip()
        if not text:
            affinity = getattr(os, "sched_getaffinity", None)
            return len(affinity(0)) if affinity else os.cpu_count() or 1
        name = "CBLOT_NUM_THREADS"
        try:
            threads = int(text)
        except ValueError:
            raise ValueError(f"{name} must be a whole number, got {text!r}") from None
    return count(threads, name, " or None")


def count(value: Any, name: str, otherwise: str = "") -> int:
    """A number of threads or workers: at least 1, and never more than 1024.

    Raises
    ------
    TypeError
        If it is not a whole number; `otherwise` is what it may be as well.
    ValueError
        If it is less than 1.
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number{otherwise}, got {value!r}") from None
    if number < 1:
        raise ValueError(f"{name} must be at least 1, got {number}")
    return min(number, 1024)


def interpolants() -> tuple[str, ...]:
    """Names of the interpolants, canonical ones first, then aliases."""
    return tuple(_core.kernel_names())


def is_classic(interp: str) -> bool:
    """Whether the peers' arithmetic of an interpolant is reproduced."""
    try:
        _core.validate(interp=interp, sinscl=1.0, exptime=1.0, pix_ratio=1.0, classic="drizzlepac")
    except _core.CoreError:
        return False
    return True
