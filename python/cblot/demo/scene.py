"""Pixels of the example: a field of stars and galaxies, its exposures, and their cosmic rays."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

EXPTIME: Final = 500.0
READ_NOISE: Final = 4.5
SKY: Final = 0.09

_STARS: Final = 700
_GALAXIES: Final = 110
_TRACKS: Final = 900
_FWHM: Final = 2.0
_BETA: Final = 3.5
_ALPHA: Final = _FWHM / (2.0 * math.sqrt(2.0 ** (1.0 / _BETA) - 1.0))
_SUBPIXELS: Final = 5

# AstroDrizzle's two passes: signal to noise, and the part of the derivative that is forgiven.
_FIRST: Final = (4.5, 1.2)
_SECOND: Final = (3.0, 0.7)


@dataclass(frozen=True)
class Field:
    """What there is to see: sky positions in degrees, electrons a second, shapes in pixels."""

    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    rate: NDArray[np.float64]
    radius: NDArray[np.float64]
    axis_ratio: NDArray[np.float64]
    angle: NDArray[np.float64]


@dataclass(frozen=True)
class Tracks:
    """Injected cosmic rays: electrons in each pixel, and the pixels (flat index) of each track."""

    electrons: Image
    pixels: list[NDArray[np.intp]]


@dataclass
class Score:
    """What was found of what was injected, in pixels and tracks that could be found."""

    tracks: int = 0
    tracks_found: int = 0
    pixels: int = 0
    pixels_found: int = 0
    wrong: int = 0
    searched: int = 0

    def add(self, other: Score) -> None:
        """Add another exposure's counts."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


def make_field(rng: np.random.Generator, ra: float, dec: float, half: float) -> Field:
    """Return a random field around a position.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    ra, dec : float
        The middle, in degrees.
    half : float
        Half the side of the square that is filled, in degrees.

    Returns
    -------
    Field
        Stars (of radius 0) and galaxies.
    """
    n = _STARS + _GALAXIES
    star = np.arange(n) < _STARS
    x, y = rng.uniform(-half, half, (2, n))
    return Field(
        ra=ra + x / math.cos(math.radians(dec)),
        dec=dec + y,
        rate=np.where(star, 10.0 ** rng.uniform(-0.3, 2.2, n), 10.0 ** rng.uniform(0.6, 2.1, n)),
        radius=np.where(star, 0.0, rng.uniform(2.0, 6.0, n)),
        axis_ratio=rng.uniform(0.3, 1.0, n),
        angle=rng.uniform(0.0, math.pi, n),
    )


def ideal_exposure(field: Field, wcs: Any, roll: float) -> NDArray[np.float64]:
    """Return an exposure's expected electrons, without noise, sky included.

    Parameters
    ----------
    field : Field
        What there is to see.
    wcs : astropy.wcs.WCS
        The exposure's WCS.
    roll : float
        Roll in degrees, by which galaxies turn.

    Returns
    -------
    ndarray, shape ``wcs.array_shape``
        Electrons. As in a flat-fielded image, they follow surface brightness.
    """
    ny, nx = wcs.array_shape
    image = np.full((ny, nx), SKY * EXPTIME)
    rough_x, rough_y = wcs.wcs_world2pix(field.ra, field.dec, 0)
    near = (abs(rough_x - nx / 2) < nx / 2 + 60) & (abs(rough_y - ny / 2) < ny / 2 + 60)
    index = np.flatnonzero(near)
    xs, ys = wcs.all_world2pix(field.ra[index], field.dec[index], 0)
    for k, x, y in zip(index, xs, ys, strict=True):
        half = 24 if field.radius[k] == 0.0 else int(8.0 * field.radius[k]) + 8
        x0, y0 = round(float(x)) - half, round(float(y)) - half
        left, right = max(x0, 0), min(x0 + 2 * half + 1, nx)
        low, high = max(y0, 0), min(y0 + 2 * half + 1, ny)
        if left >= right or low >= high:
            continue
        dx = _subpixels(left, right) - x
        dy = _subpixels(low, high)[:, None] - y
        if field.radius[k] == 0.0:
            fine = _star(dx, dy)
        else:
            angle = field.angle[k] - math.radians(roll)
            fine = _galaxy(dx, dy, field.radius[k], field.axis_ratio[k], angle)
        n = _SUBPIXELS
        pixels = fine.reshape(high - low, n, right - left, n).mean(axis=(1, 3))
        image[low:high, left:right] += field.rate[k] * EXPTIME * pixels
    return image


def _subpixels(start: int, stop: int) -> NDArray[np.float64]:
    return (np.arange((stop - start) * _SUBPIXELS) + 0.5) / _SUBPIXELS + start - 0.5


