"""A pair of WCS objects becomes a function of positions, and a pixel ratio.

The coordinate systems are those of ``csrc/include/cblot/blot.hpp``. Everything here gives and takes
FITS positions (1-based).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import astropy.wcs
import numpy as np
from numpy.typing import ArrayLike, NDArray

Positions: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]
Forward: TypeAlias = Callable[[NDArray[np.float64], NDArray[np.float64]], Any]

_COMMON_INTERFACE = ("pixel_to_world_values", "world_to_pixel_values", "pixel_n_dim")
_DISTORTIONS = ("sip", "cpdis1", "cpdis2", "det2im1", "det2im2")


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
    """

    def __init__(self, input: Any, output: Any, origin: int = 1) -> None:
        for name, wcs in (("input", input), ("output", output)):
            if not isinstance(wcs, astropy.wcs.WCS):
                raise TypeError(f"{name} must be an astropy.wcs.WCS, got {type(wcs).__name__}")
        self.input = input
        self.output = output.deepcopy()
        self.origin = origin

    def forward(self, pixx: ArrayLike, pixy: ArrayLike) -> Positions:
        """Positions on the source image of positions on the output image."""
        lon, lat = self.input.all_pix2world(pixx, pixy, self.origin, ra_dec_order=True)
        x, y = self.output.wcs_world2pix(lon, lat, self.origin, ra_dec_order=True)
        return x, y

    def backward(self, pixx: ArrayLike, pixy: ArrayLike) -> Positions:
        """Positions on the output image of positions on the source image."""
        lon, lat = self.output.wcs_pix2world(pixx, pixy, self.origin, ra_dec_order=True)
        x, y = self.input.all_world2pix(lon, lat, self.origin, ra_dec_order=True)
        return x, y

    def get_pix_ratio(self) -> float:
        """Ratio of the source image's plate scale to that of the output image."""
        return plate_scale(self.output) / plate_scale(self.input)


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
    """

    def __init__(
        self, xsh: float = 0.0, ysh: float = 0.0, rot: float = 0.0, scale: float = 1.0
    ) -> None:
        theta = math.radians(rot)
        self.transform = scale * np.array(
            [[math.cos(theta), math.sin(theta)], [-math.sin(theta), math.cos(theta)]]
        )
        self.offset = np.array([[xsh], [ysh]], dtype=float)

    def forward(self, pixx: ArrayLike, pixy: ArrayLike) -> NDArray[np.float64]:
        """Positions after rotation, scale and shift, an array of two rows."""
        result: NDArray[np.float64] = self.transform @ np.array([pixx, pixy]) + self.offset
        return result


class _CommonInterfaceMap:
    """Mapping between two WCS objects of which at least one knows only the common interface."""

    def __init__(self, blot_wcs: Any, source_wcs: Any) -> None:
        self._blot, self._source = blot_wcs, source_wcs

    def forward(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> Positions:
        """Positions on the source image of positions on the output image."""
        world = self._blot.pixel_to_world_values(x - 1.0, y - 1.0)
        if isinstance(self._source, astropy.wcs.WCS):
            sx, sy = self._source.wcs_world2pix(*world, 1)
            return sx, sy
        sx, sy = self._source.world_to_pixel_values(*world)
        return np.asarray(sx, dtype=float) + 1.0, np.asarray(sy, dtype=float) + 1.0


def _check_wcs(wcs: Any, name: str) -> None:
    if isinstance(wcs, astropy.wcs.WCS):
        if wcs.naxis != 2 or not wcs.is_celestial:
            axes = ", ".join(wcs.wcs.ctype)
            raise ValueError(
                f"{name} must be a 2-D celestial WCS, got {wcs.naxis} axes with CTYPE ({axes})"
            )
    elif not all(hasattr(wcs, part) for part in _COMMON_INTERFACE):
        raise TypeError(
            f"{name} must be an HSTWCS, an astropy.wcs.WCS or another object with astropy's common "
            f"WCS interface, got {type(wcs).__name__}"
        )
    elif wcs.pixel_n_dim != 2 or wcs.world_n_dim != 2:
        raise ValueError(
            f"{name} must be a 2-D celestial WCS, got {wcs.pixel_n_dim} pixel and "
            f"{wcs.world_n_dim} world axes"
        )


def check_pair(source_wcs: Any, blot_wcs: Any) -> None:
    """Refuse what is not a pair of two-dimensional celestial WCS of one system.

    Raises
    ------
    TypeError
        If either is neither an astropy WCS nor has astropy's common interface (APE 14).
    ValueError
        If either has other axes than longitude and latitude, or one is equatorial and the other
        galactic, say.
    """
    _check_wcs(source_wcs, "source_wcs")
    _check_wcs(blot_wcs, "blot_wcs")
    if isinstance(source_wcs, astropy.wcs.WCS) and isinstance(blot_wcs, astropy.wcs.WCS):
        source, blot = source_wcs.wcs.lngtyp, blot_wcs.wcs.lngtyp
        if source != blot:
            raise ValueError(
                "source_wcs and blot_wcs must be in the same celestial system, got longitudes "
                f"{source} and {blot}"
            )


def output_shape(blot_wcs: Any) -> tuple[int, int]:
    """Shape (ny, nx) of the output image.

    Raises
    ------
    ValueError
        If the WCS has no shape, or an empty one.
    """
    shape = blot_wcs.array_shape
    if shape is None:
        raise ValueError(
            "blot_wcs must have a shape, got array_shape None; set blot_wcs.array_shape = (ny, nx)"
        )
    ny, nx = (int(n) for n in shape)
    if ny < 1 or nx < 1:
        raise ValueError(f"blot_wcs must not be empty, got array_shape {(ny, nx)}")
    return ny, nx


def remark_on_shape(shape: tuple[int, ...], source_wcs: Any) -> str | None:
    """What to say of an image of another shape than its WCS, where the WCS has one.

    Positions are those of the WCS, whatever its shape.
    """
    expected = source_wcs.array_shape
    if expected is None or tuple(expected) == shape:
        return None
    return (
        f"source has shape {shape}, and source_wcs {tuple(expected)}: the source's first pixel is "
        "taken for that of source_wcs"
    )


def without_distortion(wcs: Any) -> Any:
    """Return a copy without SIP polynomial, lookup and detector tables.

    Raises
    ------
    TypeError
        If it is not an astropy WCS.
    """
    if not isinstance(wcs, astropy.wcs.WCS):
        raise TypeError(
            f"coeffs=False needs a blot_wcs that is an astropy.wcs.WCS, got {type(wcs).__name__}"
        )
    copy = wcs.deepcopy()
    for part in _DISTORTIONS:
        setattr(copy, part, None)
    return copy


def linear_ctype(wcs: astropy.wcs.WCS) -> list[str]:
    """CTYPE of the projection without SIP polynomials."""
    return [name.removesuffix("-SIP") for name in wcs.wcs.ctype]


def plate_scale(wcs: astropy.wcs.WCS) -> float:
    """Plate scale in arcsec a pixel along x: HSTWCS's own, else its formula."""
    pscale = getattr(wcs, "pscale", None)
    if pscale is not None:
        return float(pscale)
    cd = wcs.pixel_scale_matrix
    return float(np.sqrt(cd[0, 0] ** 2 + cd[1, 0] ** 2) * 3600.0)


