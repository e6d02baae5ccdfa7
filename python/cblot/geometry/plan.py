"""A pair of WCS objects, or a caller's class, as a mapping in the core's form."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cblot.core import machine
from cblot.core.mappings import AnyMapping, CallbackMapping, ExactMapping, NodeMapping
from cblot.geometry.maps import CallersMap, Forward, Positions, is_default
from cblot.geometry.nodes import grid_shape, is_smooth, nodes_of, patched, strays_of
from cblot.geometry.pair import Pair, output_shape, without_distortion
from cblot.geometry.tangent import native_mapping, tables


def _native_nodes(
    native: ExactMapping, shape: tuple[int, int], step: int, threads: int
) -> NodeMapping:
    """The same nodes, mapped by the core."""
    x, y = np.empty((2, *grid_shape(shape, step)))
    native.nodes(x, y, step=step, threads=threads, isa=machine.ISA)
    return NodeMapping(x, y, step)


def _rows_mapping(forward: Forward, nx: int) -> CallbackMapping:
    """Every pixel mapped by a function, many rows a call."""
    columns = np.arange(1, nx + 1, dtype=np.float64)

    def fill(row_begin: int, row_end: int, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        rows = np.arange(row_begin + 1, row_end + 1, dtype=np.float64)
        px, py = forward(np.tile(columns, rows.size), np.repeat(rows, nx))
        np.subtract(px, 1.0, out=x.reshape(-1))
        np.subtract(py, 1.0, out=y.reshape(-1))

    return CallbackMapping(fill, nx)


class _NativeMap:
    """Exact mapping by the core as a function of FITS positions."""

    def __init__(self, native: ExactMapping) -> None:
        self._native = native

    def forward(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> Positions:
        """Positions on the source image of positions on the output image."""
        x, y = x.astype(np.float64, order="C"), y.astype(np.float64, order="C")
        self._native.positions_at(x, y, isa=machine.ISA)
        x += 1.0
        y += 1.0
        return x, y


class Plan:
    """A mapping in the core's form, for one call or for many.

    Attributes
    ----------
    core : object
        What `_core.blot` takes.
    forward : callable
        The exact mapping of FITS positions.
    native : bool
        Whether `forward` is the core's own, which any number of threads may call at once.
    shape : tuple of int
        Shape (ny, nx) of the output.
    pix_ratio : float
        Ratio of the pixel scales.
    """

    def __init__(
        self,
        blot_wcs: Any,
        source_wcs: Any,
        step: int,
        *,
        coeffs: bool,
        wcsmap: Any,
        classic: bool,
        threads: int,
        owned: bool = False,
    ) -> None:
        self.shape = shape = output_shape(blot_wcs)
        pair = Pair(blot_wcs, source_wcs, coeffs, owned=owned)
        self.pix_ratio = pair.ratio(shape)
        self.step = step
        self.core: AnyMapping
        self.native = False
        self.forward: Forward = pair.forward
        if wcsmap is not None and not is_default(wcsmap):
            # It may change or keep what it is given.
            grid_wcs = blot_wcs if coeffs else without_distortion(blot_wcs)
            callers = CallersMap(wcsmap, grid_wcs, source_wcs, shape[1])
            self.step, self.forward = 0, callers.forward
            self.core = _rows_mapping(self.forward, shape[1])
            return
        if wcsmap is not None:
            self.step = step = 0
        native = None if classic else native_mapping(pair, shape)
        if native is not None:
            self.native, self.forward = True, _NativeMap(native).forward
        exact = _rows_mapping(self.forward, shape[1]) if native is None else native
        given = [] if classic or step == 0 else tables(pair.blot)
        strays = [strays_of(*table, step) for table in given]
        if step == 0 or math.inf in strays:
            self.core, self.step = exact, 0
            return
        if native is not None:
            nodes = _native_nodes(native, shape, step, threads)
        else:
            nodes = nodes_of(pair.forward, pair.beyond, shape, step)
        if classic or (self.native and is_smooth(nodes, sum(strays))):
            self.core = nodes
        else:
            cells = patched(nodes, self.forward, shape)
            self.core, self.step = (exact, 0) if cells is None else (cells, step)
