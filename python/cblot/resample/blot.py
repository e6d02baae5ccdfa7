"""`do_blot`, `blot_image`: arguments in, the core's answer out."""

from __future__ import annotations

import math
from typing import Any, Final, Literal, overload

import numpy as np
from numpy.typing import NDArray

from cblot import geometry, remarks
from cblot.core import annotated, arrays, outputs
from cblot.core.mappings import PixmapMapping
from cblot.core.request import Request, validate
from cblot.resample.mapping import Mapping, warn_of_shape


def own_wcs(source: Any) -> Any:
    """The WCS that a source came with.

    Raises
    ------
    TypeError, ValueError
        If there is none, or it can't be used.
    """
    own = annotated.wcs_of(source)
    if own is None:
        raise TypeError(
            "source_wcs may be None only for a source that has a WCS: an NDData, an HDU or a pair "
            f"(array, wcs); got {type(source).__name__}"
        )
    return geometry.wcs_of_header(own, "source") if hasattr(own, "cards") else own


def planned(
    request: Request, source_wcs: Any, blot_wcs: Any, *, coeffs: bool, stepsize: Any, wcsmap: Any
) -> geometry.Plan:
    """Return the mapping for a request, which has its ratio of pixel scales then; see `do_blot`."""
    step, classic = arrays.as_step(stepsize), bool(request.options["classic"])
    if isinstance(wcsmap, Mapping):
        plan = wcsmap.plan_for(blot_wcs, source_wcs, coeffs, classic)
    else:
        plan = geometry.plan_of(
            blot_wcs, source_wcs, step,
            coeffs=coeffs, wcsmap=wcsmap, classic=classic, threads=request.threads,
        )  # fmt: skip
    request.scale(pix_ratio=plan.pix_ratio)
    warn_of_shape(request, getattr(source_wcs, "array_shape", None))
    return plan


class _Unset:
    """Default of the arguments that drizzle 3.0 deprecates."""

    def __repr__(self) -> str:
        return "<unset>"


_UNSET: Final = _Unset()


@overload
def do_blot(
    source: Any, source_wcs: Any, blot_wcs: Any, exptime: float, coeffs: bool = ...,
    interp: str = ..., sinscl: float = ..., stepsize: int | None = ..., wcsmap: Any = ..., *,
    fillval: float = ..., out: NDArray[Any] | None = ..., classic: bool = ...,
    threads: int | None = ..., return_footprint: Literal[False] = ...,
) -> NDArray[Any]: ...  # fmt: skip
@overload
def do_blot(
    source: Any, source_wcs: Any, blot_wcs: Any, exptime: float, coeffs: bool = ...,
    interp: str = ..., sinscl: float = ..., stepsize: int | None = ..., wcsmap: Any = ..., *,
    fillval: float = ..., out: NDArray[Any] | None = ..., classic: bool = ...,
    threads: int | None = ..., return_footprint: Literal[True],
) -> tuple[NDArray[Any], NDArray[Any]]: ...  # fmt: skip


