"""The exact mapping written out once more, slowly, in extended precision and by way of the sky."""

from __future__ import annotations

from typing import Any

import numpy as np

REAL = np.longdouble
DEGREE = np.arctan(REAL(1.0)) * 4 / 180


def table_at(table: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Bilinear lookup, held beyond the ends, as in the FITS distortion paper."""
    if table is None:
        return np.zeros_like(x)
    values = np.asarray(table.data, dtype=REAL)
    cells = []
    for position, axis in ((x, 0), (y, 1)):
        n = values.shape[1 - axis]
        index = (position - table.crval[axis]) / REAL(table.cdelt[axis]) + table.crpix[axis] - 1
        index = np.clip(index, 0, n - 1)
        low = np.floor(index).astype(int)
        cells.append((low, np.minimum(low + 1, n - 1), index - low))
    (i0, i1, s), (j0, j1, t) = cells
    lower = values[j0, i0] * (1 - s) + values[j0, i1] * s
    upper = values[j1, i0] * (1 - s) + values[j1, i1] * s
    return lower * (1 - t) + upper * t


def polynomial_at(coefficients: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    order = len(coefficients) - 1
    total = np.zeros_like(u)
    for p in range(order + 1):
        for q in range(order + 1 - p):
            total += REAL(coefficients[p, q]) * u**p * v**q
    return total


def focal(wcs: Any, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    cx, cy = x + table_at(wcs.det2im1, x, y), y + table_at(wcs.det2im2, x, y)
    fx, fy = cx + table_at(wcs.cpdis1, cx, cy), cy + table_at(wcs.cpdis2, cx, cy)
    if wcs.sip is not None:
        u, v = cx - REAL(wcs.sip.crpix[0]), cy - REAL(wcs.sip.crpix[1])
        fx, fy = fx + polynomial_at(wcs.sip.a, u, v), fy + polynomial_at(wcs.sip.b, u, v)
    return fx, fy


def exact_positions(
    blot_wcs: Any, source_wcs: Any, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Source positions of output positions, both FITS (1-based); TAN to TAN."""
    fx, fy = focal(blot_wcs, np.asarray(x, dtype=REAL), np.asarray(y, dtype=REAL))
    cd = np.asarray(blot_wcs.pixel_scale_matrix, dtype=REAL)
    u, v = fx - REAL(blot_wcs.wcs.crpix[0]), fy - REAL(blot_wcs.wcs.crpix[1])
    xi, eta = ((cd[k, 0] * u + cd[k, 1] * v) * DEGREE for k in (0, 1))
    lon0, lat0 = (REAL(c) * DEGREE for c in blot_wcs.wcs.crval)
    # Calabretta & Greisen 2002, A&A 395, 1077: the tangent plane's point as a vector on the sky.
    east = (-np.sin(lon0), np.cos(lon0), REAL(0))
    north = (-np.sin(lat0) * np.cos(lon0), -np.sin(lat0) * np.sin(lon0), np.cos(lat0))
    centre = (np.cos(lat0) * np.cos(lon0), np.cos(lat0) * np.sin(lon0), np.sin(lat0))
    d = [c + xi * e + eta * n for c, e, n in zip(centre, east, north, strict=True)]
    lon, lat = np.arctan2(d[1], d[0]), np.arctan2(d[2], np.hypot(d[0], d[1]))

    lon1, lat1 = (REAL(c) * DEGREE for c in source_wcs.wcs.crval)
    cosine = np.sin(lat1) * np.sin(lat) + np.cos(lat1) * np.cos(lat) * np.cos(lon - lon1)
    xi = np.cos(lat) * np.sin(lon - lon1) / cosine
    eta = (np.cos(lat1) * np.sin(lat) - np.sin(lat1) * np.cos(lat) * np.cos(lon - lon1)) / cosine
    cd = np.asarray(source_wcs.pixel_scale_matrix, dtype=REAL) * DEGREE
    determinant = cd[0, 0] * cd[1, 1] - cd[0, 1] * cd[1, 0]
    sx = (cd[1, 1] * xi - cd[0, 1] * eta) / determinant + REAL(source_wcs.wcs.crpix[0])
    sy = (cd[0, 0] * eta - cd[1, 0] * xi) / determinant + REAL(source_wcs.wcs.crpix[1])
    behind = cosine <= 0
    return np.where(behind, np.nan, sx), np.where(behind, np.nan, sy)
