"""One chip: of the file tasks from the headers to the file, of AstroDrizzle's step its pixels."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cblot import geometry
from cblot.core.machine import __version__, is_classic
from cblot.core.request import Request, Result
from cblot.files import headers
from cblot.files.images import FINGERPRINT, Image, extended
from cblot.files.names import expanded, output_paths
from cblot.files.replace import check_regular
from cblot.files.write import Inputs, check_target, write
from cblot.photometry import Photometry, Rates, Scaling
from cblot.resample.blot import planned
from cblot.tasks.parameters import USER_GRID, Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chip:
    """A chip to re-create of a clean image, and where to.

    Attributes
    ----------
    source : Image
        The clean image.
    exposure : Image or None
        The reference; None where a user's values are all of the grid.
    path : Path
        File to write.
    source_wcs, blot_wcs : astropy.wcs.WCS
        Of the clean image and of the output.
    settings : dict
        Values of the task's parameters.
    photometry : Photometry
    scaling : Scaling
    tables : tuple of HDU
        Lookup tables of the exposure's WCS.
    fingerprint : str
        Of what it is made of, for the header; empty if it is not to be there.
    written : bool
        Whether it is written, or returned.
    """

    source: Image
    exposure: Image | None
    path: Path
    source_wcs: Any
    blot_wcs: Any
    settings: Settings
    photometry: Photometry
    scaling: Scaling
    tables: tuple[Any, ...] = ()
    fingerprint: str = ""
    written: bool = True

    @property
    def name(self) -> str:
        """What to call it."""
        return _name_of(self.exposure)

    def _history(self) -> Iterator[str]:
        yield f"cblot {__version__} blotted this image."
        yield f"data = {self.source.name}"
        yield f"reference = {self.exposure.name if self.exposure else None}"
        for name, value in self.settings.items():
            if name not in ("data", "reference", "outdata"):
                yield f"{name} = {value}"

    def hdus(self, pixels: Any) -> Any:
        """HDUs to write, as drizzlepac has them: primary, image, and the tables of its WCS."""
        settings, sky = self.settings, self.scaling.sky
        of_file: dict[str, Any] = {"FILENAME": self.path.name}
        of_image: dict[str, Any] = {
            "INHERIT": (True, "inherit the primary header"),
            "BUNIT": (self.photometry.bunit(), "brightness units"),
            "UNITS": (settings["out_units"], "counts, or cps: counts a second"),
            "MDRIZSKY": (sky, "sky that was added, in BUNIT"),
        }
        if settings["out_units"] == "counts" or settings["expout"] != "input":
            seconds = (self.photometry.output_time(), "exposure time of this image (s)")
            of_file |= {"EXPTIME": seconds, settings["expkey"].upper(): seconds}
        if self.fingerprint:
            of_file[FINGERPRINT] = (self.fingerprint, "of what it was made of")
        primary, header = headers.of_blotted(
            self.exposure,
            grid=geometry.linear_keywords(self.blot_wcs) if settings["user_wcs"] else None,
            coeffs=settings["coeffs"], sip=self.blot_wcs.sip is not None,
            tables=bool(self.tables), of_file=of_file, of_image=of_image, history=self._history(),
        )  # fmt: skip
        return extended(primary, pixels, header, self.tables)


def _name_of(exposure: Image | None) -> str:
    return exposure.name if exposure else "the grid given"


def paths_of(outdata: Any, exposures: Sequence[Image | None]) -> list[Path]:
    """Name of the output of each chip; see `output_paths`."""
    named = [(image.file, image.extension) if image is not None else None for image in exposures]
    paths = output_paths(outdata, named)
    given = expanded(outdata)
    if not given.is_dir():  # as it was given, too: with .fits appended a device's name is another
        check_regular(given, "the output")
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


def _grid(exposure: Image | None, settings: Settings) -> Any:
    """WCS of an output, with a shape."""
    values = {name: settings[name] for name in USER_GRID}
    wcs = None
    if exposure is not None:
        try:
            wcs = exposure.wcs()
        except ValueError:
            if not settings["user_wcs"] or None in values.values():
                raise
            log.info("%s: its WCS can't be used, and is not needed", exposure.name)
    return geometry.user_grid(values, wcs) if settings["user_wcs"] else wcs


def prepare(
    source: Image,
    wcs: Any,
    exposures: Sequence[Image | None],
    paths: Sequence[Path],
    settings: Settings,
    *,
    folder_is_made: bool,
    written: bool = True,
) -> list[Chip]:
    """What is to be done: what is missing is missed before any work.

    The files of the exposures may be closed then.

    Raises
    ------
    TypeError, ValueError, OSError
        If it can't be done.
    """
    inputs = Inputs([source, *(image for image in exposures if image is not None)])
    chips = []
    for exposure, path in zip(exposures, paths, strict=True):
        if written:
            check_target(path, settings["overwrite"], inputs, folder_is_made=folder_is_made)
        grid = _grid(exposure, settings)
        geometry.Pair(grid, wcs, names=(_name_of(exposure), source.name))  # refuses what is none
        photometry = Photometry(source, exposure, settings)
        photometry.check()
        tables = exposure.tables() if exposure is not None and settings["coeffs"] else ()
        chips.append(Chip(
            source, exposure, path, wcs, grid, settings, photometry, photometry.scaling(),
            tuple(tables), written=written,
        ))  # fmt: skip
    return chips


def blotted(
    pixels: Any,
    wcs: tuple[Any, Any],
    settings: Settings,
    scaling: Scaling,
    *,
    stepsize: int | None,
    wcsmap: Any,
    threads: int | None = None,
) -> Result:
    """Blotted image in the units of the output, sky included, and how much of it is covered.

    With `legacy`, bit for bit what drizzlepac 3.11 makes of it where cblot has its arithmetic, for
    float32 data.

    Parameters
    ----------
    pixels : object that slices
        Pixels of the clean image.
    wcs : tuple of WCS
        Of the clean image, and of the output.
    settings : dict
        Of these ``coeffs``, ``interpol``, ``sinscl``, ``legacy``, ``threads``.
    scaling : Scaling
    stepsize, wcsmap
        See `do_blot`.
    threads : int or None
        Used where the parameter of that name is not set.
    """
    interp = settings["interpol"]
    classic = settings["legacy"] and is_classic(interp)
    request = Request(
        pixels, interp=interp, sinscl=settings["sinscl"], exptime=scaling.gain,
        peer="drizzlepac" if classic else "", fillval=0.0,
        threads=settings["threads"] or threads,
    )  # fmt: skip
    plan = planned(request, *wcs, coeffs=settings["coeffs"], stepsize=stepsize, wcsmap=wcsmap)
    made = request.run(plan.core, plan.shape)
    scaling.finish(made.image)
    return made


def make(
    chip: Chip, pixels: Any, wcsmap: Any = None, threads: int | None = None, tag: str = ""
) -> tuple[list[str], Any]:
    """Blot a chip and write it, if it is to be.

    Parameters
    ----------
    chip : Chip
        Of `prepare`.
    pixels : object that slices
        Pixels of the clean image.
    wcsmap : class or Mapping, optional
        See `do_blot`.
    threads : int or None
        See `blotted`.
    tag : str
        Part of the name that the file has while it is written.

    Returns
    -------
    remarks : list of str
        What the user should know of it: warnings.
    hdus : HDUList or None
        What is not written.

    Raises
    ------
    OSError
        If it can't be read or written; then nothing is left of it.
    """
    stepsize = chip.settings["stepsize"]
    if chip.settings["legacy"]:
        pixels, stepsize = Rates(pixels, chip.photometry.legacy_times()[0]), None
    made = blotted(
        pixels, (chip.source_wcs, chip.blot_wcs), chip.settings, chip.scaling,
        stepsize=stepsize, wcsmap=wcsmap, threads=threads,
    )  # fmt: skip
    uncovered = f"{chip.path}: {chip.source.name} covers no pixel of {chip.name}; all are sky alone"
    remarks, hdus = [] if made.covered else [uncovered], chip.hdus(made.image)
    if not chip.written:
        return remarks, hdus
    write(hdus, chip.path, tag)
    log.info("wrote %s: %s on %s", chip.path, chip.source.name, chip.name)
    return remarks, None
