"""What may be written: never a file that is read, nor anything that is not a file."""

from __future__ import annotations

import os
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


def check(path: Path, overwrite: bool, inputs: Inputs, *, folder_is_made: bool = False) -> None:
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
