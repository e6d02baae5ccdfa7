"""Frames of the sky: whether two are one, and from one to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import coordinates, units
from numpy.typing import NDArray

from cblot.geometry.adapters import EQUATORIAL, AnyWCS, FitsWCS, Function, Positions, World

# Frames between which astropy transforms by itself: no place on Earth, no tables to be fetched.
_FIXED = (
    *EQUATORIAL,
    coordinates.Galactic,
    coordinates.Supergalactic,
    coordinates.BarycentricMeanEcliptic,
    coordinates.BarycentricTrueEcliptic,
)

# How far, in radian, what is no rotation may be from one: some roundings of degrees.
_EQUAL = 1e-14


def _is_j2000(frame: Any) -> bool:
    """Whether it is ICRS, or FK5 of J2000, which are within 0.03 arcsec of each other."""
    if isinstance(frame, coordinates.FK5):
        return abs(float(frame.equinox.jyear) - 2000.0) < 1e-6
    return isinstance(frame, coordinates.ICRS)


def conversion(of: AnyWCS, to: AnyWCS, name_of: str, name_to: str) -> Function | None:
    """Function from the sky of one WCS to that of another; None where they are one and the same.

    ICRS and FK5 of J2000 are taken as one: headers of HST use the names interchangeably, and
    drizzlepac looks at neither. Others are transformed by astropy.coordinates.

    Raises
    ------
    ValueError
        If there is none.
    """
    same_kind = of.world.is_like(to.world)
    if same_kind and isinstance(of, FitsWCS) and isinstance(to, FitsWCS):
        return None
    frame_of = frame_to = None
    if of.world.celestial and to.world.celestial:
        frame_of, frame_to = of.frame(), to.frame()
        known = frame_of is not None and frame_to is not None
        if known and _is_j2000(frame_of) and _is_j2000(frame_to):
            return None
        if known and frame_of.is_equivalent_frame(frame_to):
            return None
        if isinstance(frame_of, _FIXED) and isinstance(frame_to, _FIXED):
            return _Transformation(frame_of, frame_to)
    # Of objects that do not tell their frame, the names of the axes have to do.
    if not same_kind:
        raise ValueError(
            f"{name_to} and {name_of} must map to one sky, or to one plane, or to skies between "
            f"which astropy.coordinates transforms, got {_told(to.world, frame_to)} and "
            f"{_told(of.world, frame_of)}"
        )
    return None


def rotation_of(convert: Function) -> NDArray[np.float64] | None:
    """Matrix of a conversion between skies, None of one that is no rotation.

    That of FK4, whose positions are those of aberrated light, is none, though close to one.
    """
    # The axes of the one sky, and a point that is far from all of them.
    lon, lat = np.array([0.0, 90.0, 0.0, 37.0]), np.array([0.0, 0.0, 90.0, -49.0])
    (x, y, z), found = _directions(lon, lat), _directions(*convert(lon, lat))
    matrix = found[:, :3]
    off = [matrix @ matrix.T - np.eye(3), (matrix @ [x[3], y[3], z[3]] - found[:, 3])[:, None]]
    return matrix if np.abs(np.hstack(off)).max() < _EQUAL else None


def _directions(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
    a, d = np.radians(lon), np.radians(lat)
    return np.array([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)])


def _told(world: World, frame: Any) -> str:
    return world.label if frame is None else f"{world.label} ({frame.name})"


@dataclass(frozen=True)
class _Transformation:
    """From one of astropy's frames to another, degrees to degrees; NaN where there is no position.

    A class, so that a mapping which has it can be pickled.
    """

    of: Any
    to: Any

    def __call__(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Positions:
        lost = ~(np.isfinite(lon) & np.isfinite(lat))
        angles = [np.where(lost, 0.0, angle) * units.deg for angle in (lon, lat)]
        sky = coordinates.SkyCoord(*angles, frame=self.of).transform_to(self.to).spherical
        result = [np.array(angle.to_value(units.deg)) for angle in (sky.lon, sky.lat)]
        for angle in result:
            angle[lost] = np.nan
        return result[0], result[1]
