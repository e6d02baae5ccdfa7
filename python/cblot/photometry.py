"""Units, exposure time and sky: what to multiply a blotted rate by, and what to add.

For the file task, which reads them out of headers, and for AstroDrizzle, which has read them.

Rates are counts a second. "Counts" are whatever was counted: electrons, data numbers, photons.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from cblot.core.arrays import finite
from cblot.remarks import remark

log = logging.getLogger(__name__)

_NUMBERS = ("COUNTS", "COUNT", "CTS", "CT", "DN", "ADU")
_QUANTA = ("ELECTRONS", "ELECTRON", "E", "E-", "PHOTONS", "PHOTON", "PH")
_NO_SKY = "pass addsky=False (--no-addsky), with a skyval to add if any"
# Where the exposure time of a drizzled image stands if not under the keyword asked for.
_DRIZZLED = ("DRIZEXPT", "TEXPTIME")
_PER_SECOND = re.compile(
    r"(?P<counted>.+?)\s*(?:/\s*(?:S|SEC|SECONDS?)|[\s.*]\s*(?:S|SEC)\s*(?:\*\*|\^)?\s*\(?-1\)?)"
)


@dataclass(frozen=True)
class Unit:
    """A unit of brightness.

    Attributes
    ----------
    counted : str
        What is counted, such as ELECTRONS.
    rate : bool
        Whether it is a second.
    """

    counted: str
    rate: bool

    def counts_as(self, other: Unit) -> bool:
        """Whether the same is counted, so that no gain is between the two."""
        return (self.counted in _QUANTA) == (other.counted in _QUANTA)

    def __str__(self) -> str:
        return f"{self.counted}/S" if self.rate else self.counted


def unit_of(bunit: Any) -> Unit | None:
    """Unit that a BUNIT stands for, or None for one that is neither counts nor a rate."""
    text = " ".join(str(bunit).upper().split())
    if text == "CPS":
        return Unit("COUNTS", True)
    match = _PER_SECOND.fullmatch(text)
    counted = match["counted"].strip() if match else text
    return Unit(counted, match is not None) if counted in _NUMBERS + _QUANTA else None


def exposure_time(value: Any, keyword: str, name: str) -> float:
    """Exposure time in seconds out of a header.

    Raises
    ------
    ValueError
        If it is not a number greater than 0; `keyword` and the image's `name` are named.
    """
    seconds = finite(value)
    if seconds is None or seconds <= 0.0:
        raise ValueError(
            f"{name}: {keyword} must be an exposure time greater than 0, got {value!r}"
        )
    return seconds


def sky_value(value: Any, keyword: str, name: str) -> float:
    """Sky out of a header.

    Raises
    ------
    ValueError
        If it is not a finite number; `keyword` and the image's `name` are named.
    """
    sky = finite(value)
    if sky is None:
        raise ValueError(f"{name}: {keyword} must be a finite number, got {value!r}")
    return sky


def sky_level(sky: float, unit: Unit | None, to: Unit, own_time: Any, output_time: Any) -> float:
    """Sky in the units of the output.

    Parameters
    ----------
    sky : float
        Sky of an image, in `unit`.
    unit : Unit or None
        None: in the units of the output already.
    to : Unit
        Unit of the output.
    own_time : callable or None
        Gives the exposure time, in seconds, of the image that the sky is of; None: the output's.
        Called, as the next, only if it is needed.
    output_time : callable
        Gives the exposure time of the output.
    """
    if unit is None or (unit.rate == to.rate and (unit.rate or own_time is None)):
        return sky
    if not unit.rate:
        sky /= float((own_time or output_time)())
    return sky if to.rate else sky * float(output_time())


class Scaling(NamedTuple):
    """From a blotted image to the values that are written: in place and in its own precision.

    Attributes
    ----------
    gain : float
        What the core multiplies by.
    times, over : float or ndarray or None
        What to multiply by after that, and to divide by.
    sky : float or None
        What to add to every pixel, covered or not, so that an uncovered one looks like blank sky.
    """

    gain: float
    times: Any = None
    over: Any = None
    sky: float | None = None

    def finish(self, image: NDArray[Any]) -> None:
        """Multiply, divide and add to what the core has made."""
        if self.times is not None:
            image *= np.asarray(self.times, dtype=image.dtype)
        if self.over is not None:
            image /= np.asarray(self.over, dtype=image.dtype)
        if self.sky is not None:
            image += np.asarray(self.sky, dtype=image.dtype)


class Rates:
    """Slices of an image in float32, divided by a time: drizzlepac's counts a second."""

    def __init__(self, pixels: Any, time: float | None) -> None:
        self._pixels, self._scaling, self.shape = pixels, Scaling(1.0, over=time), pixels.shape

    def __getitem__(self, key: Any) -> NDArray[Any]:
        window = np.array(self._pixels[key], dtype=np.float32)
        self._scaling.finish(window)
        return window


