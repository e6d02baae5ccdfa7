"""Mappings in the core's form, made from WCS objects or callers' classes; `Mapping` keeps one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cblot import _arrays, _build, _coefficients, _core, _forks, _wcs
from cblot._wcs import Forward, Positions


def _grid_shape(shape: tuple[int, int], step: int) -> tuple[int, int]:
    return shape[0] // step + 2, shape[1] // step + 2


def node_mapping(forward: Forward, shape: tuple[int, int], step: int) -> _core.NodeMapping:
    """Nodes at FITS positions 0, step, 2 step ... of the whole frame, each mapped exactly."""
    rows, columns = _grid_shape(shape, step)
    x, y = np.meshgrid(
        step * np.arange(columns, dtype=np.float64), step * np.arange(rows, dtype=np.float64)
    )
    node_x, node_y = forward(x.ravel(), y.ravel())
    return _core.NodeMapping(node_x.reshape(x.shape), node_y.reshape(x.shape), step)


def native_node_mapping(
    native: _core.ExactMapping, shape: tuple[int, int], step: int, threads: int
) -> _core.NodeMapping:
    """The same nodes, mapped by the core."""
    x, y = np.empty((2, *_grid_shape(shape, step)))
    native.nodes(x, y, step=step, threads=threads, isa=_build.ISA)
    return _core.NodeMapping(x, y, step)


def rows_mapping(forward: Forward, nx: int) -> _core.CallbackMapping:
    """Every pixel mapped by a function, many rows a call."""
    columns = np.arange(1, nx + 1, dtype=np.float64)

    def fill(row_begin: int, row_end: int, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        rows = np.arange(row_begin + 1, row_end + 1, dtype=np.float64)
        px, py = forward(np.tile(columns, rows.size), np.repeat(rows, nx))
        np.subtract(px, 1.0, out=x.reshape(-1))
        np.subtract(py, 1.0, out=y.reshape(-1))

    return _core.CallbackMapping(fill, nx)


def classic_rows_mapping(
    callback: Any, nx: int, origin: tuple[float, float], step: float
) -> _core.CallbackMapping:
    """A callback of the classic C entry, which is asked for one row a call."""

    def fill(row_begin: int, row_end: int, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        for k, row in enumerate(range(row_begin, row_end)):
            px = 1.0 + step * np.arange(nx, dtype=np.float64)
            py = np.full(nx, row + 1.0)
            sx, sy = _wcs.checked_positions(callback(px, py), nx, "callback(x, y)")
            np.subtract(sx, origin[0], out=x[k])
            np.subtract(sy, origin[1], out=y[k])

    return _core.CallbackMapping(fill, nx)


class NativeMap:
    """Exact mapping by the core as a function of FITS positions."""

    def __init__(self, native: _core.ExactMapping) -> None:
        self._native = native

    def forward(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> Positions:
        """Positions on the source image of positions on the output image."""
        x, y = x.astype(np.float64, order="C"), y.astype(np.float64, order="C")
        self._native.positions_at(x, y, isa=_build.ISA)
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
    ) -> None:
        self.shape = shape = _wcs.output_shape(blot_wcs)
        grid_wcs = blot_wcs if coeffs else _wcs.without_distortion(blot_wcs)
        forward = _wcs.wcs_forward(grid_wcs, source_wcs)
        self.pix_ratio = _wcs.pixel_ratio(
            source_wcs, grid_wcs, coeffs=coeffs, shape=shape, forward=forward
        )
        native = None
        if wcsmap is not None:
            forward = _wcs.custom_forward(wcsmap, grid_wcs, source_wcs)
            step = 0
        elif not classic:
            native = _coefficients.native_mapping(grid_wcs, source_wcs, forward, shape)
        self.native = native is not None
        self.forward = forward if native is None else NativeMap(native).forward
        self.step = step
        self.core: _core.AnyMapping
        if native is not None:
            self.core = native if step == 0 else native_node_mapping(native, shape, step, threads)
        elif step == 0:
            self.core = rows_mapping(forward, shape[1])
        else:
            self.core = node_mapping(forward, shape, step)

    def pixmap(self, origin: float, threads: int) -> NDArray[np.float64]:
        """Source positions of all output pixels, plus origin; shape (ny, nx, 2)."""
        result = np.empty((*self.shape, 2))
        _core.positions(self.core, result, origin=origin, threads=threads, isa=_build.ISA)
        return result


class Mapping:
    """A mapping from the pixels of an exposure to those of a source, computed once.

    It is passed to `do_blot` as ``wcsmap``, any number of times and from any number of threads, in
    place of the WCS objects' own mapping, which it equals to the last bit.

    Parameters
    ----------
    blot_wcs, source_wcs : object
        WCS of the exposure, with a shape, and of the source; see `do_blot`. They are not kept.
    stepsize : int or None, default 10
        Pixels between the nodes at which positions are computed exactly, bilinear in between.
        0, 1 and None map every pixel exactly.
    coeffs : bool, default True
        False: without the distortion of `blot_wcs`.
    wcsmap : class, optional
        Mapping to use instead of the WCS; see `do_blot`.
    classic : bool, default False
        Ask the WCS objects themselves for every position, which ``do_blot(classic=True)`` needs.

    Attributes
    ----------
    shape : tuple of int
        Shape (ny, nx) of the exposure.
    stepsize : int
        Pixels between nodes; 0 where every pixel is mapped exactly.
    pix_ratio : float
        The source's pixel scale over the exposure's without distortion.
    coeffs, classic : bool
        As given.

    Raises
    ------
    TypeError
        If an argument is of a type that can't be used.
    ValueError
        If an argument has a value that can't be used.

    Notes
    -----
    Between two TAN projections with LONPOLE 180, the exposure's with any distortion by detector
    tables, SIP polynomials and lookup tables, the core computes positions, for every pixel anew
    where they are exact. Any other exact mapping takes 16 bytes a pixel.

    It can be copied and pickled, as long as a caller's own mapping or WCS can, and then maps an
    exposure's pixels to the same bits. (Where `forward` asks WCS objects, a pickle has their digits
    as astropy writes them, to some 1e-13.)
    """

    def __init__(
        self,
        blot_wcs: Any,
        source_wcs: Any,
        stepsize: int | None = 10,
        *,
        coeffs: bool = True,
        wcsmap: Any = None,
        classic: bool = False,
    ) -> None:
        step = _arrays.as_step(stepsize)
        _wcs.check_pair(source_wcs, blot_wcs)
        self._plan = plan = Plan(
            blot_wcs, source_wcs, step,
            coeffs=coeffs, wcsmap=wcsmap, classic=classic, threads=_build.thread_count(None),
        )  # fmt: skip
        # WCS objects and callers' classes must not be used by two threads at once.
        self._lock = _forks.new_lock()
        self.shape, self.stepsize, self.pix_ratio = plan.shape, plan.step, plan.pix_ratio
        self.coeffs, self.classic = bool(coeffs), bool(classic)
        self._source_shape = (
            None if source_wcs.array_shape is None else tuple(source_wcs.array_shape)
        )
        if plan.step == 0 and not plan.native:
            plan.core = _core.PixmapMapping(plan.pixmap(0.0, 1))

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._lock = _forks.new_lock()

    def __repr__(self) -> str:
        kind = "exact" if self.stepsize == 0 else f"stepsize {self.stepsize}"
        return f"<cblot.Mapping of {self.shape[0]} x {self.shape[1]} pixels, {kind}>"

    def forward(self, x: ArrayLike, y: ArrayLike) -> Positions:
        """Map any positions exactly, whatever the stepsize.

        Parameters
        ----------
        x, y : array_like
            Positions on the exposure, FITS (1-based); shapes that broadcast.

        Returns
        -------
        tuple of ndarray
            Positions on the source, FITS (1-based), float64; NaN where there is none.
        """
        px, py = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
        if self._plan.native:
            sx, sy = self._plan.forward(px.ravel(), py.ravel())
        else:
            with self._lock:
                sx, sy = self._plan.forward(px.ravel(), py.ravel())
        return sx.reshape(px.shape), sy.reshape(px.shape)

    def pixmap(self, origin: float = 0, *, threads: int | None = None) -> NDArray[np.float64]:
        """Source positions of all pixels, as `blot_image` and drizzle take them.

        Parameters
        ----------
        origin : float, default 0
            Position of the centre of the source's first pixel: 0, or 1 as in FITS.
        threads : int or None, default None
            See `do_blot`.

        Returns
        -------
        ndarray, shape (ny, nx, 2), float64
            x and y on the source of each pixel of the exposure.
        """
        return self._plan.pixmap(float(origin), _build.thread_count(threads))


def plan_of(
    mapping: Mapping,
    shape: tuple[int, int],
    source_shape: tuple[int, ...],
    coeffs: bool,
    classic: bool,
) -> Plan:
    """Return the plan of a mapping made earlier.

    Raises
    ------
    ValueError
        If it was made for something else than it is used for.
    """
    expected = mapping._source_shape
    if mapping.shape != shape:
        raise ValueError(
            f"wcsmap, a Mapping, must be of the shape of blot_wcs, {shape}, got {mapping.shape}"
        )
    if expected is not None and expected != source_shape:
        raise ValueError(
            f"wcsmap, a Mapping, is onto a source of shape {expected}, got shape {source_shape}"
        )
    if mapping.coeffs != bool(coeffs):
        raise ValueError(
            f"wcsmap, a Mapping, was made with coeffs={mapping.coeffs}, got coeffs={bool(coeffs)}"
        )
    if classic and not mapping.classic:
        raise ValueError("classic=True needs a Mapping that was made with classic=True")
    return mapping._plan