def _undistorted_scale(wcs: astropy.wcs.WCS) -> float:
    """Plate scale without distortion: HST's model's, IDCSCALE, else that of the CD matrix.

    stwcs's `make_orthogonal_cd` has the same to some units in the last place of a double, but to
    import it is to import an HTTP client.
    """
    if getattr(wcs, "idcscale", None) is not None:
        return float(wcs.idcscale)
    # Not NumPy's determinant, which goes by way of logarithms.
    (a, b), (c, d) = wcs.pixel_scale_matrix
    return math.sqrt(abs(float(a * d - b * c))) * 3600.0


def undistorted_cd(wcs: astropy.wcs.WCS) -> NDArray[np.float64]:
    """CD matrix without distortion: the orthogonal one that stwcs makes, else the WCS's own."""
    has_scale = getattr(wcs, "idcscale", None) is not None
    has_roll = getattr(wcs, "idcv2ref", None) is None or getattr(wcs, "pav3", None) is not None
    if not (has_scale and has_roll):
        # Not stwcs's for the rest: it warns of a missing IDCSCALE, and needs a CD matrix.
        return np.array(wcs.pixel_scale_matrix)
    from stwcs.distortion.utils import make_orthogonal_cd

    return np.array(make_orthogonal_cd(wcs).pixel_scale_matrix)


