"""Source images of which just a window is read."""

from __future__ import annotations

import os
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cblot.core import _core, annotated, arrays

# Rows y0 to y1 and columns x0 to x1 of an image, ends not included.
Box: TypeAlias = tuple[int, int, int, int]
# Where a window lies, and of what: y0, x0, and the shape (ny, nx) of the whole image.
Place: TypeAlias = tuple[int, int, int, int]

# Reads a window of the rows of pixels in a file; None where the system can't.
read_file_window = getattr(_core, "read_file_window", None)


def slices(source: Any) -> bool:
    """Whether an object that is no array has a shape and slices as one."""
    return (
        hasattr(source, "shape")
        and hasattr(source, "__getitem__")
        and (hasattr(source, "dtype") or not hasattr(source, "__array__"))
    )


class Source:
    """A source image, in memory or wherever its slices come from.

    Parameters
    ----------
    given : array_like or object that slices, shape (ny, nx)
        See `as_source` and `pixels_of`. Of an object that is not a NumPy array, but
        has a shape and gives ``given[y0:y1, x0:x1]`` (a memory map, ``hdu.section``, h5py, Zarr,
        dask), nothing is read yet.
    name : str
        What to call it in errors.

    Attributes
    ----------
    shape : tuple of int
        Of the whole image.
    pixels : object
        What slices, without what the image came with.
    array : ndarray or None
        All of it, in the core's form, if it lies in memory so.
    in_memory : bool
        Whether it is a NumPy array, of whatever type, that is not a memory map.
    memory : list of ndarray
        Where it is known to lie.

    Raises
    ------
    TypeError, ValueError
        If it is not a two-dimensional image of a real type.
    """

    def __init__(self, given: Any, name: str) -> None:
        if isinstance(given, (str, os.PathLike)):
            raise TypeError(
                f"{name} must be an image, got the name of a file, {os.fspath(given)!r}: open it, "
                "or use cblot.blot, which is for files"
            )
        given = annotated.pixels_of(given, name)
        self._name = name
        self.array: NDArray[Any] | None = None
        self.in_memory = not isinstance(given, np.memmap)
        if not isinstance(given, np.ndarray):
            if slices(given):
                self.in_memory = False
            else:
                given = np.asarray(given)
        self.pixels = given = arrays.without_unit(given, name)
        self.memory = annotated.memory_of(given)
        self.shape = arrays.source_shape(given, name)
        if isinstance(given, np.ndarray) and arrays.is_native(given):
            self.array = arrays.filled(given)

    def read(self) -> NDArray[Any]:
        """All of it, in the core's form."""
        if self.array is None:
            return self.window((0, self.shape[0], 0, self.shape[1]))
        return self.array

    def window(self, box: Box) -> NDArray[Any]:
        """A window of it, in the core's form.

        Raises
        ------
        ValueError
            If slicing gives something else.
        """
        y0, y1, x0, x1 = box
        piece = annotated.piece_of(self.pixels, np.s_[y0:y1, x0:x1], self._name)
        window = arrays.as_source(piece, self._name)
        if window.shape != (y1 - y0, x1 - x0):
            raise ValueError(
                f"{self._name}[{y0}:{y1}, {x0}:{x1}] must have shape {(y1 - y0, x1 - x0)}, got "
                f"shape {window.shape}"
            )
        return window