class Described(Protocol):
    """An image that headers describe."""

    @property
    def name(self) -> str:
        """What to call it."""

    @property
    def header(self) -> Any:
        """Its own header."""

    @property
    def primary(self) -> Any:
        """Header of its file's first HDU."""

    def keyword(self, *names: str) -> tuple[str, Any] | None:
        """First of the keywords that is in the header or the primary one, with its value."""


def _exposure_time(image: Described, *keywords: str) -> float:
    found = image.keyword(*keywords)
    if found is None:
        names = " or ".join(name.upper() for name in keywords)
        raise ValueError(f"{image.name}: there is no exposure time {names} in its headers")
    return exposure_time(found[1], found[0], image.name)


def _unit(image: Described | None) -> Unit | None:
    found = image.keyword("BUNIT") if image else None
    return unit_of(found[1]) if found else None


@dataclass(frozen=True)
class Photometry:
    """What headers and settings say of the units, times and sky of a blotted image.

    Attributes
    ----------
    source : Described
        The clean image.
    exposure : Described or None
        The reference; None where there is none.
    settings : mapping
        ``in_units``, ``out_units``, ``expkey``, ``expout``, ``addsky``, ``skyval``, ``legacy``.
    """

    source: Described
    exposure: Described | None
    settings: Mapping[str, Any]

    def source_time(self) -> float:
        """Exposure time of the clean image."""
        return _exposure_time(self.source, self.settings["expkey"], *_DRIZZLED)

    def legacy_times(self) -> tuple[float | None, float]:
        """What drizzlepac divides the clean image by, if in counts, and multiplies by then."""
        key, primary, over = self.settings["expkey"], self.source.primary, None
        if self.settings["in_units"] == "counts":
            found = key if key in primary else _DRIZZLED[0]
            over = exposure_time(primary.get(found), found.upper(), self.source.name)
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
        if self.exposure is None:
            raise ValueError(
                "expout must be a number of seconds where there is no reference, got 'input'"
            )
        return _exposure_time(self.exposure, self.settings["expkey"])

    def gain(self) -> float:
        """What to multiply the blotted image by: the exposure time is applied once."""
        factor = self.output_time() if self.settings["out_units"] == "counts" else 1.0
        return factor / self.source_time() if self.settings["in_units"] == "counts" else factor

    def scaling(self) -> Scaling:
        """What makes the output of the clean image; with `legacy`, of its `Rates`."""
        sky = self._sky()
        if not self.settings["legacy"]:
            return Scaling(self.gain(), sky=sky)
        times = self.output_time() if self.settings["out_units"] == "counts" else None
        return Scaling(self.legacy_times()[1], times=times, sky=sky)

    def unit(self) -> Unit:
        """Unit of the output: of what the clean image counts, else of what the chip does."""
        unit = _unit(self.source) or _unit(self.exposure)
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
        """Sky to add, in the units of the output."""
        if not self.settings["addsky"]:
            return float(self.settings["skyval"])
        source_sky = (self.source.keyword("MDRIZSKY") or (None, None))[1]
        if self.settings["legacy"] and source_sky is not None:
            return sky_value(source_sky, "MDRIZSKY", self.source.name)
        # Of the science header alone: a chip's sky is its own.
        found = self.exposure.header.get("MDRIZSKY") if self.exposure is not None else None
        image = self.source if found is None or self.exposure is None else self.exposure
        found = source_sky if found is None else found
        if found is None:
            names = " nor in ".join(i.name for i in (self.exposure, self.source) if i is not None)
            raise ValueError(f"there is no MDRIZSKY in {names}; {_NO_SKY}")
        if image is not self.exposure and self.exposure is not None:
            remark(
                log,
                f"{self.exposure.name}: there is no MDRIZSKY; that of {image.name} is added, "
                f"{found}",
            )
        return self._converted(sky_value(found, "MDRIZSKY", image.name))

    def _converted(self, sky: float) -> float:
        """Sky in the units of the output.

        MDRIZSKY is in the exposure's units, in the header of a median too: drizzlepac copies it.
        """
        image = self.exposure or self.source
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
        own_time = self.source_time if self.exposure is None else None
        return sky_level(sky, unit, self.unit(), own_time, self.output_time)