def do_blot(
    source: Any,
    source_wcs: Any,
    blot_wcs: Any,
    exptime: float,
    coeffs: bool = True,
    interp: str = "poly5",
    sinscl: float = 1.0,
    stepsize: int | None = 10,
    wcsmap: Any = None,
    *,
    fillval: float = 0.0,
    out: NDArray[Any] | None = None,
    classic: bool = False,
    threads: int | None = None,
    return_footprint: bool = False,
) -> NDArray[Any] | tuple[NDArray[Any], NDArray[Any]]:
    """Blot a clean image onto the distorted pixel grid of an exposure.

    Parameters
    ----------
    source : array_like, shape (ny, nx)
        Clean image, in counts a second. float32 and float64 are used in their own precision and,
        in the machine's byte order, where they lie; other real types are converted. Of anything
        else that slices like an array, such as ``hdu.section``, a memory map in another byte
        order, or an array of h5py, Zarr or dask, just the window that the exposure needs is read,
        ``source[y0:y1, x0:x1]``, to the same result. It may also be an NDData or CCDData, an HDU,
        or a pair (array, wcs) or (array, header).

        Masked pixels are NaN: of `numpy.ma`, of astropy's `Masked`, and of an NDData, whose flags
        mask where they are not 0. An NDData's values are taken as they are, in its unit; a
        Quantity must be dimensionless: pass its ``.value`` in counts a second.
    source_wcs : WCS or None
        Its WCS: `stwcs.wcsutil.HSTWCS`, any astropy WCS, of which the linear projection is used (a
        clean image has no distortion), or an object with astropy's common WCS interface (gwcs), all
        of which is. Its sky may be another than that of `blot_wcs`: positions are transformed by
        astropy.coordinates, but for ICRS and FK5 of J2000, which count as one. None: the one that
        `source` comes with, if it is an NDData, an HDU or a pair. An image of another shape than
        its WCS is warned of; positions are those of the WCS.

        Both must map to one sky, or to one plane (without CTYPE, say). Equatorial coordinates of
        any equinox (ICRS, FK5, FK4) and galactic ones are transformed into each other by
        astropy.coordinates, ICRS and FK5 of J2000 being taken as one; others, such as the ecliptic
        or solar ones of a FITS header, must be of one kind: helioprojective ones seen from about
        one place (a degree, a hundredth of the distance), GAPPT's at about one date (a day). Other
        pairs are refused.
    blot_wcs : WCS
        WCS of the exposure, of any of these kinds, with all its distortion, and with a shape.
    exptime : float or Quantity
        What to multiply by: the exposure time in seconds for counts, 1 for counts a second. A
        Quantity of time is converted; those for other arguments must be dimensionless.
    coeffs : bool, default True
        False: without the distortion of `blot_wcs`.
    interp : str, default 'poly5'
        Name of the interpolant, see `interpolants`.
    sinscl : float, default 1.0
        Size of the sinc kernel in source pixels; > 0. Other interpolants do not use it.
    stepsize : int or None, default 10
        Pixels between the nodes at which positions are computed exactly, bilinear in between, but
        for cells where that is off (see `Mapping`). 0, 1 and None map every pixel exactly.
    wcsmap : class or Mapping, optional
        Mapping to use instead of the WCS: a `Mapping` computed before, whose stepsize then holds;
        or a class: an object is made by ``wcsmap(blot_wcs, source_wcs)`` and
        its ``forward(x, y)`` called with FITS (1-based) positions on the exposure, 1-D float64
        arrays for many rows at once (for one row where it needs that); it returns those on
        the source image. Every pixel is mapped.
    fillval : float, default 0.0
        Value of pixels that the source does not cover; not scaled.
    out : ndarray, optional
        Where to put the result: float32 or float64, of the shape of `blot_wcs`, in any layout and
        byte order, without a mask or a unit, and apart from the source in memory. It is written
        in place, once all arguments were found valid; if a call fails or is interrupted after
        that, what it holds is undefined.
    classic : bool, default False
        Reproduce drizzlepac's float32 arithmetic bit for bit: nearest, linear, poly3 and poly5.
    threads : int or None, default None
        Threads to work with; any number gives the same bits. None: ``CBLOT_NUM_THREADS``, or all
        processors this process may use. Small images use fewer.
    return_footprint : bool, default False
        Return the footprint as well, under reproject's name.

    Returns
    -------
    ndarray, shape ``blot_wcs.array_shape``
        ``out``, or a new float32 array: interpolated value * exptime / pix_ratio**2, where
        pix_ratio is the source's pixel scale over the exposure's without distortion.
    footprint : ndarray of the result's shape and type
        If `return_footprint`: 1 where the source covers the exposure, whatever its value there
        (NaN, too), and 0 where the fill value is.

    Raises
    ------
    TypeError
        If an argument is of a type that can't be used.
    ValueError
        If an argument has a value that can't be used, or arguments do not fit each other.
    """
    source_wcs = own_wcs(source) if source_wcs is None else source_wcs
    request = Request(
        source, interp=interp, sinscl=sinscl, exptime=exptime,
        peer="drizzlepac" if classic else "", fillval=fillval, threads=threads,
    )  # fmt: skip
    if out is not None:
        request.write_to(out, "out", geometry.output_shape(blot_wcs))
    plan = planned(request, source_wcs, blot_wcs, coeffs=coeffs, stepsize=stepsize, wcsmap=wcsmap)
    return request.run(plan.core, plan.shape, bool(return_footprint)).returned


@overload
def blot_image(
    data: Any, pixmap: Any, pix_ratio: Any = ..., exptime: Any = ...,
    output_pixel_shape: Any = ..., out_img: NDArray[Any] | None = ..., fillval: float = ...,
    iscale: float = ..., interp: str = ..., sinscl: float = ..., *, classic: bool = ...,
    threads: int | None = ..., return_footprint: Literal[False] = ...,
) -> NDArray[Any]: ...  # fmt: skip
@overload
def blot_image(
    data: Any, pixmap: Any, pix_ratio: Any = ..., exptime: Any = ...,
    output_pixel_shape: Any = ..., out_img: NDArray[Any] | None = ..., fillval: float = ...,
    iscale: float = ..., interp: str = ..., sinscl: float = ..., *, classic: bool = ...,
    threads: int | None = ..., return_footprint: Literal[True],
) -> tuple[NDArray[Any], NDArray[Any]]: ...  # fmt: skip


