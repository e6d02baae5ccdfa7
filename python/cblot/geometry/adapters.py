"""What a WCS maps pixels to: the sky, in which frame, axes and units, or a plane without a sky.

All kinds of WCS objects become one: a function from FITS positions (1-based) to longitude and
latitude in degrees, or to the two axes of a plane, and one back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import astropy.wcs
import numpy as np
from astropy import coordinates, units
from astropy.wcs.utils import wcs_to_celestial_frame
from numpy.typing import NDArray

Positions: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]
Function: TypeAlias = Callable[[NDArray[np.float64], NDArray[np.float64]], Positions]

_COMMON_INTERFACE = ("pixel_to_world_values", "world_to_pixel_values", "pixel_n_dim", "world_n_dim")
EQUATORIAL = (coordinates.ICRS, coordinates.FK5, coordinates.FK4, coordinates.FK4NoETerms)
# Lookup and detector tables of astropy's WCS objects, by the names of their attributes.
TABLES = ("cpdis1", "cpdis2", "det2im1", "det2im2")
# What astropy's WCS objects make positions and scales of.
_POSITIONS = (
    "all_pix2world",
    "_all_pix2world",
    "wcs_world2pix",
    "_array_converter",
    "pixel_scale_matrix",
)
# CTYPE of an axis that is nothing in particular.
_NO_TYPE = ("", "LINEAR", "PIXEL")
# Place of the observer of the sun, in degrees and metres.
_OBSERVER = ("hgln_obs", "hglt_obs", "dsun_obs")
# How far those of two images, and their dates in days, may differ that are stacked: one degree, one
# day; of the distance, one part in a hundred.
_APART = 1.0
_PART = 0.01


@dataclass(frozen=True)
class World:
    """What the axes of a WCS are.

    Attributes
    ----------
    axes : tuple of int
        Places of longitude and latitude; (0, 1) of a plane.
    degrees : tuple of float
        Degrees a unit along each axis; 1 of a plane.
    celestial : bool
        Whether it is the sky.
    kind : tuple
        What is the same for two of one kind that astropy has no frame for.
    told : tuple
        What to call it in errors, in parts.
    seen : dict
        From where, or when; see `circumstances`.
    """

    axes: tuple[int, int]
    degrees: tuple[float, float]
    celestial: bool
    kind: tuple[Any, ...]
    told: tuple[str | float, ...]
    seen: Mapping[str, float] = field(default_factory=dict, hash=False)

    @property
    def label(self) -> str:
        """What to call it in errors."""
        texts = [part if isinstance(part, str) else f"{part:g}" for part in self.told]
        texts += [f"{key} {value:.10g}" for key, value in self.seen.items()]
        return " ".join(text for text in texts if text and text != "nan")

    def is_like(self, other: World) -> bool:
        """Whether both are of one kind, seen from about one place at about one time."""
        return (self.celestial, self.kind) == (other.celestial, other.kind) and all(
            _near(key, self.seen[key], other.seen[key]) for key in self.seen.keys() & other.seen
        )


class FitsWCS:
    """An astropy WCS, of a copy: its objects must not be used by two threads at once.

    Parameters
    ----------
    wcs : astropy.wcs.WCS
    name : str
        What to call it in errors.
    owned : bool
        Whether it is such a copy already.

    Raises
    ------
    ValueError
        If it has other axes than the two of a sky or of a plane, or numbers that no WCS has.
    """

    def __init__(self, wcs: astropy.wcs.WCS, name: str, owned: bool = False) -> None:
        self.wcs = own = wcs if owned else copied(wcs, name)
        self._own_positions = has_own_positions(own)
        if own.naxis != 2:
            raise ValueError(
                f"{name} must be a 2-D WCS, got {own.naxis} axes with CTYPE "
                f"({', '.join(own.wcs.ctype)})"
            )
        self._check_numbers(name)
        self.world = self._world(name)

    def _check_numbers(self, name: str) -> None:
        linear = self.wcs.wcs
        matrix = self.wcs.pixel_scale_matrix
        for keyword, values in (
            ("CRPIX", linear.crpix),
            ("CRVAL", linear.crval),
            ("CD matrix (or CDELT and PC)", matrix),
        ):
            if not _are_finite(values):
                raise ValueError(f"{name} must have a finite {keyword}, got {values.tolist()}")
        self._check_distortion(name)
        (a, b), (c, d) = matrix.tolist()
        if a * d - b * c == 0.0:
            raise ValueError(
                f"{name} must have a CD matrix that can be inverted, got {matrix.tolist()}"
            )

    def _check_distortion(self, name: str) -> None:
        sip = self.wcs.sip
        polynomials = [] if sip is None else [sip.a, sip.b, sip.ap, sip.bp, sip.crpix]
        if not all(_are_finite(part) for part in polynomials if part is not None):
            raise ValueError(f"{name} must have SIP polynomials of finite numbers")
        for part in TABLES:
            table = getattr(self.wcs, part)
            if table is None:
                continue
            for keyword in ("crpix", "crval", "cdelt"):
                values = getattr(table, keyword)
                if not _are_finite(values) or (keyword == "cdelt" and 0.0 in values.tolist()):
                    raise ValueError(
                        f"{name} must have lookup and detector tables whose {keyword.upper()} can "
                        f"be used, got {values.tolist()} in {part}"
                    )

    def _world(self, name: str) -> World:
        linear = self.wcs.wcs
        types = tuple(str(ctype).strip() for ctype in linear.ctype)
        if linear.lng >= 0 and linear.lat >= 0:
            names = (linear.lngtyp.strip(), linear.lattyp.strip())
            system, equinox = linear.radesys, float(linear.equinox)
            seen = circumstances(linear)
            told = (*names, system, equinox)
            kind: tuple[Any, ...] = (*names, system, None if math.isnan(equinox) else equinox)
            if names[0] in ("RA", "ELON") and _named_j2000(system, equinox):
                kind = (*names, "J2000")
            return World((linear.lng, linear.lat), (1.0, 1.0), True, kind, told, seen)
        if linear.lng >= 0 or linear.lat >= 0 or linear.spec >= 0:
            raise ValueError(
                f"{name} must map to longitude and latitude, or to a plane, got CTYPE "
                f"({', '.join(types)})"
            )
        plain = ["" if t.upper() in _NO_TYPE else t for t in types]
        return _plane(types, plain, [str(unit) for unit in linear.cunit])

    def frame(self) -> Any:
        """Frame that astropy has for the sky, or None; to make one takes as long as a small blot.

        It takes all that has a RADESYS for equatorial, and wcslib leaves ecliptic coordinates one.
        """
        if self.wcs.wcs.lngtyp.strip() == "ELON":
            return None
        try:
            frame = wcs_to_celestial_frame(self.wcs)
        except Exception:  # there is none, or not all that it needs: the radii of a planet, say
            return None
        # Of a planet it is a class, another one each time.
        return frame if isinstance(frame, coordinates.BaseCoordinateFrame) else None

    def to_world(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> Positions:
        """All distortion out."""
        world = self._asked(self.wcs.all_pix2world, x, y)
        return world[self.world.axes[0]], world[self.world.axes[1]]

    def to_pixel(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Positions:
        """No distortion in."""
        world = (lon, lat) if self.world.axes == (0, 1) else (lat, lon)
        return self._asked(self.wcs.wcs_world2pix, *world)

    def _asked(self, function: Any, a: NDArray[np.float64], b: NDArray[np.float64]) -> Positions:
        if self._own_positions:  # it may take no other form
            c, d = function(a, b, 1)
            return c, d
        pairs = np.empty((a.size, 2))
        pairs[:, 0], pairs[:, 1] = a, b
        found = function(pairs, 1)
        return found[:, 0], found[:, 1]


class CommonWCS:
    """A WCS with astropy's common interface (APE 14), such as one of gwcs; never changed.

    Parameters
    ----------
    wcs : object
    name : str
        What to call it in errors.

    Raises
    ------
    TypeError
        If it has not that interface.
    ValueError
        If it has other axes than the two of a sky or of a plane.
    """

    def __init__(self, wcs: Any, name: str) -> None:
        check_kind(wcs, name)
        if wcs.pixel_n_dim != 2 or wcs.world_n_dim != 2:
            raise ValueError(
                f"{name} must be a 2-D WCS, got {wcs.pixel_n_dim} pixel and {wcs.world_n_dim} "
                "world axes"
            )
        self.wcs = wcs
        # gwcs can leave its bounding box out of account.
        self.boxed = all(hasattr(wcs, part) for part in ("invert", "bounding_box"))
        self.world = self._world(name)

    def _world(self, name: str) -> World:
        types = [str(t or "") for t in self.wcs.world_axis_physical_types]
        names = [str(unit or "") for unit in self.wcs.world_axis_units]
        sky = [_sky_axis(t) for t in types]
        if sorted(sky) == ["lat", "lon"]:
            axes = (sky.index("lon"), sky.index("lat"))
            factors = tuple(_degrees(names[axis], name) for axis in axes)
            kind = (types[axes[0]], types[axes[1]])
            return World(axes, (factors[0], factors[1]), True, kind, kind)
        if any(sky) or any(t.startswith(("em.", "spect.", "time")) for t in types):
            raise ValueError(
                f"{name} must map to longitude and latitude, or to a plane, got axes of physical "
                f"types ({', '.join(types)})"
            )
        return _plane(types, ["" if t.startswith("custom:") else t for t in types], names)

    def frame(self) -> Any:
        """Frame of the sky coordinates that it makes, None if it does not tell."""
        for made, _, options, *_ in self.wcs.world_axis_object_classes.values():
            if made is coordinates.SkyCoord or made == "astropy.coordinates.SkyCoord":
                frame = options.get("frame")
                frame = frame() if isinstance(frame, type) else frame
                # Of a part of an astropy WCS: see FitsWCS.
                wrong = self.world.kind[0].startswith("pos.ecliptic")
                return None if wrong and isinstance(frame, EQUATORIAL) else frame
        return None

    def _in_degrees(self, world: Any) -> Positions:
        lon, lat = (np.asarray(world[axis], dtype=np.float64) for axis in self.world.axes)
        a, b = self.world.degrees
        return lon if a == 1.0 else lon * a, lat if b == 1.0 else lat * b

    def to_world(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> Positions:
        """NaN outside its bounding box, if it has one."""
        return self._in_degrees(self.wcs.pixel_to_world_values(x - 1.0, y - 1.0))

    def to_world_beyond(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> Positions:
        """The same beyond its bounding box; only where it is `boxed`."""
        return self._in_degrees(_bare(self.wcs(x - 1.0, y - 1.0, with_bounding_box=False)))

    def to_pixel(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Positions:
        """Whatever its bounding box, which is about its pixels and not those of another."""
        a, b = self.world.degrees
        pair = (lon if a == 1.0 else lon / a, lat if b == 1.0 else lat / b)
        world = pair if self.world.axes == (0, 1) else pair[::-1]
        if self.boxed:
            sx, sy = _bare(self.wcs.invert(*world, with_bounding_box=False))
        else:
            sx, sy = self.wcs.world_to_pixel_values(*world)
        return np.asarray(sx, dtype=np.float64) + 1.0, np.asarray(sy, dtype=np.float64) + 1.0


AnyWCS: TypeAlias = FitsWCS | CommonWCS


def adapted(wcs: Any, name: str, owned: bool = False) -> AnyWCS:
    """Return a WCS of any kind in the form that is used here; see those for the parameters."""
    return FitsWCS(wcs, name, owned) if isinstance(wcs, astropy.wcs.WCS) else CommonWCS(wcs, name)


def has_own_positions(wcs: astropy.wcs.WCS) -> bool:
    """Whether a WCS makes positions otherwise than astropy's, by its class or by itself."""
    kind, own = type(wcs), vars(wcs)
    for name in _POSITIONS:
        if getattr(kind, name) is not getattr(astropy.wcs.WCS, name) or name in own:
            return True
    return False


