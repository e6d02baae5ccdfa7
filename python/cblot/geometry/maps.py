"""Mappings as classes: drizzlepac's names for three of them, and those of callers.

Everything here gives and takes FITS positions (1-based).
"""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import astropy.wcs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from cblot.core.arrays import as_number, checked_positions
from cblot.geometry.adapters import FitsWCS, Function, World
from cblot.geometry.frames import conversion
from cblot.geometry.scale import plate_scale

log = logging.getLogger(__name__)

Positions: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]
Forward: TypeAlias = Callable[[NDArray[np.float64], NDArray[np.float64]], Any]

_HINT = "pass lambda blot_wcs, source_wcs: ... as wcsmap to make one with values of your own"


class WCSMap:
    """Mapping of drizzlepac's default kind: all distortion out, none in.

    Parameters
    ----------
    input : astropy.wcs.WCS
        The WCS of the output (blotted) image, all of whose distortion is used.
    output : astropy.wcs.WCS
        The WCS of the source image, of which only the linear projection is used.
    origin : int, default 1
        Pixel coordinate of the centre of the first pixel.

    Raises
    ------
    TypeError
        If either is not an `astropy.wcs.WCS`.
    ValueError
        If they can't be used, or don't map to one sky or plane.
    """

    def __init__(self, input: Any, output: Any, origin: int = 1) -> None:
        for name, wcs in (("input", input), ("output", output)):
            if not isinstance(wcs, astropy.wcs.WCS):
                raise TypeError(f"{name} must be an astropy.wcs.WCS, got {type(wcs).__name__}")
        one, other = FitsWCS(input, "input"), FitsWCS(output, "output")
        self._onto = _Across(one.world, other.world, conversion(one, other, "input", "output"))
        self._back = _Across(other.world, one.world, conversion(other, one, "output", "input"))
        self.input = input
        self.output = output.deepcopy()
        self.origin = origin

    def forward(self, pixx: ArrayLike, pixy: ArrayLike) -> Positions:
        """Positions on the source image of positions on the output image."""
        world = self.input.all_pix2world(pixx, pixy, self.origin)
        x, y = self.output.wcs_world2pix(*self._onto(world), self.origin)
        return x, y

    def backward(self, pixx: ArrayLike, pixy: ArrayLike) -> Positions:
        """Positions on the output image of positions on the source image."""
        world = self.output.wcs_pix2world(pixx, pixy, self.origin)
        x, y = self.input.all_world2pix(*self._back(world), self.origin)
        return x, y

    def get_pix_ratio(self) -> float:
        """Ratio of the source image's plate scale to that of the output image."""
        return plate_scale(self.output) / plate_scale(self.input)


class _Across(NamedTuple):
    """World coordinates of one WCS in the order of the axes, and in the frame, of another."""

    of: World
    to: World
    convert: Function | None

    def __call__(self, world: Any) -> Any:
        lon, lat = (world[axis] for axis in self.of.axes)
        if self.convert is not None:
            lon, lat = self.convert(lon, lat)
        return (lon, lat) if self.to.axes == (0, 1) else (lat, lon)


class IdentityMap:
    """Mapping that leaves positions as they are.

    Parameters
    ----------
    input, output : object
        The WCS of the output and of the source image; not used.
    """

    def __init__(self, input: Any, output: Any) -> None:
        self.input = input
        self.output = output

    def forward(self, pixx: ArrayLike, pixy: ArrayLike) -> tuple[ArrayLike, ArrayLike]:
        """Return the positions given."""
        return pixx, pixy


class LinearMap:
    """Mapping by a rotation and a scale, then a shift.

    Parameters
    ----------
    xsh, ysh : float, default 0
        Shift in source pixels.
    rot : float, default 0
        Rotation in degrees.
    scale : float, default 1
        Source pixels an output pixel.

    Raises
    ------
    TypeError
        If one is not a number: given as ``wcsmap`` the class would be called with WCS objects.
    """

    def __init__(
        self, xsh: float = 0.0, ysh: float = 0.0, rot: float = 0.0, scale: float = 1.0
    ) -> None:
        values = {"xsh": xsh, "ysh": ysh, "rot": rot, "scale": scale}
        for name, value in values.items():
            try:
                as_number(value, name)
            except TypeError as error:
                raise TypeError(f"{error}; {_HINT}") from None
        theta = math.radians(rot)
        self.transform = scale * np.array(
            [[math.cos(theta), math.sin(theta)], [-math.sin(theta), math.cos(theta)]]
        )
        self.offset = np.array([[xsh], [ysh]], dtype=float)

    def forward(self, pixx: ArrayLike, pixy: ArrayLike) -> NDArray[np.float64]:
        """Positions after rotation, scale and shift, an array of two rows."""
        result: NDArray[np.float64] = self.transform @ np.array([pixx, pixy]) + self.offset
        return result


