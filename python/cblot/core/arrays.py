"""Callers' arrays and numbers in a form that the core reads; what can't be had so is refused."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cblot.core import annotated
from cblot.core.shown import shortened

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
        Masked pixels become NaN. A Quantity must be dimensionless.
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
    array = filled(without_unit(source, name))
    source_shape(array, name)
    code = array.dtype.kind + str(array.dtype.itemsize)
    single = code == "f4" or code in _SINGLE_HOLDS
    return _native(array, np.float32 if single else np.float64)


def filled(array: Any) -> NDArray[Any]:
    """An array in which what was masked is NaN."""
    values, mask = annotated.parted(array)
    if mask is None:
        return values
    if values.dtype.kind not in "biuf":
        return values  # refused for that
    floating = np.result_type(values.dtype, np.float32)
    return np.where(mask, floating.type(np.nan), values)


def without_unit(array: Any, name: str, unit: str = "") -> Any:
    """Values of a Quantity in `unit`, or in none; anything else as it is.

    Raises
    ------
    TypeError
        If it has another unit.
    """
    given = annotated.unit_of(array)
    if given is None:
        return array
    for each in (unit, ""):
        try:
            return array.to_value(each)
        except (AttributeError, TypeError, ValueError):
            continue
    hint = f" or in {unit}" if unit else ""
    raise TypeError(
        f"{name} must be plain numbers{hint}, got a Quantity in {given}; pass its "
        ".value in the unit that you mean"
    )


def is_native(array: NDArray[Any]) -> bool:
    """Whether the core can read an array where it lies."""
    return (
        array.dtype.type in (np.float32, np.float64)
        and array.dtype.isnative
        and array.flags.aligned
        and annotated.unit_of(array) is None
        and annotated.parted(array)[1] is None
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
    """Return a float64 array of shape (ny, nx, 2) of source positions; masked ones are NaN.

    Raises
    ------
    TypeError
        If it is not of a real type.
    ValueError
        If it has another shape, or is empty.
    """
    if isinstance(pixmap, (list, tuple)):
        pixmap = annotated.of_rows(pixmap, "pixmap")
    array = filled(without_unit(pixmap, "pixmap", "pix"))
    if array.dtype.kind not in "biuf":
        raise TypeError(f"pixmap must be of a real type, got dtype {array.dtype}")
    if array.ndim != 3 or array.shape[2] != 2:
        raise ValueError(f"pixmap must have shape (ny, nx, 2), got shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"pixmap must not be empty, got shape {array.shape}")
    return _native(array, np.float64)


def as_number(value: Any, name: str, unit: str = "") -> float:
    """Return a float.

    Parameters
    ----------
    value : float or Quantity
        A scalar. A Quantity is converted to `unit`, or must be dimensionless.
    name : str
        What to call it in errors.
    unit : str
        That plain numbers are in, if they are in any.

    Raises
    ------
    TypeError
        If it is not a number: texts, booleans and arrays are none.
    ValueError
        If it is beyond the numbers of float64.
    """
    if type(value) is float or (type(value) is int and value.bit_length() <= 53):
        return float(value)  # nearly always; the rest takes as long as a small blot
    value = without_unit(value, name, unit)
    dtype = getattr(value, "dtype", None)
    if (
        isinstance(value, (str, bytes, bytearray, bool))
        or np.ndim(value) != 0
        or annotated.parted(value)[1] is not None
        or (dtype is not None and dtype.kind not in "iufO")
    ):
        raise TypeError(f"{name} must be a number, got {shortened(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be a number, got {shortened(value)}") from error
    if math.isinf(number) and abs(value) != math.inf:
        raise ValueError(f"{name} must be a number that float64 holds, got {shortened(value)}")
    return number


def finite_number(value: Any, name: str) -> float:
    """Return a float that is neither NaN nor infinite.

    Raises
    ------
    TypeError, ValueError
        If it is not such a number.
    """
    number = as_number(value, name)
    if not math.isfinite(number):
        raise ValueError(f"{name} must be a finite number, got {number}")
    return number


def finite(value: Any) -> float | None:
    """Return a value, or a text's, as a float; None if it is not a finite number."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
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
        if isinstance(stepsize, (bool, np.bool_)):
            raise TypeError("a truth value is no number")
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


def checked_positions(
    answer: Any, size: int, what: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Positions out of whatever a caller's function, `what`, returned.

    Raises
    ------
    ValueError
        If they are not two arrays of `size` real numbers without a mask.
    """
    message = f"{what} must return x and y, each of {size} numbers, got "
    try:
        x, y = answer
        given = x, y
        arrays, masks = zip(*map(annotated.parted, given), strict=True)
    except (TypeError, ValueError) as error:
        raise ValueError(message + f"{type(answer).__name__}") from error
    for values, array, mask in zip(given, arrays, masks, strict=True):
        if array.dtype.kind not in "iuf":
            raise ValueError(message + f"dtype {array.dtype}")
        if mask is not None:
            raise ValueError(message + "masked values")
        if str(getattr(values, "unit", None) or "") not in ("", "pix"):
            raise ValueError(message + f"unit {values.unit}")
    if any(array.shape != (size,) for array in arrays):
        raise ValueError(message + f"shapes {arrays[0].shape} and {arrays[1].shape}")
    px, py = (array.astype(np.float64, copy=False) for array in arrays)
    return px, py