def pixel_ratio(
    source_wcs: Any, blot_wcs: Any, *, coeffs: bool, shape: tuple[int, int], forward: Forward
) -> float:
    """Ratio of the source's pixel scale to that of the output without distortion.

    For two astropy WCS objects, their plate scales; else one over the root of the Jacobian
    determinant of the mapping at the middle of the output.

    Raises
    ------
    ValueError
        If it is not positive and finite.
    """
    if isinstance(source_wcs, astropy.wcs.WCS) and isinstance(blot_wcs, astropy.wcs.WCS):
        blot_scale = _undistorted_scale(blot_wcs) if coeffs else plate_scale(blot_wcs)
        source_scale = plate_scale(source_wcs)
        ratio = source_scale / blot_scale if blot_scale > 0.0 else math.nan
    else:
        cx, cy = (shape[1] + 1) / 2.0, (shape[0] + 1) / 2.0
        x, y = forward(
            np.array([cx - 0.5, cx + 0.5, cx, cx]), np.array([cy, cy, cy - 0.5, cy + 0.5])
        )
        jacobian = (x[1] - x[0]) * (y[3] - y[2]) - (x[3] - x[2]) * (y[1] - y[0])
        ratio = 1.0 / math.sqrt(abs(jacobian)) if jacobian != 0.0 else math.nan
    if not (math.isfinite(ratio) and ratio > 0.0):
        raise ValueError(
            "the ratio of the pixel scales of source_wcs and blot_wcs must be positive and finite, "
            f"got {ratio}"
        )
    return ratio


def wcs_forward(blot_wcs: Any, source_wcs: Any) -> Forward:
    """Mapping between two WCS objects, on copies of its own.

    astropy's objects must not be used by two threads at once, and callers' threads may share them.
    """
    if isinstance(blot_wcs, astropy.wcs.WCS) and isinstance(source_wcs, astropy.wcs.WCS):
        return WCSMap(blot_wcs.deepcopy(), source_wcs).forward
    return _CommonInterfaceMap(blot_wcs, source_wcs).forward


def custom_forward(wcsmap: Any, blot_wcs: Any, source_wcs: Any) -> Forward:
    """Mapping of a caller's class, called as ``wcsmap(blot_wcs, source_wcs)``.

    Raises
    ------
    TypeError
        If what it makes has no ``forward(x, y)``.
    """
    if not callable(wcsmap):
        raise TypeError(
            "wcsmap must be a class (or function) to be called as wcsmap(blot_wcs, source_wcs), "
            f"got {type(wcsmap).__name__}"
        )
    made = wcsmap(blot_wcs, source_wcs)
    forward = getattr(made, "forward", None)
    if not callable(forward):
        raise TypeError(
            f"wcsmap(blot_wcs, source_wcs) must have a method forward(x, y), got {made!r}"
        )

    return _CheckedMap(made).forward


class _CheckedMap:
    """A caller's mapping, whose answers are checked."""

    def __init__(self, made: Any) -> None:
        self._made = made

    def forward(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> Positions:
        """Positions on the source image of positions on the output image."""
        return checked_positions(self._made.forward(x, y), x.size, "wcsmap's forward(x, y)")


def checked_positions(answer: Any, size: int, what: str) -> Positions:
    """Positions out of whatever a caller's function, `what`, returned.

    Raises
    ------
    ValueError
        If they are not two arrays of `size` numbers.
    """
    message = f"{what} must return x and y, each of {size} numbers, got "
    try:
        x, y = answer
        x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(message + f"{type(answer).__name__}") from error
    if x.shape != (size,) or y.shape != (size,):
        raise ValueError(message + f"shapes {x.shape} and {y.shape}")
    return x, y