def is_default(wcsmap: Any) -> bool:
    """Whether a class is drizzlepac's default mapping, or this one's, which the core has itself."""
    drizzlepacs = getattr(sys.modules.get("drizzlepac.wcs_functions"), "WCSMap", WCSMap)
    return wcsmap is WCSMap or wcsmap is drizzlepacs


class CallersMap:
    """A mapping of a caller's class, whose answers are checked.

    It is asked for many rows at once; where it was written for one row a call, as drizzlepac's are
    asked, and fails with more, or answers otherwise, for one row a call.

    Parameters
    ----------
    wcsmap : callable
        Called as ``wcsmap(blot_wcs, source_wcs)``; what it makes has ``forward(x, y)``.
    blot_wcs, source_wcs : object
    nx : int
        Pixels of a row.

    Raises
    ------
    TypeError
        If it is not callable, or what it makes has no ``forward(x, y)``.
    """

    def __init__(self, wcsmap: Any, blot_wcs: Any, source_wcs: Any, nx: int) -> None:
        if not callable(wcsmap):
            hint = f"; {_HINT}" if hasattr(wcsmap, "forward") else ""
            raise TypeError(
                "wcsmap must be a class (or function) to be called as wcsmap(blot_wcs, "
                f"source_wcs), got {type(wcsmap).__name__}{hint}"
            )
        self._made = wcsmap(blot_wcs, source_wcs)
        self._nx = nx
        self._rows_a_call = 0  # 0: not known yet, 1: one, 2: many
        if not callable(getattr(self._made, "forward", None)):
            raise TypeError(
                f"wcsmap(blot_wcs, source_wcs) must have a method forward(x, y), got {self._made!r}"
            )

    def _ask(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> Positions:
        # It may answer in the arrays that it is given, or in its own again with every call.
        answer = self._made.forward(x.copy(), y.copy())
        px, py = checked_positions(answer, x.size, "wcsmap's forward(x, y)")
        return px.copy(), py.copy()

    def _rows(self, y: NDArray[np.float64]) -> list[slice]:
        """Where y is one, and for no more positions than a row has."""
        begins = np.flatnonzero(np.append(True, y[1:] != y[:-1])).tolist()
        return [
            slice(k, min(k + self._nx, end))
            for begin, end in zip(begins, [*begins[1:], y.size], strict=True)
            for k in range(begin, end, self._nx)
        ]

    def _ask_rows(
        self, x: NDArray[np.float64], y: NDArray[np.float64], rows: list[slice]
    ) -> Positions:
        px, py = np.empty_like(x), np.empty_like(y)
        for row in rows:
            px[row], py[row] = self._ask(x[row], y[row])
        return px, py

    def forward(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> Positions:
        """Positions on the source image of positions on the output image."""
        if self._rows_a_call == 2:
            return self._ask(x, y)
        rows = self._rows(y)
        if self._rows_a_call == 1 or len(rows) < 2:
            return self._ask_rows(x, y, rows)
        ends = rows[0], rows[-1]  # it may take all for either, or for what is between
        try:
            answer = self._ask(x, y)
            alone = [self._ask(x[row], y[row]) for row in ends]
        except (MemoryError, RecursionError):  # not for the rows: twice at each depth is for ever
            raise
        except Exception as error:
            try:
                answer = self._ask_rows(x, y, rows)
            except Exception:
                raise error from None
            self._rows_a_call = 1
            log.info("wcsmap is asked for one row a call, as it failed with more: %s", error)
            return answer
        many = all(
            np.allclose(all_rows[row], found, rtol=1e-9, atol=1e-6, equal_nan=True)
            for row, one_row in zip(ends, alone, strict=True)
            for all_rows, found in zip(answer, one_row, strict=True)
        )
        if not many:
            log.info("wcsmap is asked for one row a call, as its answers to more are others")
        self._rows_a_call = 2 if many else 1
        return answer if many else self._ask_rows(x, y, rows)
