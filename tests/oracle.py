"""The slow truth: one position at a time, in float64, written from the definitions.

Nothing here is shared with the C++: weights are products and sines as they stand in the definition,
samples beyond the image come from a function of the index, and every sum runs over all taps.
"""

from __future__ import annotations

import math

import numpy as np


def sinc(v: float) -> float:
    return 1.0 if v == 0.0 else math.sin(math.pi * v) / (math.pi * v)


def shifted_sinc(t: float, k: int) -> float:
    """sinc(t - k), keeping the digits of t near 0 and 1, where t - k would lose them."""
    if t == k:
        return 1.0
    folded = 1.0 - t if t > 0.5 else t
    return (-1) ** k * math.sin(math.pi * folded) / (math.pi * (t - k))


def lagrange(nodes: range, t: float) -> dict[int, float]:
    return {k: math.prod((t - m) / (k - m) for m in nodes if m != k) for k in nodes}


def bspline(d: float) -> float:
    d = abs(d)
    if d < 1:
        return 2 / 3 - d * d + d**3 / 2
    return (2 - d) ** 3 / 6 if d < 2 else 0.0


def taper(k: int) -> float:
    u2 = (math.pi / 14) ** 2 * k * k
    return (1 - 0.49670 * u2 + 0.03705 * u2 * u2) ** 2


def normalised(weights: dict[int, float]) -> dict[int, float]:
    total = math.fsum(weights.values())
    return {k: w / total for k, w in weights.items()}


def taps(interp: str, position: float, sinscl: float) -> tuple[int, dict[int, float]]:
    """Base sample of an axis, and the weights by offset from it."""
    base = math.floor(position)
    t = position - base
    nearest = base + (t >= 0.5)
    if interp == "nearest":
        return nearest, {0: 1.0}
    if interp == "linear":
        return base, {0: 1 - t, 1: t}
    if interp == "poly3":
        return base, lagrange(range(-1, 3), t)
    if interp == "poly5":
        return base, lagrange(range(-2, 4), t)
    if interp == "spline3":
        return base, {k: bspline(t - k) for k in range(-1, 3)}
    if interp == "sinc":
        t = position - nearest
        weights = {k: sinc((t - k) / sinscl) * taper(k) for k in range(-7, 8)}
        size = math.fsum(abs(w) for w in weights.values())
        if abs(math.fsum(weights.values())) < 1e-3 * size or size < 1e-6:
            return nearest, {k: float(k == 0) for k in weights}
        return nearest, normalised(weights)
    a = {"lanczos3": 3, "lanczos5": 5}[interp]
    return base, normalised(
        {k: shifted_sinc(t, k) * sinc((t - k) / a) for k in range(1 - a, a + 1)}
    )


def expand(interp: str, k: int, n: int) -> dict[int, float]:
    """Sample k of an axis of n, as a combination of samples that exist."""
    if 0 <= k < n:
        return {k: 1.0}
    if interp.startswith("lanczos"):
        return {}
    if n == 1 or interp in ("nearest", "linear", "sinc"):
        return {min(max(k, 0), n - 1): 1.0}
    end = 0 if k < 0 else n - 1
    inner = expand(interp, 2 * end - k, n)
    if interp == "spline3":
        return inner
    combined = {m: -w for m, w in inner.items()}
    combined[end] = combined.get(end, 0.0) + 2.0
    return combined


def axis_weights(interp: str, position: float, n: int, sinscl: float) -> dict[int, float]:
    base, weights = taps(interp, position, sinscl)
    combined: dict[int, float] = {}
    for k, w in weights.items():
        for m, factor in expand(interp, base + k, n).items():
            combined[m] = combined.get(m, 0.0) + w * factor
    return normalised(combined) if interp.startswith("lanczos") else combined


def repaired(image: np.ndarray) -> np.ndarray:
    """Samples that are not finite, replaced by the mean of the nearest ring with finite ones."""
    result = image.copy()
    for j, i in np.argwhere(~np.isfinite(image)):
        result[j, i] = 0.0
        for d in range(1, 9):
            ring = [
                image[y, x]
                for y in range(max(0, j - d), min(image.shape[0], j + d + 1))
                for x in range(max(0, i - d), min(image.shape[1], i + d + 1))
                if max(abs(y - j), abs(x - i)) == d and np.isfinite(image[y, x])
            ]
            if ring:
                result[j, i] = math.fsum(ring) / len(ring)
                break
    return result


def spline_coefficients(image: np.ndarray) -> np.ndarray:
    """Solve for the coefficients that interpolate, mirrored at the ends."""

    def matrix(n: int) -> np.ndarray:
        m = np.zeros((n, n))
        for i in range(n):
            for k, w in ((-1, 1 / 6), (0, 2 / 3), (1, 1 / 6)):
                for index, factor in expand("spline3", i + k, n).items():
                    m[i, index] += w * factor
        return m

    ny, nx = image.shape
    columns = np.linalg.solve(matrix(ny), repaired(image))
    coefficients = np.linalg.solve(matrix(nx), columns.T).T
    coefficients[~np.isfinite(image)] = np.nan
    return coefficients


def blot(
    image: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    interp: str,
    sinscl: float = 1.0,
    fill: float = 0.0,
) -> np.ndarray:
    image = np.asarray(image, dtype=np.float64)
    ny, nx = image.shape
    if interp == "spline3":
        image = spline_coefficients(image)
    result = np.empty(np.shape(x))
    for index in np.ndindex(result.shape):
        px, py = float(x[index]), float(y[index])
        if not (0 <= px < nx and 0 <= py < ny):
            result[index] = fill
            continue
        wx = axis_weights(interp, px, nx, sinscl)
        wy = axis_weights(interp, py, ny, sinscl)
        with np.errstate(invalid="ignore"):
            result[index] = sum(
                b * sum(a * image[j, i] for i, a in wx.items()) for j, b in wy.items()
            )
    return result
