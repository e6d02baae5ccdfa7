"""One chip, from the headers to the file: every way in makes its chips here."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cblot import geometry, photometry, resample
from cblot.core.machine import is_classic
from cblot.files import replace, targets
from cblot.files.images import Image, write
from cblot.files.names import output_paths
from cblot.files.targets import Inputs
from cblot.files.wcs import wcs_of_image
from cblot.resample import Call
from cblot.tasks import parameters
from cblot.tasks.jobs import Job
from cblot.tasks.parameters import Settings

log = logging.getLogger(__name__)


def paths_of(outdata: Any, chips: Sequence[Image | None]) -> list[Path]:
    """Name of the output of each chip; see `output_paths`."""
    named = [(chip.file, chip.extension) if chip is not None else None for chip in chips]
    paths = output_paths(outdata, named)
    given = Path(outdata).expanduser()
    if not given.is_dir():  # as it was given, too: with .fits appended a device's name is another
        replace.check_regular(given, "the output")
    return paths


def one_image(images: Sequence[Image]) -> Image:
    """Return the clean image, of which there must be one.

    Raises
    ------
    ValueError
        If there are several.
    """
    if len(images) > 1:
        names = ", ".join(image.name for image in images)
        raise ValueError(f"data must be one image; name one of {names}")
    return images[0]


def remarks_on(source: Image) -> list[str]:
    """What the user should know of the clean image's file."""
    if not source.pixels.whole:
        return []
    better = "uncompressed or tile-compressed (.fits.fz), just what is needed would be"
    return [f"{source.name} is read whole, as its file is compressed as a whole; {better}"]


def source_wcs(source: Image) -> Any:
    """WCS of the clean image."""
    return wcs_of_image(source.hdus, source.index, source.name)


def _grid(chip: Image | None, settings: Settings) -> Any:
    """WCS of an output, with a shape."""
    values = {name: settings[name] for name in parameters.USER_GRID}
    wcs = None
    if chip is not None:
        try:
            wcs = wcs_of_image(chip.hdus, chip.index, chip.name)
        except ValueError:
            if not settings["user_wcs"] or None in values.values():
                raise
            log.info("%s: its WCS can't be used, and is not needed", chip.name)
    return geometry.user_grid(values, wcs) if settings["user_wcs"] else wcs


def prepare(
    source: Image,
    wcs: Any,
    chips: Sequence[Image | None],
    paths: Sequence[Path],
    settings: Settings,
    *,
    folder_is_made: bool,
    is_written: bool = True,
) -> list[Job]:
    """What is to be done: what is missing is missed before any work.

    The files of the chips may be closed then.

    Raises
    ------
    TypeError, ValueError, OSError
        If it can't be done.
    """
    inputs = Inputs([source, *(chip for chip in chips if chip is not None)])
    jobs = []
    for chip, path in zip(chips, paths, strict=True):
        if is_written:
            targets.check(path, settings["overwrite"], inputs, folder_is_made=folder_is_made)
        job = Job(source, chip, path, wcs, _grid(chip, settings), settings)
        geometry.check_pair(job.blot_wcs, wcs, names=(_chip_name(job), source.name))
        job.check()
        jobs.append(job.settled())
    return jobs


class _Divided:
    """Slices of an image in float32, divided by a time: drizzlepac's counts a second."""

    def __init__(self, pixels: Any, time: float | None) -> None:
        self._pixels, self._time, self.shape = pixels, time, pixels.shape

    def __getitem__(self, key: Any) -> NDArray[Any]:
        window = np.array(self._pixels[key], dtype=np.float32)
        return photometry.finish(window, over=self._time)


def _call(job: Job, gain: float, stepsize: int | None, wcsmap: Any) -> Call:
    settings = job.settings
    return Call(
        job.source_wcs, job.blot_wcs, gain,
        settings["coeffs"], settings["interpol"], settings["sinscl"], stepsize, wcsmap,
    )  # fmt: skip


def blotted(
    job: Job, pixels: Any, wcsmap: Any = None, threads: int | None = None
) -> tuple[NDArray[Any], int]:
    """Blotted image in the units of the output, sky included, and how much of it is covered.

    Parameters
    ----------
    job : Job
        Of `prepare`.
    pixels : object that slices
        Pixels of the clean image.
    wcsmap : class or Mapping, optional
        See `do_blot`.
    threads : int or None
        Used where the parameter of that name is not set.
    """
    settings = job.settings
    threads = settings["threads"] or threads
    if settings["legacy"]:
        return _legacy(job, pixels, wcsmap, threads)
    call = _call(job, job.gain(), settings["stepsize"], wcsmap)
    made = resample.blotted(pixels, call, threads=threads)
    return photometry.finish(made.image, sky=job.sky), made.covered


def _legacy(job: Job, pixels: Any, wcsmap: Any, threads: int | None) -> tuple[NDArray[Any], int]:
    """What drizzlepac 3.11 makes of it: times the data's exposure time, and then the output's.

    Bit for bit where cblot has its arithmetic, for float32 data.
    """
    settings = job.settings
    over, source_time = job.legacy_times()
    made = resample.blotted(
        _Divided(pixels, over), _call(job, source_time, None, wcsmap),
        classic=is_classic(settings["interpol"]), threads=threads,
    )  # fmt: skip
    times = job.output_time() if settings["out_units"] == "counts" else None
    return photometry.finish(made.image, times=times, sky=job.sky), made.covered


def _chip_name(job: Job) -> str:
    return job.chip.name if job.chip else "the grid given"


def made(
    job: Job, pixels: Any, wcsmap: Any = None, threads: int | None = None
) -> tuple[Any, list[str]]:
    """Return HDUs of a blotted chip, and what the user should know of it: warnings."""
    image, covered = blotted(job, pixels, wcsmap, threads)
    remark = (
        f"{job.path}: {job.source.name} covers no pixel of {_chip_name(job)}; all are sky alone"
    )
    return job.output(image), [] if covered else [remark]


def make(
    job: Job, pixels: Any, wcsmap: Any = None, threads: int | None = None, tag: str = ""
) -> list[str]:
    """Blot a chip and write it; `tag` is part of the name that the file has while it is written.

    Returns
    -------
    list of str
        What the user should know of it: warnings.

    Raises
    ------
    OSError
        If it can't be read or written; then nothing is left of it.
    """
    hdus, remarks = made(job, pixels, wcsmap, threads)
    write(hdus, job.path, tag)
    log.info("wrote %s: %s on %s", job.path, job.source.name, _chip_name(job))
    return remarks