def copied(wcs: astropy.wcs.WCS, name: str) -> astropy.wcs.WCS:
    """A copy that is ready to be asked, with numbers and tables of its own.

    Other attributes, which are only read, are shared: a deep copy of them all, and the call of the
    class's constructor that is a part of it, take as long as a small blot.

    Parameters
    ----------
    wcs : astropy.wcs.WCS
    name : str
        What to call it in errors.

    Raises
    ------
    ValueError
        If it can't be used.
    """
    kind: Any = type(wcs)
    usual = astropy.wcs.WCS
    plain = (kind.deepcopy, kind.__deepcopy__) == (usual.deepcopy, usual.__deepcopy__)
    try:
        if not plain or has_own_positions(wcs):
            copy = wcs.deepcopy()
        else:
            sip, *tables = [
                part if part is None else deepcopy(part)
                for part in (wcs.sip, *(getattr(wcs, name) for name in TABLES))
            ]
            lookup, detector = tuple(tables[:2]), tuple(tables[2:])
            copy = kind.__new__(kind)
            astropy.wcs.WCSBase.__init__(copy, sip, lookup, deepcopy(wcs.wcs), detector)
            vars(copy).update(vars(wcs))
        if copy.naxis == 2:
            copy.wcs.set()
    except (MemoryError, RecursionError):  # not the WCS's
        raise
    except Exception as error:  # wcslib's, of many types
        raise ValueError(f"{name} is no WCS that can be used: {_reason(error)}") from error
    return copy


