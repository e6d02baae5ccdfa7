"""One blotted image to make: what the headers and the settings say of its units, times and sky."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cblot import geometry, photometry
from cblot.core.machine import __version__
from cblot.files import headers, images, wcs
from cblot.files.images import Image
from cblot.photometry import Unit
from cblot.remarks import remark
from cblot.tasks.parameters import Settings

log = logging.getLogger(__name__)

_NO_SKY = "pass addsky=False (--no-addsky), with a skyval to add if any"
# Where the exposure time of a drizzled image stands if not under the keyword asked for.
_DRIZZLED = ("DRIZEXPT", "TEXPTIME")


def _exposure_time(image: Image, *keywords: str) -> float:
    found = image.keyword(*keywords)
    if found is None:
        names = " or ".join(name.upper() for name in keywords)
        raise ValueError(f"{image.name}: there is no exposure time {names} in its headers")
    return photometry.exposure_time(found[1], found[0], image.name)


def _unit(image: Image | None) -> Unit | None:
    found = image.keyword("BUNIT") if image else None
    return photometry.unit_of(found[1]) if found else None


@dataclass(frozen=True)
class Job:
    """A clean image, the chip to re-create, and where to.

    Attributes
    ----------
    source : Image
        The clean image.
    chip : Image or None
        The reference; None where a user's values are all of the grid.
    path : Path
        File to write.
    source_wcs, blot_wcs : astropy.wcs.WCS
        Of the clean image and of the output.
    settings : dict
        Values of the task's parameters.
    sky : float
        Sky to add, in the units of the output.
    fingerprint : str
        Of what it is made of, for the header; empty if it is not to be there.
    tables : tuple of HDU
        Lookup tables of the chip's WCS.
    """

    source: Image
    chip: Image | None
    path: Path
    source_wcs: Any
    blot_wcs: Any
    settings: Settings
    sky: float = 0.0
    fingerprint: str = ""
    tables: tuple[Any, ...] = ()

    def settled(self) -> Job:
        """Job with what is still to be read of the headers and tables."""
        tables = self.chip.tables() if self.chip is not None and self.settings["coeffs"] else ()
        return replace(self, sky=self._sky(), tables=tuple(tables))

    def source_time(self) -> float:
        """Exposure time of the clean image."""
        return _exposure_time(self.source, self.settings["expkey"], *_DRIZZLED)

    def legacy_times(self) -> tuple[float | None, float]:
        """What drizzlepac divides the clean image by, if in counts, and multiplies by then."""
        key, primary, over = self.settings["expkey"], self.source.primary, None
        if self.settings["in_units"] == "counts":
            found = key if key in primary else _DRIZZLED[0]
            over = photometry.exposure_time(primary.get(found), found.upper(), self.source.name)
        return over, _exposure_time(self.source, key)

    def check(self) -> None:
        """Miss what is missing in the headers, before any work is done.

        Raises
        ------
        ValueError
            If an exposure time is missing or can't be used.
        """
        unit, given = _unit(self.source), self.settings["in_units"]
        if unit is not None and unit.rate != (given == "cps"):
            other = "counts" if given == "cps" else "cps"
            remark(
                log,
                f"{self.source.name}: BUNIT is {unit}, but in_units is {given}; if BUNIT is "
                f"right, pass in_units='{other}' (--in-units {other})",
            )
        if self.settings["addsky"] and self.settings["skyval"]:
            remark(
                log,
                "skyval is not used, as addsky is yes; pass addsky=False (--no-addsky) to use it",
            )
        if self.settings["legacy"]:
            self.legacy_times()
        self.gain()

    def output_time(self) -> float:
        """Exposure time of the blotted image: ``expout`` where it is a number."""
        if self.settings["expout"] != "input":
            return float(self.settings["expout"])
        if self.chip is None:
            raise ValueError(
                "expout must be a number of seconds where there is no reference, got 'input'"
            )
        return _exposure_time(self.chip, self.settings["expkey"])

    def gain(self) -> float:
        """What to multiply the blotted image by."""
        return photometry.gain(
            self.settings["in_units"],
            self.settings["out_units"],
            self.source_time,
            self.output_time,
        )

    def unit(self) -> Unit:
        """Unit of the output: of what the clean image counts, else of what the chip does."""
        unit = _unit(self.source) or _unit(self.chip)
        rate = self.settings["out_units"] == "cps"
        return Unit(unit.counted if unit else "COUNTS", rate)

    def bunit(self) -> str:
        """BUNIT of the output; of a clean image in neither counts nor a rate, what follows."""
        found = self.source.keyword("BUNIT")
        if found is None or _unit(self.source) is not None:
            return str(self.unit())
        given, wanted = self.settings["in_units"], self.settings["out_units"]
        return str(found[1]) + {("cps", "counts"): " s", ("counts", "cps"): "/s"}.get(
            (given, wanted), ""
        )

    def _sky(self) -> float:
        if not self.settings["addsky"]:
            return float(self.settings["skyval"])
        source_sky = (self.source.keyword("MDRIZSKY") or (None, None))[1]
        if self.settings["legacy"] and source_sky is not None:
            return photometry.sky_value(source_sky, "MDRIZSKY", self.source.name)
        # Of the science header alone: a chip's sky is its own.
        found = self.chip.header.get("MDRIZSKY") if self.chip is not None else None
        image = self.source if found is None or self.chip is None else self.chip
        found = source_sky if found is None else found
        if found is None:
            names = " nor in ".join(i.name for i in (self.chip, self.source) if i is not None)
            raise ValueError(f"there is no MDRIZSKY in {names}; {_NO_SKY}")
        if image is not self.chip and self.chip is not None:
            remark(
                log,
                f"{self.chip.name}: there is no MDRIZSKY; that of {image.name} is added, {found}",
            )
        return self._converted(photometry.sky_value(found, "MDRIZSKY", image.name))

    def _converted(self, sky: float) -> float:
        """Sky in the units of the output.

        MDRIZSKY is in the exposure's units, in the header of a median too: drizzlepac copies it.
        """
        image = self.chip or self.source
        bunit, unit = image.keyword("BUNIT"), _unit(image)
        if bunit and unit is None:
            raise ValueError(
                f"{image.name}: MDRIZSKY can't be converted, as BUNIT is {bunit[1]!r}, neither "
                f"counts nor counts a second; {_NO_SKY}"
            )
        if unit is not None and not unit.counts_as(self.unit()):
            remark(
                log,
                f"{image.name}: MDRIZSKY is of {unit.counted} and the output of "
                f"{self.unit().counted}; it is added as it is, without a gain",
            )
        # `expout` stands for the reference's exposure time; the clean image has its own.
        own_time = self.source_time if self.chip is None else None
        return photometry.sky_level(sky, unit, self.unit(), own_time, self.output_time)

    def _history(self) -> Iterator[str]:
        yield f"cblot {__version__} blotted this image."
        yield f"data = {self.source.name}"
        yield f"reference = {self.chip.name if self.chip else None}"
        for name, value in self.settings.items():
            if name not in ("data", "reference", "outdata"):
                yield f"{name} = {value}"

    def output(self, pixels: Any) -> Any:
        """HDUs to write, as drizzlepac has them: primary, image, and the tables of its WCS."""
        settings, tables = self.settings, self.tables
        primary, header = images.new_header(), images.new_header()
        if self.chip is not None:
            primary, header = headers.parts_of_exposure(self.chip)
        if settings["user_wcs"]:
            headers.without_grid(primary)
            linear = geometry.linear_keywords(self.blot_wcs)
            headers.set_grid(header, linear, same_pixels=False)
        if not settings["coeffs"]:
            for part in (primary, header):
                headers.set_distortion(part, sip=False, tables=False)
        elif self.chip is not None:
            sip = self.blot_wcs.sip is not None
            if sip or tables:
                headers.set_distortion(header, sip=sip, tables=bool(tables))
        of_file: dict[str, Any] = {"FILENAME": self.path.name}
        of_image: dict[str, Any] = {
            "INHERIT": (True, "inherit the primary header"),
            "BUNIT": (self.bunit(), "brightness units"),
            "UNITS": (settings["out_units"], "counts, or cps: counts a second"),
            "MDRIZSKY": (self.sky, "sky that was added, in BUNIT"),
        }
        if settings["out_units"] == "counts" or settings["expout"] != "input":
            seconds = (self.output_time(), "exposure time of this image (s)")
            of_file |= {"EXPTIME": seconds, settings["expkey"].upper(): seconds}
        if self.fingerprint:
            of_file[images.FINGERPRINT] = (self.fingerprint, "of what it was made of")
        # What an image's own header says wins over the primary one.
        of_image |= {key: value for key, value in of_file.items() if key in header}
        headers.complete(primary, of_file, self._history())
        headers.complete(header, of_image)
        wcs.settle_date(header)
        return images.extended(primary, pixels, header, tables)
