"""A pair of WCS objects: what they must be, the function of positions between them, their ratio.

The coordinate systems are those of ``csrc/include/cblot/blot.hpp``. Everything here gives and takes
FITS positions (1-based).
"""

from __future__ import annotations

import math
import operator
from typing import Any

import astropy.wcs
import numpy as np
from numpy.typing import NDArray

from cblot.geometry import adapters, scale
from cblot.geometry.adapters import CommonWCS, FitsWCS, Function, Positions
from cblot.geometry.frames import conversion, rotation_of


def output_shape(blot_wcs: Any) -> tuple[int, int]:
    """Shape (ny, nx) of the output image.

    Raises
    ------
    TypeError
        If it is no WCS.
    ValueError
        If it has no shape, or an empty one.
    """
    adapters.check_kind(blot_wcs, "blot_wcs")
    shape = getattr(blot_wcs, "array_shape", None)
    if shape is None:
        raise ValueError(
            "blot_wcs must have a shape, got array_shape None; set blot_wcs.array_shape = (ny, nx)"
        )
    try:
        sizes = [operator.index(n) for n in shape]
    except TypeError as error:
        raise TypeError(
            f"blot_wcs must have an array_shape (ny, nx) of two integers, got {shape!r}"
        ) from error
    if len(sizes) != 2:
        raise ValueError(f"blot_wcs must be a 2-D WCS, got array_shape {tuple(sizes)}")
    ny, nx = sizes
    if ny < 1 or nx < 1:
        raise ValueError(f"blot_wcs must not be empty, got array_shape {(ny, nx)}")
    return ny, nx


def remark_on_shape(shape: tuple[int, ...], expected: Any) -> str | None:
    """What to say of an image of another shape than its WCS, where that has one, not None.

    Positions are those of the WCS, whatever its shape.
    """
    if expected is None or tuple(expected) == shape:
        return None
    return (
        f"source has shape {shape}, and source_wcs {tuple(expected)}: the source's first pixel is "
        "taken for that of source_wcs"
    )


class Pair:
    """The WCS of an output and of a source, adapted to each other.

    Parameters
    ----------
    blot_wcs, source_wcs : object
        Any of those that `adapters.adapted` takes; they are neither changed nor, where they are
        astropy's, kept: their objects must not be used by two threads at once.
    coeffs : bool
        Whether with the distortion of `blot_wcs`.
    names : tuple of str
        What to call the two in errors.
    owned : bool
        Whether those of astropy's are copies already, which may be kept and changed.

    Attributes
    ----------
    blot, source : FitsWCS or CommonWCS
        Without distortion, the first of them, unless `coeffs`.

    Raises
    ------
    TypeError
        If either is neither an astropy WCS nor has astropy's common interface (APE 14).
    ValueError
        If they don't map to one sky or plane.
    """

    def __init__(
        self,
        blot_wcs: Any,
        source_wcs: Any,
        coeffs: bool = True,
        names: tuple[str, str] = ("blot_wcs", "source_wcs"),
        owned: bool = False,
    ) -> None:
        self.source = adapters.adapted(source_wcs, names[1], owned)
        self.blot = adapters.adapted(blot_wcs, names[0], owned)
        self._coeffs = coeffs
        self._convert = conversion(self.blot, self.source, *names)
        if not coeffs:
            if not isinstance(self.blot, FitsWCS):
                raise _no_coeffs(blot_wcs)
            _drop_distortion(self.blot.wcs)

    @property
    def fits(self) -> bool:
        """Whether both are astropy's WCS, to one and the same sky or plane."""
        both = isinstance(self.blot, FitsWCS) and isinstance(self.source, FitsWCS)
        return both and self._convert is None

    def rotation(self) -> NDArray[np.float64] | None:
        """Matrix from the sky of `blot` to that of `source`; None if they are one, or have none."""
        return rotation_of(self._convert) if self._convert is not None else None

    def _onto_source(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Positions:
        if self._convert is not None:
            lon, lat = self._convert(lon, lat)
        return self.source.to_pixel(lon, lat)

    def forward(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> Positions:
        """Positions on the source image of positions on the output image."""
        return self._onto_source(*self.blot.to_world(x, y))

    @property
    def beyond(self) -> Function | None:
        """The same beyond the bounding box of `blot`; None where there is none, or no way to."""
        if not (isinstance(self.blot, CommonWCS) and self.blot.boxed):
            return None
        to_world = _anywhere(self.blot)
        return lambda x, y: self._onto_source(*to_world(x, y))

    def ratio(self, shape: tuple[int, int]) -> float:
        """Ratio of the source's pixel scale to that of the output without distortion.

        For two astropy WCS objects, their plate scales; else see `scale.of_mapping`, or where no
        position is on the source, on the far side of the sky, the scale of each in its own middle.
        A bounding box has no say in it.
        """
        if isinstance(self.blot, FitsWCS) and isinstance(self.source, FitsWCS):
            return scale.of_plates(self.source.wcs, self.blot.wcs, self._coeffs)
        ratio = scale.of_mapping(self.beyond or self.forward, shape)
        if math.isnan(ratio) and self.blot.world.celestial:
            middles = ((self.source, self.source.wcs.array_shape or (1, 1)), (self.blot, shape))
            source, blot = (scale.on_sky(_anywhere(wcs), size) for wcs, size in middles)
            ratio = source / blot if blot > 0.0 else math.nan
        return scale.checked(ratio)


def _anywhere(wcs: FitsWCS | CommonWCS) -> Function:
    """World coordinates of a WCS, beyond its bounding box too."""
    return wcs.to_world_beyond if isinstance(wcs, CommonWCS) and wcs.boxed else wcs.to_world


def without_distortion(wcs: Any) -> Any:
    """Return a copy without SIP polynomial, lookup and detector tables.

    Raises
    ------
    TypeError
        If it is not an astropy WCS.
    """
    if not isinstance(wcs, astropy.wcs.WCS):
        raise _no_coeffs(wcs)
    copy = wcs.deepcopy()
    _drop_distortion(copy)
    return copy


def _drop_distortion(wcs: astropy.wcs.WCS) -> None:
    for part in ("sip", *adapters.TABLES):
        setattr(wcs, part, None)


def _no_coeffs(wcs: Any) -> TypeError:
    return TypeError(
        f"coeffs=False needs a blot_wcs that is an astropy.wcs.WCS, got {type(wcs).__name__}"
    )