def blot_image(
    data: Any,
    pixmap: Any,
    pix_ratio: Any = _UNSET,
    exptime: Any = _UNSET,
    output_pixel_shape: Any = _UNSET,
    out_img: NDArray[Any] | None = None,
    fillval: float = 0.0,
    iscale: float = 1.0,
    interp: str = "poly5",
    sinscl: float = 1.0,
    *,
    classic: bool = False,
    threads: int | None = None,
    return_footprint: bool = False,
) -> NDArray[Any] | tuple[NDArray[Any], NDArray[Any]]:
    """Blot a clean image through a pixel map, as `drizzle.resample.blot_image` does.

    Parameters
    ----------
    data : array_like, shape (my, mx)
        Clean image; see `do_blot`.
    pixmap : array_like, shape (ny, nx, 2)
        Source position (x, y), 0-based, of each output pixel. Those that are NaN, masked or
        infinite give the fill value. A Quantity must be in pixels, or dimensionless.
    pix_ratio : float, optional
        Deprecated: use ``iscale=1 / pix_ratio**2``. Divides by its square.
    exptime : float, optional
        Deprecated: use ``iscale=exptime``. Multiplies.
    output_pixel_shape : tuple of int, optional
        Deprecated: (nx, ny) of the output, which is that of `pixmap`.
    out_img : ndarray, shape (ny, nx), optional
        Where to put the result: float32 or float64, apart from `data` and `pixmap` in memory. It
        is written in place; see `do_blot`.
    fillval : float, default 0.0
        Value of pixels that the source does not cover; not scaled.
    iscale : float, default 1.0
        What to multiply by.
    interp : str, default 'poly5'
        Name of the interpolant, see `interpolants`.
    sinscl : float, default 1.0
        Size of the sinc kernel in source pixels; > 0.
    classic : bool, default False
        Reproduce drizzle's float32 arithmetic bit for bit: nearest, linear, poly3 and poly5.
    threads : int or None, default None
        Threads to work with; any number gives the same bits. None: ``CBLOT_NUM_THREADS``, or all
        processors this process may use. Small images use fewer.
    return_footprint : bool, default False
        Return the footprint as well, under reproject's name.

    Returns
    -------
    ndarray, shape (ny, nx)
        ``out_img``, or a new float32 array.
    footprint : ndarray of the result's shape and type
        If `return_footprint`: 1 where `data` covers the output, 0 where the fill value is.

    Raises
    ------
    TypeError
        If an argument is of a type that can't be used.
    ValueError
        If an argument has a value that can't be used, or arguments do not fit each other.
    """
    pixmap = annotated.computed(pixmap)
    positions = arrays.as_pixmap(pixmap)
    shape = (positions.shape[0], positions.shape[1])
    gain = arrays.finite_number(iscale, "iscale")
    request = Request(
        data, interp=interp, sinscl=sinscl,
        exptime=1.0, pix_ratio=1.0 if pix_ratio is _UNSET else pix_ratio,
        peer="drizzle" if classic else "", fillval=fillval, threads=threads,
        names=("data", "fillval"),
    )  # fmt: skip
    if pix_ratio is not _UNSET:
        _deprecated("pix_ratio", "iscale=1 / pix_ratio**2")
        gain /= _area(request.options["pix_ratio"])
    if exptime is not _UNSET:
        _deprecated("exptime", "iscale=exptime")
        gain *= validate(interp, sinscl, exptime, 1.0, request.options["classic"])["exptime"]
    if output_pixel_shape is not _UNSET:
        _deprecated("output_pixel_shape", "the shape of pixmap")
        if tuple(output_pixel_shape)[::-1] != shape:
            raise ValueError(
                f"output_pixel_shape must be {shape[::-1]}, as pixmap is, "
                f"got {tuple(output_pixel_shape)}"
            )
    request.scale(exptime=gain, pix_ratio=1.0)
    if out_img is not None:
        request.write_to(out_img, "out_img", shape)
        outputs.check_apart(out_img, "out_img", [np.asarray(pixmap), positions], "the pixmap")
    return request.run(PixmapMapping(positions), shape, bool(return_footprint)).returned


def _area(ratio: float) -> float:
    area = ratio * ratio
    if not 0.0 < area < math.inf:
        raise ValueError(f"pix_ratio must have a square that is positive and finite, got {ratio}")
    return area


def _deprecated(name: str, instead: str) -> None:
    remarks.warn(
        f"argument {name!r} of blot_image is deprecated; use {instead}", DeprecationWarning
    )
