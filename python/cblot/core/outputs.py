"""Callers' arrays that results are written into, where they lie."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Pixels that are made at once for an array that the core can't write itself.
_BAND = 1 << 22


def check_output(out: Any, name: str, shape: tuple[int, int]) -> None:
    """Refuse an output array that can't take the result.

    Raises
    ------
    TypeError
        If it is not an array of float32 or float64, or has a mask or a unit.
    ValueError
        If it has another shape than `shape`, is read-only or has pixels that are one in memory.
    """
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{name} must be a NumPy array, got {type(out).__name__}")
    if isinstance(out, np.ma.MaskedArray) or hasattr(out, "unmasked") or hasattr(out, "unit"):
        raise TypeError(
            f"{name} must be a plain NumPy array, got {type(out).__name__}, whose mask or unit "
            f"would not be that of the result"
        )
    if out.dtype.type not in (np.float32, np.float64):
        raise TypeError(f"{name} must be float32 or float64, got dtype {out.dtype}")
    if out.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got shape {out.shape}")
    if not out.flags.writeable:
        raise ValueError(f"{name} must be writeable, got a read-only array")
    if any(n > 1 and abs(s) < out.itemsize for n, s in zip(out.shape, out.strides, strict=True)):
        raise ValueError(f"{name} must not overlap itself in memory, got strides {out.strides}")


def check_apart(out: Any, name: str, others: list[NDArray[Any]], what: str) -> None:
    """Refuse an output that is written where `what` is read.

    Raises
    ------
    ValueError
        If they share memory, or memory maps of one file overlap there.
    """
    if isinstance(out, np.ndarray) and any(_overlap(out, other) for other in others):
        raise ValueError(f"{name} must not overlap {what} in memory")


def _overlap(a: NDArray[Any], b: NDArray[Any]) -> bool:
    try:
        most: Any = 100_000  # NumPy's stubs know special values alone
        if np.shares_memory(a, b, max_work=most):
            return True
    except RuntimeError:  # too hard to tell
        return True
    in_file, other = _file_range(a), _file_range(b)
    if in_file is None or other is None:
        return False
    (path, begin, end), (other_path, other_begin, other_end) = in_file, other
    try:
        one = os.path.samefile(path, other_path)
    except OSError:
        return False
    return one and begin < other_end and other_begin < end


def _bytes_of(array: NDArray[Any]) -> tuple[int, int]:
    """Addresses of the first and last byte, that not included."""
    steps = [(n - 1) * s for n, s in zip(array.shape, array.strides, strict=True)]
    begin = int(array.__array_interface__["data"][0])
    low = begin + sum(step for step in steps if step < 0)
    return low, begin + sum(step for step in steps if step > 0) + array.itemsize


def _file_range(array: Any) -> tuple[str, int, int] | None:
    """File of a memory map, and the first and last byte, that not included, of an array in it."""
    root = array
    while root is not None and not (
        isinstance(root, np.memmap) and not isinstance(root.base, np.ndarray)
    ):
        root = getattr(root, "base", None)
    if root is None or root.filename is None:
        return None
    (low, high), (start, _) = _bytes_of(array), _bytes_of(root)
    return os.fspath(root.filename), root.offset + low - start, root.offset + high - start


def write(out: NDArray[Any], blot: Callable[..., int]) -> int:
    """Have a caller's array written where it lies, in its own byte order; returns what blot does.

    Parameters
    ----------
    out : ndarray, shape (ny, nx)
        What `check_output` lets pass.
    blot : callable
        ``blot(array, out_place=place)`` writes the result, or the rows of it at a place, into an
        array of the core's form.
    """
    array = out.view(np.ndarray)
    item = array.itemsize
    if array.flags.aligned and all(stride % item == 0 for stride in array.strides):
        native = array.view(array.dtype.newbyteorder("="))
        covered = blot(native, out_place=None)
        if not array.dtype.isnative:
            native.byteswap(inplace=True)
        return covered
    ny, nx = array.shape
    step, covered = max(1, _BAND // nx), 0
    for y0 in range(0, ny, step):
        band = np.empty((min(step, ny - y0), nx), array.dtype.type)
        covered += blot(band, out_place=(y0, 0, ny, nx))
        array[y0 : y0 + step] = band
    return covered
