"""Node grids: where nodes stand, and the cells in which their mean is not where a pixel is."""

from __future__ import annotations

import logging
import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cblot.core.mappings import (
    NodeMapping,
    greatest_kink,
    greatest_roughness,
    node_count,
    patch_size,
)
from cblot.geometry.maps import Forward

log = logging.getLogger(__name__)

# Source pixels that the mean of a cell's nodes may be off at its centre; a cell where it is more is
# mapped pixel by pixel. At the default step the distortion of HST's and JWST's cameras is followed
# to 5e-3 pixel.
TOLERANCE: Final = 0.02
# Of all pixels, the part in such cells from which on it is simpler to map all of them so.
_MOST = 0.25
# Positions to ask for at once.
_CHUNK = 1 << 20


def grid_shape(shape: tuple[int, int], step: int) -> tuple[int, int]:
    """Rows and columns of the nodes of an output of a shape (ny, nx)."""
    return node_count(step, shape[0]), node_count(step, shape[1])


def nodes_of(
    forward: Forward, beyond: Forward | None, shape: tuple[int, int], step: int
) -> NodeMapping:
    """Nodes at FITS positions 0, step, 2 step ... of the whole frame, each mapped exactly.

    Parameters
    ----------
    forward : callable
        The mapping of FITS positions.
    beyond : callable or None
        The same without a bounding box: for nodes outside the frame, if the frame's nearest pixel
        is within the box.
    shape : tuple of int
        Shape (ny, nx) of the output.
    step : int
    """
    rows, columns = grid_shape(shape, step)
    x, y = np.meshgrid(
        step * np.arange(columns, dtype=np.float64), step * np.arange(rows, dtype=np.float64)
    )
    px, py = x.ravel(), y.ravel()
    node_x, node_y = (np.array(values) for values in forward(px, py))
    if beyond is not None:
        near_x, near_y = np.clip(px, 1.0, shape[1]), np.clip(py, 1.0, shape[0])
        lost = ~(np.isfinite(node_x) & np.isfinite(node_y)) & ((near_x != px) | (near_y != py))
        there = np.isfinite(forward(near_x[lost], near_y[lost])).all(axis=0)
        lost[lost] = there
        node_x[lost], node_y[lost] = beyond(px[lost], py[lost])
    return NodeMapping(node_x.reshape(x.shape), node_y.reshape(x.shape), step)


def is_smooth(nodes: NodeMapping, strays: float) -> bool:
    """Whether nodes alone tell, of a mapping that is smooth between them, that no cell is off.

    But for its tables of distortion, of which `strays` says how far those are from smooth.
    """
    return min(nodes.x.shape) > 2 and nodes.bend() / 4.0 + strays <= TOLERANCE


def strays_of(values: NDArray[Any], spacing: tuple[float, float], step: int) -> float:
    """How far means of nodes may be from a table of distortion, between the nodes.

    Parameters
    ----------
    values : ndarray of float32
        Of the table, in pixels.
    spacing : tuple of float
        Pixels between its elements, along x and y.
    step : int

    Returns
    -------
    float
        Pixels; NaN if an element is. Infinity if the table is finer than the nodes, and rough:
        neither they nor the centres of their cells may see a column that is off.
    """
    strays = 0.0
    for axis, between in ((1, spacing[0]), (0, spacing[1])):
        n = min(math.ceil(step / between), values.shape[axis] - 1)
        if n > 1:
            roughness = greatest_roughness(values, n, axis == 0)
            if not roughness <= TOLERANCE:
                return math.inf
            strays += roughness
        else:  # at the most, a bend of the table is in the middle between two nodes
            strays += greatest_kink(values, axis == 0) * min(step / between, 1.0) / 4.0
    return strays


def patched(nodes: NodeMapping, forward: Forward, shape: tuple[int, int]) -> NodeMapping | None:
    """Nodes with all cells mapped pixel by pixel whose centre is not where their corners say.

    Those are the cells at a branch cut or a pole, and those with a corner that has no position.

    Returns
    -------
    NodeMapping or None
        None if it is too many: then all pixels are to be mapped so.
    """
    step = nodes.step
    x, y = nodes.x, nodes.y
    columns, at_x, along_x = _middles(shape[1], step)
    rows, at_y, along_y = _middles(shape[0], step)
    cx, cy = np.meshgrid(at_x, at_y)
    found = forward(cx.ravel(), cy.ravel())
    bad = np.zeros((rows, columns), dtype=bool)
    for grid, exact in zip((x, y), found, strict=True):
        with np.errstate(invalid="ignore", over="ignore"):
            row = grid[:-1] + (grid[1:] - grid[:-1]) * along_y[:, None]
            mean = row[:, :-1] + (row[:, 1:] - row[:, :-1]) * along_x
            bad |= ~(np.abs(mean - np.reshape(exact, mean.shape)) <= TOLERANCE)
    count = int(bad.sum())
    if count == 0:
        return nodes
    height, width = patch_size(step, shape[0]), patch_size(step, shape[1])
    if count * height * width > _MOST * shape[0] * shape[1]:
        log.debug("%d of %d cells of nodes are off: all pixels are mapped exactly", count, bad.size)
        return None
    log.debug("%d of %d cells of nodes are mapped pixel by pixel", count, bad.size)
    cells = np.full(bad.shape, -1, dtype=np.int32)
    cells[bad] = np.arange(count)
    patch_x, patch_y = np.full((2, count, height, width), np.nan)
    l, k = np.nonzero(bad)  # noqa: E741 - as the cells are called in the core
    per_chunk = max(1, _CHUNK // (height * width))
    for first in range(0, count, per_chunk):
        some = slice(first, first + per_chunk)
        py = (l[some] * step)[:, None, None] + np.arange(height)[:, None]
        px = (k[some] * step)[:, None, None] + np.arange(width)
        py, px = np.broadcast_arrays(py, px)
        inside = (py >= 1) & (py <= shape[0]) & (px >= 1) & (px <= shape[1])
        asked = forward(px[inside].astype(np.float64), py[inside].astype(np.float64))
        patch_x[some][inside], patch_y[some][inside] = asked
    patches = (cells, patch_x.reshape(-1, width), patch_y.reshape(-1, width))
    return NodeMapping(x, y, step, patches)


def _middles(n: int, step: int) -> tuple[int, NDArray[np.float64], NDArray[np.float64]]:
    """How many cells there are along an axis of n pixels, and of each the middle of its pixels.

    FITS positions, and where those lie between two nodes, 0 to 1.
    """
    count = node_count(step, n) - 1
    begin = step * np.arange(count, dtype=np.float64)
    middle = (np.maximum(begin, 1.0) + np.minimum(begin + step - 1.0, n)) / 2.0
    return count, middle, (middle - begin) / step
