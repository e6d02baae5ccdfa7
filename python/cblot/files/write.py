"""What may be written, never a file that is read nor what is no file; and writing it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cblot.files import names, replace
from cblot.files.images import file_of, open_file_of


class Inputs:
    """The files that are read, by whatever names: none may be written.

    Parameters
    ----------
    images : sequence
        Images as they were given, or opened; see `opened`.
    """

    def __init__(self, images: Sequence[Any]) -> None:
        self._files = {identity for image in images for identity in self._identities(image)}

    @staticmethod
    def _identities(image: Any) -> list[tuple[int, int]]:
        found = [open_file_of(image)]
        name = names.last_link(file_of(image))
        path = os.path.expanduser(name) if isinstance(image, (str, os.PathLike)) else name
        if path and not names.is_address(path) and os.path.exists(path):
            found.append(os.stat(path))
        return [(status.st_dev, status.st_ino) for status in found if status is not None]

    def check(self, path: Path) -> None:
        """Refuse to write one of them.

        Raises
        ------
        ValueError
            If a path is one.
        """
        if path.exists():
            status = path.stat()
            if (status.st_dev, status.st_ino) in self._files:
                raise ValueError(f"the output must not be an input: {path}")


def check_target(
    path: Path, overwrite: bool, inputs: Inputs, *, folder_is_made: bool = False
) -> None:
    """Refuse a name that can't be written.

    Raises
    ------
    OSError
        If it exists and may not be overwritten, is not a regular file, or its folder does not
        exist.
    ValueError
        If it is that of an input, or of a compressed image.
    """
    if path.suffix.lower() == ".fz":
        raise ValueError(f"the output is not tile-compressed, which {path} would be")
    if not folder_is_made and not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} to write {path.name} in")
    if path.parent.exists() and not path.parent.is_dir():
        raise NotADirectoryError(f"the outputs' folder {path.parent} is a file")
    replace.check_regular(path, "the output")
    inputs.check(path)
    if path.exists() and not overwrite:
        raise FileExistsError(f"the output {path} exists, and overwrite is no")


def write(hdus: Any, path: Path, tag: str = "") -> None:
    """Write a file whole; see `replace.replace`.

    Parameters
    ----------
    hdus : HDUList
        No more the caller's: its pixels are put in the order of bytes that FITS has.
    path : Path
    tag : str, default ''
        Part of the name that the file has while it is written.

    Raises
    ------
    OSError
        If it can't be written; then nothing is left of it.
    """
    image = next(hdu for hdu in hdus if hdu.data is not None)
    pixels = image.data
    if pixels.dtype.isnative and sys.byteorder == "little":  # astropy would swap, and swap back
        image.data = pixels.byteswap(inplace=True).view(pixels.dtype.newbyteorder(">"))
    # astropy tells by the end of a name whether to compress.
    ending = ".fits.gz" if path.suffix.lower() == ".gz" else ".fits"
    replace.replace(
        path, lambda own: hdus.writeto(own, output_verify="silentfix"), tag=tag, ending=ending
    )
