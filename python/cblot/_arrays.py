"""Callers' arrays and numbers in a form that the core reads; what can't be had so is refused."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

# Float types that hold every value of a narrower type, so that a conversion loses nothing.
_SINGLE_HOLDS = {"b1", "i1", "u1", "i2", "u2", "f2"}


def _native(array: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """Convert only if the core can't read the array where it lies."""
    array = array.astype(dtype, copy=False)
    return array if array.flags.aligned else array.copy()


def as_source(source: Any, name: str) -> NDArray[Any]:
    """Return a 2-D float32 or float64 array of a source image.

    Parameters
    ----------
    source : array_like, shape (ny, nx)
        Any real type. float32 and float64 of the machine's byte order are used where they lie,
        whatever their strides. Types that float32 holds exactly become float32, others float64.
        Masked pixels become NaN.
    name : str
        What to call it in errors.

    Raises
    ------
    TypeError
        If it is not of a real type.
    ValueError
        If it is not two-dimensional, or is empty.
    """
    source_shape(source, name)
    if isinstance(source, np.ma.MaskedArray) and np.ma.is_masked(source):
        floating = np.result_type(source.dtype, np.float32)
        source = np.where(np.ma.getmaskarray(source), floating.type(np.nan), np.ma.getdata(source))
    array = np.asarray(source)
    source_shape(array, name)
    code = array.dtype.kind + str(array.dtype.itemsize)
    single = code == "f4" or code in _SINGLE_HOLDS
    return _native(array, np.float32 if single else np.float64)


def is_native(array: NDArray[Any]) -> bool:
    """Whether the core can read an array where it lies."""
    masked = isinstance(array, np.ma.MaskedArray) and np.ma.is_masked(array)
    return (
        array.dtype.type in (np.float32, np.float64)
        and array.dtype.isnative
        and array.flags.aligned
        and not masked
    )


def source_shape(source: Any, name: str) -> tuple[int, int]:
    """Shape of a source image, of which no pixel is read.

    Parameters
    ----------
    source : object
        What has a shape; and a dtype, which may be one that NumPy does not know.
    name : str
        What to call it in errors.

    Raises
    ------
    TypeError
        If it is not of a real type.
    ValueError
        If it is not two-dimensional, or is empty.
    """
    try:
        dtype = np.dtype(source.dtype)
    except (AttributeError, TypeError):
        pass
    else:
        if dtype.kind not in "biuf":
            raise TypeError(f"{name} must be of a real type, got dtype {dtype}")
    shape = tuple(np.shape(source))
    if len(shape) != 2:
        raise ValueError(f"{name} must be 2-D, got shape {shape}")
    if not all(float(n).is_integer() for n in shape):
        raise ValueError(f"{name} must have a known shape, got {shape}")
    if 0 in shape:
        raise ValueError(f"{name} must not be empty, got shape {shape}")
    return int(shape[0]), int(shape[1])


def as_pixmap(pixmap: Any) -> NDArray[np.float64]:
    """Return a float64 array of shape (ny, nx, 2) of source positions.

    Raises
    ------
    TypeError
        If it is not of a real type.
    ValueError
        If it has another shape, or is empty.
    """
    array = np.asarray(pixmap)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"pixmap must be of a real type, got dtype {array.dtype}")
    if array.ndim != 3 or array.shape[2] != 2:
        raise ValueError(f"pixmap must have shape (ny, nx, 2), got shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"pixmap must not be empty, got shape {array.shape}")
    return _native(array, np.float64)


def as_number(value: Any, name: str) -> float:
    """Return a float.

    Raises
    ------
    TypeError
        If it is not a number.
    """
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be a number, got {value!r}") from error


def finite(value: Any) -> float | None:
    """Return a value, or a text's, as a float; None if it is not a finite number."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def as_step(stepsize: Any) -> int:
    """Return the step of a node grid, or 0 where every pixel is mapped exactly.

    Raises
    ------
    TypeError, ValueError
        If it is not a whole number from 0 up, or None.
    """
    if stepsize is None:
        return 0
    try:
        step = operator.index(stepsize)
    except TypeError as error:
        number = as_number(stepsize, "stepsize")
        if not number.is_integer():
            raise ValueError(
                f"stepsize must be a whole number or None, got {stepsize!r}"
            ) from error
        step = int(number)
    if step < 0:
        raise ValueError(f"stepsize must not be negative, got {stepsize}")
    if step >= 2**31:
        raise ValueError(f"stepsize must be less than 2**31, got {stepsize}")
    return 0 if step == 1 else step


def check_output(out: Any, name: str, shape: tuple[int, int], source: Any) -> None:
    """Refuse an output array that can't take the result.

    Raises
    ------
    TypeError
        If it is not an array of float32 or float64.
    ValueError
        If it has another shape than `shape`, is read-only or shares memory with `source`.
    """
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{name} must be a NumPy array, got {type(out).__name__}")
    if out.dtype.type not in (np.float32, np.float64):
        raise TypeError(f"{name} must be float32 or float64, got dtype {out.dtype}")
    if out.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got shape {out.shape}")
    if not out.flags.writeable:
        raise ValueError(f"{name} must be writeable, got a read-only array")
    if isinstance(source, np.ndarray) and np.shares_memory(out, source):
        raise ValueError(f"{name} must not overlap the source image in memory")


def result_array(out: NDArray[Any] | None, shape: tuple[int, int]) -> NDArray[Any]:
    """Return the array the core fills.

    It is never the caller's own: a call that fails or is interrupted leaves that as it was.
    """
    dtype = np.float32 if out is None else out.dtype.type
    return np.empty(shape, dtype=dtype)


def deliver(result: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any]:
    """Return the finished result, in the caller's array if there is one."""
    if out is None:
        return result
    np.copyto(out, result)
    return out
