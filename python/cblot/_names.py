"""Names of the files that are written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

ENDINGS = (".fits.gz", ".fits.fz", ".fits", ".fit.gz", ".fit", ".fts", ".fz")


def output_paths(
    outdata: str | os.PathLike[str], chips: Sequence[tuple[str, tuple[str, int]] | None]
) -> list[Path]:
    """Name of the output of each chip, given as its file's name, EXTNAME and EXTVER, or as None.

    One chip's is `outdata`, with ``.fits`` appended if it has no ending of FITS. In a folder, which
    exists or ends in a slash, it is the reference's, with ``_sci1_blt`` for extension ``[SCI,1]``.
    Of several chips each has ``_sci1`` before the ending.

    Raises
    ------
    ValueError
        If two would have one name.
    """
    target = Path(outdata).expanduser()
    folder = target.is_dir() or is_folder(outdata)
    name, ending = split_ending(target.name)
    paths = []
    for chip in chips:
        label = "_{}{}".format(*chip[1]).lower() if chip else "_sci1"
        if folder:
            stem = split_ending(chip[0])[0] if chip and chip[0] else "blot"
            paths.append(target / f"{stem}{label}_blt.fits")
        else:
            label = label if len(chips) > 1 else ""
            paths.append(target.with_name(name + label + (ending or ".fits")))
    twice = {path.name for path in paths if paths.count(path) > 1}
    if twice:
        raise ValueError(f"several outputs would be named {', '.join(sorted(twice))}")
    return paths


def is_folder(outdata: str | os.PathLike[str]) -> bool:
    """Whether a name says of itself that it is that of a folder: it ends in a slash."""
    return os.fspath(outdata).endswith(("/", os.sep))


def split_ending(name: str) -> tuple[str, str]:
    """Name of a FITS file, and its ending if it has one of FITS."""
    for ending in ENDINGS:
        if name.lower().endswith(ending):
            return name[: -len(ending)], name[-len(ending) :]
    return name, ""