def _are_finite(values: NDArray[np.float64]) -> bool:
    """Whether all of a few numbers are; NumPy takes longer to start."""
    return all(map(math.isfinite, values.ravel().tolist()))


def _reason(error: Exception) -> str:
    """What wcslib says, without where in its source it says so."""
    lines = [line for line in str(error).splitlines() if line and not line.startswith("ERROR")]
    return " ".join(lines) or type(error).__name__


def check_kind(wcs: Any, name: str) -> None:
    """Refuse what is no WCS.

    Raises
    ------
    TypeError
        If it is neither astropy's nor has astropy's common interface (APE 14).
    """
    if not all(hasattr(wcs, part) for part in _COMMON_INTERFACE):
        raise TypeError(
            f"{name} must be an HSTWCS, an astropy.wcs.WCS or another object with astropy's "
            f"common WCS interface, got {type(wcs).__name__}"
        )


def _plane(types: Sequence[str], plain: Sequence[str], names: Sequence[str]) -> World:
    """A plane whose axes have types, those of them that count, and names of units."""
    unit_of = ["" if name in ("pix", "pixel") else name for name in names]
    told = [f"{t} in {unit}" if unit else t for t, unit in zip(types, unit_of, strict=True)]
    kind = (*plain, *unit_of)
    return World((0, 1), (1.0, 1.0), False, kind, (f"a plane ({', '.join(told)})",))