def _star(dx: NDArray[np.float64], dy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Moffat profile of unit flux."""
    peak = (_BETA - 1.0) / (math.pi * _ALPHA**2)
    profile: NDArray[np.float64] = peak * (1.0 + (dx**2 + dy**2) / _ALPHA**2) ** -_BETA
    return profile


def _galaxy(
    dx: NDArray[np.float64], dy: NDArray[np.float64], radius: float, ratio: float, angle: float
) -> NDArray[np.float64]:
    """Exponential disk of unit flux, its cusp softened as the PSF would."""
    u = dx * math.cos(angle) + dy * math.sin(angle)
    v = (dy * math.cos(angle) - dx * math.sin(angle)) / ratio
    distance = np.sqrt(u**2 + v**2 + 1.0)
    soft = math.exp(-1.0 / radius) * (1.0 + 1.0 / radius)
    profile: NDArray[np.float64] = np.exp(-distance / radius) / (
        2.0 * math.pi * radius**2 * ratio * soft
    )
    return profile


def make_tracks(rng: np.random.Generator, shape: tuple[int, int]) -> Tracks:
    """Return random cosmic rays: straight tracks of 1 to 8 pixels.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    shape : tuple of int
        Shape (ny, nx) of the exposure.

    Returns
    -------
    Tracks
        Their electrons and pixels.
    """
    ny, nx = shape
    electrons = np.zeros(shape, dtype=np.float32)
    pixels = []
    for _ in range(_TRACKS):
        length = int(rng.integers(1, 9))
        angle = rng.uniform(0.0, 2.0 * math.pi)
        steps = np.arange(length)
        x = np.rint(rng.uniform(0, nx - 1) + steps * math.cos(angle)).astype(np.intp)
        y = np.rint(rng.uniform(0, ny - 1) + steps * math.sin(angle)).astype(np.intp)
        inside = (x >= 0) & (x < nx) & (y >= 0) & (y < ny)
        flat = np.unique(y[inside] * nx + x[inside])
        total = rng.lognormal(math.log(1800.0), 0.7)
        electrons.flat[flat] += total * rng.dirichlet(np.full(flat.size, 8.0))
        pixels.append(flat)
    return Tracks(electrons, pixels)


def observe(rng: np.random.Generator, ideal: NDArray[np.float64], tracks: Tracks) -> Image:
    """Return an exposure in electrons: photon noise, cosmic rays, read noise.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    ideal : ndarray
        Expected electrons.
    tracks : Tracks
        Cosmic rays to add.

    Returns
    -------
    ndarray of float32
        The exposure.
    """
    noisy = rng.poisson(ideal) + tracks.electrons + rng.normal(0.0, READ_NOISE, ideal.shape)
    return noisy.astype(np.float32)


def find_cosmic_rays(exposure: Image, model: Image, covered: Mask) -> Mask:
    """Flag pixels where an exposure and its blot differ, as AstroDrizzle does.

    Parameters
    ----------
    exposure, model : ndarray
        The exposure, and its blot with the sky added, in electrons.
    covered : ndarray of bool
        Where the blot can be trusted.

    Returns
    -------
    ndarray of bool
        Pixels beyond the noise and the part of the blot's derivative that is forgiven, then those
        next to them beyond lower limits.
    """
    difference = np.abs(exposure - model)
    noise = np.sqrt(np.maximum(model, 0.0) + READ_NOISE**2)
    padded = np.pad(model, 1, mode="edge")
    neighbours = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    derivative = np.zeros_like(model)
    for neighbour in neighbours:
        np.maximum(derivative, np.abs(model - neighbour), out=derivative)
    first, second = (
        covered & (difference > snr * noise + scale * derivative)
        for snr, scale in (_FIRST, _SECOND)
    )
    flagged: Mask = first | (second & grow(first, 1))
    return flagged


def grow(mask: Mask, by: int) -> Mask:
    """Return a mask with all pixels up to `by` away, along rows, columns and diagonals."""
    ny, nx = mask.shape
    padded = np.pad(mask, by)
    rows = np.zeros((ny, nx + 2 * by), dtype=bool)
    for k in range(2 * by + 1):
        rows |= padded[k : k + ny]
    grown = np.zeros_like(mask)
    for k in range(2 * by + 1):
        grown |= rows[:, k : k + nx]
    return grown


def score(flagged: Mask, tracks: Tracks, ideal: NDArray[np.float64], searched: Mask) -> Score:
    """Compare flags with the truth.

    Parameters
    ----------
    flagged, searched : ndarray of bool
        The flags, and where they were looked for.
    tracks : Tracks
        The truth.
    ideal : ndarray
        Expected electrons, which say how much noise there is.

    Returns
    -------
    Score
        A pixel counts if its cosmic-ray electrons are above 5 sigma of the noise, a track if any of
        its pixels does; a track is found if half of those pixels or more are flagged.
    """
    bright = (tracks.electrons > 5.0 * np.sqrt(ideal + READ_NOISE**2)) & searched
    result = Score(
        pixels=int(bright.sum()),
        pixels_found=int((bright & flagged).sum()),
        wrong=int((flagged & (tracks.electrons == 0.0)).sum()),
        searched=int(searched.sum()),
    )
    for flat in tracks.pixels:
        hits = flagged.ravel()[flat[bright.ravel()[flat]]]
        result.tracks += bool(hits.size)
        result.tracks_found += bool(hits.size) and 2 * int(hits.sum()) >= hits.size
    return result
