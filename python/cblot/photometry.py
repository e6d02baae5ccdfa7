"""Units, exposure time and sky: what to multiply a blotted rate by, and what to add.

Rates are counts a second. "Counts" are whatever was counted: electrons, data numbers, photons.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cblot.core.arrays import finite

_NUMBERS = ("COUNTS", "COUNT", "CTS", "CT", "DN", "ADU")
_QUANTA = ("ELECTRONS", "ELECTRON", "E", "E-", "PHOTONS", "PHOTON", "PH")
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


def gain(in_units: str, out_units: str, source_time: Any, output_time: Any) -> float:
    """What to multiply a blotted image by: the exposure time is applied once.

    Parameters
    ----------
    in_units, out_units : {'cps', 'counts'}
        Units of the clean and of the blotted image.
    source_time, output_time : callable
        Give their exposure times in seconds; called only if they are needed.
    """
    factor = float(output_time()) if out_units == "counts" else 1.0
    return factor / float(source_time()) if in_units == "counts" else factor


def finish(
    image: NDArray[Any], *, times: Any = None, over: Any = None, sky: float | None = None
) -> NDArray[Any]:
    """Multiply, divide and add to a blotted image, in place and in its own precision.

    Sky is added to every pixel, covered or not, so that an uncovered one looks like blank sky.
    """
    if times is not None:
        image *= np.asarray(times, dtype=image.dtype)
    if over is not None:
        image /= np.asarray(over, dtype=image.dtype)
    if sky is not None:
        image += np.asarray(sky, dtype=image.dtype)
    return image
