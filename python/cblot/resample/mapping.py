"""`Mapping`: where the pixels of an exposure lie on a source, computed once and kept."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cblot import geometry, remarks
from cblot.core import machine
from cblot.core.arrays import as_step
from cblot.core.mappings import pixmap_of, without_callback
from cblot.core.request import Request
from cblot.forks.locks import new_lock


def warn_of_shape(request: Request, expected: Any) -> None:
    """Warn of a source of another shape than its WCS, if that has one."""
    remark = geometry.remark_on_shape(request.source.shape, expected)
    if remark:
        remarks.warn(remark)


class Mapping:
    """A mapping from the pixels of an exposure to those of a source, computed once.

    ``mapping.blot(source, exptime)`` uses it without any WCS; or it is passed to `do_blot` as
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

    Between two TAN projections, of one frame of the sky or of two of which neither is FK4, the
    exposure's with any distortion by detector tables, SIP polynomials and lookup tables, the core
    computes positions, for every pixel anew where they are exact. Any other exact mapping takes 16
    bytes a pixel.

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
        self._plan = plan = geometry.Plan(
            blot_wcs, source_wcs, as_step(stepsize),
            coeffs=coeffs, wcsmap=wcsmap, classic=classic, threads=machine.thread_count(None),
        )  # fmt: skip
        # WCS objects and callers' classes must not be used by two threads at once.
        self._lock = new_lock()
        self.shape, self.stepsize, self.pix_ratio = plan.shape, plan.step, plan.pix_ratio
        self.coeffs, self.classic = bool(coeffs), bool(classic)
        self._fingerprint = geometry.Fingerprint(blot_wcs, source_wcs, plan.shape)
        self._source_shape = getattr(source_wcs, "array_shape", None)
        plan.core = without_callback(plan.core, plan.shape)

    def __copy__(self) -> Mapping:
        # It asks the same objects, so it waits for the same lock.
        made = object.__new__(type(self))
        vars(made).update(vars(self))
        return made

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._lock = new_lock()

    def __repr__(self) -> str:
        kind = "exact" if self.stepsize == 0 else f"stepsize {self.stepsize}"
        return f"<cblot.Mapping of {self.shape[0]} x {self.shape[1]} pixels, {kind}>"

    def forward(
        self, x: ArrayLike, y: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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
        count = machine.thread_count(threads)
        return pixmap_of(self._plan.core, self.shape, float(origin), count)

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
        self._check_arithmetic(classic)
        request = Request(
            source, interp=interp, sinscl=sinscl, exptime=exptime, pix_ratio=self.pix_ratio,
            peer="drizzlepac" if classic else "", fillval=fillval, threads=threads,
        )  # fmt: skip
        if out is not None:
            request.write_to(out, "out", self.shape)
        warn_of_shape(request, self._source_shape)
        return request.run(self._plan.core, self.shape, bool(return_footprint)).returned

    def _check_arithmetic(self, classic: bool) -> None:
        if classic and not self.classic:
            raise ValueError("classic=True needs a Mapping that was made with classic=True")

    def plan_for(
        self, blot_wcs: Any, source_wcs: Any, coeffs: bool, classic: bool
    ) -> geometry.Plan:
        """Return what the core takes, for a pair of WCS.

        Raises
        ------
        ValueError
            If it was made for something else than it is used for.
        """
        shape = geometry.output_shape(blot_wcs)
        if self.shape != shape:
            raise ValueError(
                f"wcsmap, a Mapping, must be of the shape of blot_wcs, {shape}, got {self.shape}"
            )
        if self.coeffs != bool(coeffs):
            raise ValueError(
                f"wcsmap, a Mapping, was made with coeffs={self.coeffs}, got coeffs={bool(coeffs)}"
            )
        self._check_arithmetic(classic)
        self._fingerprint.check(blot_wcs, source_wcs)
        return self._plan
