"""Images that come with something: a mask, a WCS, a header, a unit. By their attributes alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_NDDATA = ("data", "mask", "unit", "wcs", "uncertainty")
_WCS = ("world_n_dim", "pixel_n_dim")


def _is_nddata(given: Any) -> bool:
    return not isinstance(given, np.ndarray) and all(hasattr(given, part) for part in _NDDATA)


def _is_hdu(given: Any) -> bool:
    return not isinstance(given, np.ndarray) and hasattr(given, "header") and hasattr(given, "data")


def _is_header(given: Any) -> bool:
    return hasattr(given, "cards")


def _is_pair(given: Any) -> bool:
    """Whether it is an image and its WCS, or its header."""
    return (
        isinstance(given, tuple)
        and len(given) == 2
        and (_is_header(given[1]) or all(hasattr(given[1], part) for part in _WCS))
    )


def wcs_of(given: Any) -> Any:
    """The WCS, or else the header, that an image came with; None if it came with neither."""
    if _is_pair(given):
        wcs = given[1]
    elif _is_nddata(given):
        wcs = given.wcs
    else:
        return given.header if _is_hdu(given) else None
    # NDData wraps what has the common interface's lower level alone.
    return getattr(wcs, "low_level_wcs", wcs)


def unit_of(array: Any) -> Any:
    """Unit of a Quantity, or None."""
    bare = np.ma.getdata(array) if isinstance(array, np.ma.MaskedArray) else array
    return getattr(bare, "unit", None)


def computed(piece: Any) -> Any:
    """A piece of a lazy array, in memory: dask's conversion to an array would lose a mask."""
    return piece.compute() if callable(getattr(piece, "compute", None)) else piece


def pixels_of(given: Any, name: str) -> Any:
    """The image alone, in which masked pixels are masked: an array, or what slices as one.

    Parameters
    ----------
    given : object
        An image; an NDData or an HDU; a pair of an image and its WCS.
    name : str
        What to call it in errors.

    Raises
    ------
    TypeError, ValueError
        If it has no image, or a mask that is none.
    """
    if _is_pair(given):
        return pixels_of(given[0], name)
    if _is_nddata(given):
        return _masked(given.data, given.mask, name)
    if _is_hdu(given):
        if given.data is None:
            raise ValueError(f"{name} is an HDU that has no image")
        return given.data
    if isinstance(given, (list, tuple)):
        return of_rows(given, name)
    return np.asarray(given) if isinstance(given, memoryview) else given


def parted(array: Any) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Values, and the mask of a masked array of NumPy's or astropy's, if it masks any of them."""
    mask: Any = None
    if isinstance(array, np.ma.MaskedArray):
        array, mask = np.ma.getdata(array), np.ma.getmask(array)
    elif isinstance(array, np.ndarray) and hasattr(array, "unmasked"):
        array, mask = array.unmasked, array.mask
    return np.asarray(array), mask if mask is not None and np.any(mask) else None


def of_rows(rows: Any, name: str) -> NDArray[Any]:
    """An array of a sequence of rows, each of which may be masked."""
    if any(_is_hdu(row) for row in rows):
        raise TypeError(f"{name} must be one image, got a {type(rows).__name__} of HDUs")
    if any(getattr(row, "unit", None) is not None for row in rows):
        raise TypeError(f"{name} must be an array of plain numbers, got rows with a unit")
    try:
        if not any(hasattr(row, "mask") for row in rows):
            return np.asarray(rows)
        parts = [parted(row) for row in rows]
        data = np.stack([values for values, _ in parts])
        masks = [np.broadcast_to(m is not None and m, data.shape[1:]) for _, m in parts]
        return np.ma.MaskedArray(data, np.stack(masks))
    except ValueError as error:
        raise ValueError(f"{name} must have rows of one length: {error}") from error


def _masked(data: Any, mask: Any, name: str) -> Any:
    """Data under a mask of NDData's kinds: none, one for all, or one a pixel; flags mask, too."""
    if mask is None:
        return data
    if isinstance(mask, (list, tuple)):
        mask = np.asarray(mask)
    kind = np.dtype(getattr(mask, "dtype", type(mask))).kind
    if kind not in "biu":
        raise TypeError(f"the mask of {name} must be of booleans or flags, got dtype kind {kind!r}")
    shape = tuple(np.shape(data))
    if np.shape(mask) == ():
        mask = np.broadcast_to(np.bool_(bool(mask)), shape)
    elif tuple(np.shape(mask)) != shape:
        raise ValueError(f"the mask of {name} must have shape {shape}, got {np.shape(mask)}")
    if isinstance(mask, np.ndarray) and not mask.any():
        return data
    return MaskedSlices(data, mask)


class MaskedSlices:
    """Data and a mask of one shape, of which windows are masked arrays.

    Attributes
    ----------
    data, mask : object
        What slices.
    shape : tuple of int
    dtype : dtype
    """

    def __init__(self, data: Any, mask: Any) -> None:
        self.data, self.mask = data, mask
        self.shape, self.ndim = tuple(np.shape(data)), np.ndim(data)
        self.dtype = data.dtype

    def __getitem__(self, key: Any) -> Any:
        mask = np.asarray(computed(self.mask[key])) != 0
        return np.ma.MaskedArray(computed(self.data[key]), mask=mask)


def piece_of(pixels: Any, key: Any, name: str) -> Any:
    """A piece of an image, in memory; it may be masked."""
    piece = pixels_of(computed(pixels[key]), name)
    return piece[:, :] if isinstance(piece, MaskedSlices) else piece


def memory_of(pixels: Any) -> list[NDArray[Any]]:
    """The arrays in memory that an image is known to lie in."""
    parts = (pixels.data, pixels.mask) if isinstance(pixels, MaskedSlices) else (pixels,)
    return [part for part in parts if isinstance(part, np.ndarray)]
