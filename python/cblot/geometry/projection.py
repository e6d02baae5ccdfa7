"""TAN projections as the core has them: LONPOLE 180, longitude first, in one frame of the sky.

Any other is one of those after a rotation: of its plane, or of the sky.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cblot.geometry.adapters import FitsWCS


def tan_projection(adapted: FitsWCS, rotation: NDArray[np.float64] | None) -> tuple[Any, ...]:
    """CRPIX, CD matrix and CRVAL of a projection, in the order in which the core takes them.

    Parameters
    ----------
    adapted : FitsWCS
        Of a TAN projection.
    rotation : ndarray, shape (3, 3), or None
        Of its sky to that of the core's projection; None where they are one.
    """
    linear = adapted.wcs.wcs
    axes = list(adapted.world.axes)
    cd, crval = adapted.wcs.pixel_scale_matrix[axes], linear.crval[axes]
    if linear.lonpole != 180.0:
        # The celestial pole, which is up at 180, is at this angle from there.
        angle = np.radians(linear.lonpole - 180.0)
        c, s = np.cos(angle), np.sin(angle)
        cd = np.array([[c, s], [-s, c]]) @ cd
    if rotation is not None:
        turned = _directions(*crval) @ rotation.T
        x, y, z = turned[2]
        crval = np.degrees([np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))])
        cd = _directions(*crval)[:2] @ turned[:2].T @ cd
    return (*linear.crpix.tolist(), *cd.ravel().tolist(), *crval.tolist())


def _directions(lon: float, lat: float) -> NDArray[np.float64]:
    """East, north and outward, the rows, at a point of the sky."""
    a, d = np.radians([lon, lat])
    return np.array([
        [-np.sin(a), np.cos(a), 0.0],
        [-np.sin(d) * np.cos(a), -np.sin(d) * np.sin(a), np.cos(d)],
        [np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)],
    ])  # fmt: skip
