"""The pixels of an image in a FITS file, of which windows are read."""

from __future__ import annotations

import math
import os
import threading
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cblot.core.source import read_file_window

# What astropy raises for files that are cut short or not what they say.
_UNREADABLE = (OSError, TypeError, ValueError, EOFError, IndexError, zlib.error)
# Bytes of whole rows to read at once where a part of a row can't be had.
_BAND = 1 << 25


class Pixels:
    """Pixels of an HDU; slices like an array, from any number of threads at once.

    Rows of an uncompressed image of floats in a local file are read as far as they are needed; of
    other images, whole rows or tiles; of a file that is compressed as a whole, all of it, once.

    Parameters
    ----------
    hdu : HDU
        Stays as it was. Its file, if it has one, must stay open.
    name : str
        What to call it in errors.
    path : str or None
        Its file, if that is a local one that nobody else has opened.
    tiled : bool
        Whether it is a tile-compressed image.
    status : stat_result or None
        Of the file before it was opened.
    remote : bool
        Whether the file is read by a network, whose libraries raise errors of their own.

    Attributes
    ----------
    shape : tuple of int
    whole : bool
        Whether a window takes reading all of the file.
    bytes_read : int
        Bytes of pixels that were read so far, uncompressed.
    """

    def __init__(
        self, hdu: Any, name: str, path: str | None, tiled: bool, status: Any, remote: bool
    ) -> None:
        self._hdu, self._name, self._path, self._tiled = hdu, name, path, tiled
        self._status = status
        self._unreadable = (Exception,) if remote else _UNREADABLE
        self._lock = threading.Lock()
        self._fd = -1
        self._array: Any = hdu.data if hdu._data_loaded else None
        self.shape = tuple(hdu.shape)
        file = (hdu.fileinfo() or {}).get("file") if self._array is None else None
        self.whole = bool(getattr(file, "compression", None))
        self._plain = not self.whole and self._is_plain()
        self.bytes_read = 0

    def _is_plain(self) -> bool:
        """Whether the pixels lie in a local file as the core can read them."""
        header = self._hdu.header
        return (
            self._array is None
            and self._path is not None
            and os.path.isfile(self._path)
            and len(self.shape) == 2
            and not self._tiled
            and header.get("BITPIX") in (-32, -64)
            and "BSCALE" not in header
            and "BZERO" not in header
            and read_file_window is not None
        )

    def __getitem__(self, key: tuple[slice, slice]) -> Any:
        rows, columns = key
        if self._array is not None:
            return self._array[key]
        box = (*rows.indices(self.shape[0])[:2], *columns.indices(self.shape[1])[:2])
        try:
            if self._plain:
                return self._from_file(*box)
            with self._lock:
                return self._from_section(*box)
        except MemoryError:
            raise
        except self._unreadable as error:
            raise OSError(f"{self._name}: the pixels can't be read: {error}") from error

    @property
    def nbytes(self) -> int:
        """Bytes of all of them, as they are read: a scaled image's may become more."""
        return int(math.prod(self.shape)) * abs(int(self._hdu.header["BITPIX"])) // 8

    def read(self) -> NDArray[Any]:
        """All of them, in a native type."""
        if len(self.shape) != 2:
            raise ValueError(f"{self._name} must be 2-D, got shape {self.shape}")
        array = np.asarray(self[:, :])
        return array.astype(array.dtype.newbyteorder("="), copy=False)

    def _from_file(self, y0: int, y1: int, x0: int, x1: int) -> NDArray[Any]:
        dtype = np.dtype(np.float32 if self._hdu.header["BITPIX"] == -32 else np.float64)
        pixels = np.empty((y1 - y0, x1 - x0), dtype)
        with self._lock:
            if self._fd < 0:
                self._fd = self._opened_again()
            start = self._hdu.fileinfo()["datLoc"]
            self.bytes_read += pixels.nbytes
        offset = start + (y0 * self.shape[1] + x0) * dtype.itemsize
        assert read_file_window is not None
        read_file_window(self._fd, offset, self.shape[1], pixels)
        return pixels

    def _opened_again(self) -> int:
        """Descriptor of the file, which must still be the one whose header was read."""
        fd = os.open(str(self._path), os.O_RDONLY)
        now = os.fstat(fd)
        for part in ("st_dev", "st_ino", "st_size", "st_mtime_ns"):
            if getattr(now, part) != getattr(self._status, part):
                os.close(fd)
                raise OSError(f"{self._path} was changed after its header was read")
        return fd

    def _from_section(self, y0: int, y1: int, x0: int, x1: int) -> NDArray[Any]:
        section = self._hdu.section
        pixels: NDArray[Any]
        if self.whole:
            if self._array is None:
                # Kept: another window would take reading the file from its beginning.
                self._array = _native(section[:])
                self.bytes_read += self._array.nbytes
            pixels = self._array[y0:y1, x0:x1]
            return pixels
        if self._tiled:
            pixels = _native(section[y0:y1, x0:x1])
            self.bytes_read += pixels.nbytes
            return pixels
        # astropy reads a part of each row with a call of its own; whole rows it reads at once.
        row = self.shape[1] * abs(self._hdu.header["BITPIX"]) // 8
        step = max(1, _BAND // row)
        pixels = np.empty((0, 0))
        for begin in range(y0, y1, step):
            end = min(begin + step, y1)
            band = section[begin:end]
            if begin == y0:
                pixels = np.empty((y1 - y0, x1 - x0), band.dtype.newbyteorder("="))
            pixels[begin - y0 : end - y0] = band[:, x0:x1]
            self.bytes_read += (end - begin) * row
        return pixels

    def close(self) -> None:
        """Close what was opened to read windows."""
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1


def _native(array: NDArray[Any]) -> NDArray[Any]:
    """In the machine's byte order, in place where that can be."""
    if not array.dtype.isnative and array.flags.writeable:
        return array.byteswap(inplace=True).view(array.dtype.newbyteorder("="))
    return array.astype(array.dtype.newbyteorder("="), copy=False)
