"""Mappings in the core's form, made from WCS objects or callers' classes; `Mapping` keeps one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cblot import (
    _arrays,
    _build,
    _coefficients,
    _core,
    _forks,
    _maps,
    _nodes,
    _outputs,
    _remarks,
    _run,
    _wcs,
)
from cblot._maps import Forward, Positions
from cblot._windows import Source


def native_node_mapping(
    native: _core.ExactMapping, shape: tuple[int, int], step: int, threads: int
) -> _core.NodeMapping:
    """The same nodes, mapped by the core."""
    x, y = np.empty((2, *_nodes.grid_shape(shape, step)))
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
            sx, sy = _maps.checked_positions(callback(px, py), nx, "callback(x, y)")
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
        pair = _wcs.Pair(blot_wcs, source_wcs, coeffs)
        self.pix_ratio = pair.ratio(shape)
        self.step = step
        self.core: _core.AnyMapping
        self.native = False
        self.forward: Forward = pair.forward
        if wcsmap is not None and not _maps.is_default(wcsmap):
            # It may change or keep what it is given.
            grid_wcs = blot_wcs if coeffs else _wcs.without_distortion(blot_wcs)
            callers = _maps.CallersMap(wcsmap, grid_wcs, source_wcs, shape[1])
            self.step, self.forward = 0, callers.forward
            self.core = rows_mapping(self.forward, shape[1])
            return
        if wcsmap is not None:
            self.step = step = 0
        native = None if classic else _coefficients.native_mapping(pair, shape)
        if native is not None:
            self.native, self.forward = True, NativeMap(native).forward
        exact = rows_mapping(self.forward, shape[1]) if native is None else native
        tables = [] if classic or step == 0 else _coefficients.tables(pair.blot)
        if step == 0 or not all(_nodes.follow(*table, step) for table in tables):
            self.core, self.step = exact, 0
            return
        if native is not None:
            nodes = native_node_mapping(native, shape, step, threads)
        else:
            nodes = _nodes.nodes_of(pair.forward, pair.beyond, shape, step)
        if classic or (self.native and _nodes.is_smooth(nodes)):
            self.core = nodes
        else:
            patched = _nodes.patched(nodes, self.forward, shape)
            self.core, self.step = (exact, 0) if patched is None else (patched, step)

    def pixmap(self, origin: float, threads: int) -> NDArray[np.float64]:
        """Source positions of all output pixels, plus origin; shape (ny, nx, 2)."""
        result = np.empty((*self.shape, 2))
        _core.positions(self.core, result, origin=origin, threads=threads, isa=_build.ISA)
        return result


class Mapping:
    """A mapping from the pixels of an exposure to those of a source, computed once.

    ``mapping.blot(data, exptime)`` uses it without any WCS; or it is passed to `do_blot` as
    ``wcsmap`` with the pair of WCS that it was made of; another is refused. Any number of times,
    and from any number of threads. The result is that of the WCS objects, to the last bit.

    Parameters
    ----------
    blot_wcs, source_wcs : object
        WCS of the exposure, with a shape, and of the source; see `do_blot`. By keyword only:
        swapped, they would give the mapping back.
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
    Where nodes are used, a cell of them is mapped pixel by pixel if one of its corners has no
    position, or if its centre is more than 0.02 source pixels from where its corners say: at a
    branch cut of a whole-sky image, say; and all pixels are, if the exposure has a table of
    distortion that is finer than the nodes and that they don't follow to that. (Not so with
    `classic`.)

    Between two TAN projections with LONPOLE 180, the exposure's with any distortion by detector
    tables, SIP polynomials and lookup tables, the core computes positions, for every pixel anew
    where they are exact. Any other exact mapping takes 16 bytes a pixel.

    It can be copied and pickled, as long as a caller's own mapping or WCS can, and then maps an
    exposure's pixels to the same bits. (Where `forward` asks WCS objects, a pickle has their digits
    as astropy writes them, to some 1e-13.)
    """

    def __init__(
        self,
        *,
        blot_wcs: Any,
        source_wcs: Any,
        stepsize: int | None = 10,
        coeffs: bool = True,
        wcsmap: Any = None,
        classic: bool = False,
    ) -> None:
        step = _arrays.as_step(stepsize)
        self._plan = plan = Plan(
            blot_wcs, source_wcs, step,
            coeffs=coeffs, wcsmap=wcsmap, classic=classic, threads=_build.thread_count(None),
        )  # fmt: skip
        # WCS objects and callers' classes must not be used by two threads at once.
        self._lock = _forks.new_lock()
        self.shape, self.stepsize, self.pix_ratio = plan.shape, plan.step, plan.pix_ratio
        self.coeffs, self.classic = bool(coeffs), bool(classic)
        self._fingerprint = _wcs.Fingerprint(blot_wcs, source_wcs, plan.shape)
        self._source_shape = getattr(source_wcs, "array_shape", None)
        if isinstance(plan.core, _core.CallbackMapping):
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

    def blot(
        self,
        source: Any,
        exptime: float,
        interp: str = "poly5",
        sinscl: float = 1.0,
        *,
        fillval: float = 0.0,
        out: NDArray[Any] | None = None,
        classic: bool = False,
        threads: int | None = None,
        return_footprint: bool = False,
    ) -> NDArray[Any] | tuple[NDArray[Any], NDArray[Any]]:
        """Blot a clean image through this mapping, without any WCS; the arguments of `do_blot`.

        Parameters
        ----------
        source : array_like, shape (my, mx)
            Clean image whose pixels are those of the `source_wcs` that the mapping was made of; one
            of another shape is warned of, as in `do_blot`.
        exptime : float
            What to multiply by: the exposure time in seconds for counts, 1 for counts a second.
        interp : str, default 'poly5'
            Name of the interpolant, see `interpolants`.
        sinscl : float, default 1.0
            Size of the sinc kernel in source pixels; > 0.
        fillval : float, default 0.0
            Value of pixels that the source does not cover; not scaled.
        out : ndarray, optional
            Where to put the result; see `do_blot`.
        classic : bool, default False
            Reproduce drizzlepac's float32 arithmetic; of a mapping made with ``classic=True``.
        threads : int or None, default None
            See `do_blot`.
        return_footprint : bool, default False
            Return the footprint as well; see `do_blot`.

        Returns
        -------
        ndarray, shape ``mapping.shape``
            ``out``, or a new float32 array: interpolated value * exptime / pix_ratio**2.
        footprint : ndarray of the result's shape and type
            If `return_footprint`.

        Raises
        ------
        TypeError, ValueError
            For an argument that can't be used.
        """
        image = Source(source, "source")
        fill = _arrays.as_number(fillval, "fillval")
        workers = _build.thread_count(threads)
        self._check_arithmetic(classic)
        peer = "drizzlepac" if classic else ""
        options = _run.validate(interp, sinscl, exptime, self.pix_ratio, peer)
        if out is not None:
            _outputs.check_output(out, "out", self.shape)
            _outputs.check_apart(out, "out", image.memory, "the source image")
        remark = _wcs.remark_on_shape(image.shape, self._source_shape)
        if remark:
            _remarks.warn(remark)
        made = _run.run(
            image, out, self.shape, self._plan.core, fill, workers, options, bool(return_footprint)
        )
        return made.image if made.footprint is None else (made.image, made.footprint)

    def _check_arithmetic(self, classic: bool) -> None:
        if classic and not self.classic:
            raise ValueError("classic=True needs a Mapping that was made with classic=True")


def plan_of(
    mapping: Mapping,
    blot_wcs: Any,
    source_wcs: Any,
    coeffs: bool,
    classic: bool,
) -> Plan:
    """Return the plan of a mapping made earlier.

    Raises
    ------
    ValueError
        If it was made for something else than it is used for.
    """
    shape = _wcs.output_shape(blot_wcs)
    if mapping.shape != shape:
        raise ValueError(
            f"wcsmap, a Mapping, must be of the shape of blot_wcs, {shape}, got {mapping.shape}"
        )
    if mapping.coeffs != bool(coeffs):
        raise ValueError(
            f"wcsmap, a Mapping, was made with coeffs={mapping.coeffs}, got coeffs={bool(coeffs)}"
        )
    mapping._check_arithmetic(classic)
    mapping._fingerprint.check(blot_wcs, source_wcs)
    return mapping._plan