def circumstances(linear: Any) -> dict[str, float]:
    """Who looks, or when, as far as a WCS tells, for a sky that depends on it.

    Helioprojective coordinates are those of an observer, the apparent place that of a date.
    """
    if linear.lngtyp.startswith("HP"):
        found = {key.upper(): getattr(linear.aux, key) for key in _OBSERVER}
    elif linear.radesys == "GAPPT":
        found = {"MJD-OBS": linear.mjdobs, "MJD-AVG": linear.mjdavg}
    else:
        return {}
    return {key: v for key, v in found.items() if v is not None and not math.isnan(v)}


def _near(key: str, one: float, other: float) -> bool:
    if key == "DSUN_OBS":
        return math.isclose(one, other, rel_tol=_PART)
    turn = 360.0 if key == "HGLN_OBS" else math.inf
    return abs(math.remainder(one - other, turn)) <= _APART


def _named_j2000(system: str, equinox: float) -> bool:
    """Whether RADESYS and EQUINOX of a FITS header, or their defaults, say ICRS or FK5 of J2000."""
    return system == "ICRS" or (
        system in ("", "FK5") and (math.isnan(equinox) or equinox == 2000.0)
    )


def _bare(values: Any) -> tuple[Any, Any]:
    """Numbers of quantities, which gwcs returns where its transforms have units."""
    x, y = (getattr(value, "value", value) for value in values)
    return x, y


def _sky_axis(physical_type: str) -> str:
    """Which axis of a sky it is: lon, lat, or none."""
    if not physical_type.startswith(("pos.", "custom:pos.")):
        return ""
    end = physical_type.rsplit(".", 1)[-1].lower()
    return {"ra": "lon", "lon": "lon", "dec": "lat", "lat": "lat"}.get(end, "")


def _degrees(unit: str, name: str) -> float:
    try:
        return float(units.Unit(unit).to(units.deg)) if unit else 1.0
    except (ValueError, units.UnitConversionError) as error:
        raise ValueError(
            f"{name} must have its longitude and latitude in a unit of angle, got {unit!r}"
        ) from error
