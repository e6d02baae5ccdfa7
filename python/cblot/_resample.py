"""`do_blot`, `blot_image`, `tblot`: arguments in, the core's answer out."""

from __future__ import annotations

import math
import warnings
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cblot import _arrays, _build, _calls, _core, _mapping
from cblot._calls import Call
from cblot._windows import Source


def is_classic(interp: str) -> bool:
    """Whether the peers' arithmetic of an interpolant is reproduced."""
    try:
        _core.validate(interp=interp, sinscl=1.0, exptime=1.0, pix_ratio=1.0, classic="drizzlepac")
    except _core.CoreError:
        return False
    return True


class _Unset:
    """Default of the arguments that drizzle 3.0 deprecates."""

    def __repr__(self) -> str:
        return "<unset>"


_UNSET: Final = _Unset()


def interpolants() -> tuple[str, ...]:
    """Names of the interpolants, canonical ones first, then aliases."""
    return tuple(_core.kernel_names())


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
) -> NDArray[Any]:
    """Blot a clean image onto the distorted pixel grid of an exposure.

    Parameters
    ----------
    source : array_like, shape (ny, nx)
        Clean image, in counts a second. float32 and float64 are used in their own precision and,
        in the machine's byte order, where they lie; other real types are converted. Masked pixels
        are NaN. Of anything else that slices like an array, such as ``hdu.section``, a memory map
        in another byte order, or an array of h5py, Zarr or dask, just the window that the exposure
        needs is read, ``source[y0:y1, x0:x1]``, to the same result.
    source_wcs : astropy.wcs.WCS
        Its WCS, of which the linear projection is used; `stwcs.wcsutil.HSTWCS`, any celestial
        astropy WCS, or an object with astropy's common WCS interface (gwcs).
    blot_wcs : astropy.wcs.WCS
        WCS of the exposure, with all its distortion, and with a shape.
    exptime : float
        What to multiply by: the exposure time in seconds for counts, 1 for counts a second.
    coeffs : bool, default True
        False: without the distortion of `blot_wcs`.
    interp : str, default 'poly5'
        Name of the interpolant, see `interpolants`.
    sinscl : float, default 1.0
        Size of the sinc kernel in source pixels; > 0. Other interpolants do not use it.
    stepsize : int or None, default 10
        Pixels between the nodes at which positions are computed exactly, bilinear in between.
        0, 1 and None map every pixel exactly.
    wcsmap : class or Mapping, optional
        Mapping to use instead of the WCS: a `Mapping` computed before, whose stepsize then holds;
        or a class: an object is made by ``wcsmap(blot_wcs, source_wcs)`` and
        its ``forward(x, y)`` called with FITS (1-based) positions on the exposure, 1-D float64
        arrays for many rows at once; it returns those on the source image. Every pixel is mapped.
    fillval : float, default 0.0
        Value of pixels that the source does not cover; not scaled.
    out : ndarray, optional
        Where to put the result: float32 or float64, of the shape of `blot_wcs`. It is written only
        when the whole result is there.
    classic : bool, default False
        Reproduce drizzlepac's float32 arithmetic bit for bit: nearest, linear, poly3 and poly5.
    threads : int or None, default None
        Threads to work with; any number gives the same bits. None: ``CBLOT_NUM_THREADS``, or all
        processors this process may use. Small images use fewer.

    Returns
    -------
    ndarray, shape ``blot_wcs.array_shape``
        ``out``, or a new float32 array: interpolated value * exptime / pix_ratio**2, where
        pix_ratio is the source's pixel scale over the exposure's without distortion.

    Raises
    ------
    TypeError
        If an argument is of a type that can't be used.
    ValueError
        If an argument has a value that can't be used, or arguments do not fit each other.
    """
    call = Call(source_wcs, blot_wcs, exptime, coeffs, interp, sinscl, stepsize, wcsmap)
    return blotted(source, call, fillval=fillval, out=out, classic=classic, threads=threads)[0]


def blotted(
    source: Any,
    call: Call,
    *,
    fillval: float = 0.0,
    out: NDArray[Any] | None = None,
    classic: bool = False,
    threads: int | None = None,
) -> tuple[NDArray[Any], int]:
    """Return what `do_blot` does, and the number of covered pixels."""
    image = Source(source, "source")
    fill = _arrays.as_number(fillval, "fillval")
    workers = _build.thread_count(threads)
    plan, options = _calls.planned(
        image.shape, call, classic=classic, threads=workers, out=out, source=source
    )
    return _calls.run(image, out, plan.shape, plan.core, fill, workers, options)


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
) -> NDArray[Any]:
    """Blot a clean image through a pixel map, as `drizzle.resample.blot_image` does.

    Parameters
    ----------
    data : array_like, shape (my, mx)
        Clean image; see `do_blot`.
    pixmap : array_like, shape (ny, nx, 2)
        Source position (x, y), 0-based, of each output pixel. Those that are NaN or infinite give
        the fill value.
    pix_ratio : float, optional
        Deprecated: use ``iscale=1 / pix_ratio**2``. Divides by its square.
    exptime : float, optional
        Deprecated: use ``iscale=exptime``. Multiplies.
    output_pixel_shape : tuple of int, optional
        Deprecated: (nx, ny) of the output, which is that of `pixmap`.
    out_img : ndarray, shape (ny, nx), optional
        Where to put the result: float32 or float64. It is written only when the whole result is
        there.
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

    Returns
    -------
    ndarray, shape (ny, nx)
        ``out_img``, or a new float32 array.

    Raises
    ------
    TypeError
        If an argument is of a type that can't be used.
    ValueError
        If an argument has a value that can't be used, or arguments do not fit each other.
    """
    image = Source(data, "data")
    positions = _arrays.as_pixmap(pixmap)
    shape = (positions.shape[0], positions.shape[1])
    fill = _arrays.as_number(fillval, "fillval")
    gain = _arrays.as_number(iscale, "iscale")
    if not math.isfinite(gain):
        raise ValueError(f"iscale must be a finite number, got {gain}")
    workers = _build.thread_count(threads)
    peer = "drizzle" if classic else ""
    _calls.validate(interp, sinscl, 1.0, 1.0, peer)
    if pix_ratio is not _UNSET:
        _deprecated("pix_ratio", "iscale=1 / pix_ratio**2")
        ratio = _calls.validate(interp, sinscl, 1.0, pix_ratio, peer)["pix_ratio"]
        gain /= ratio * ratio
    if exptime is not _UNSET:
        _deprecated("exptime", "iscale=exptime")
        gain *= _calls.validate(interp, sinscl, exptime, 1.0, peer)["exptime"]
    if output_pixel_shape is not _UNSET:
        _deprecated("output_pixel_shape", "the shape of pixmap")
        if tuple(output_pixel_shape)[::-1] != shape:
            raise ValueError(
                f"output_pixel_shape must be {shape[::-1]}, as pixmap is, "
                f"got {tuple(output_pixel_shape)}"
            )
    if out_img is not None:
        _arrays.check_output(out_img, "out_img", shape, data)
    options = _calls.validate(interp, sinscl, gain, 1.0, peer)
    mapping = _core.PixmapMapping(positions)
    return _calls.run(image, out_img, shape, mapping, fill, workers, options)[0]


def _deprecated(name: str, instead: str) -> None:
    warnings.warn(
        f"argument {name!r} of blot_image is deprecated; use {instead}",
        DeprecationWarning,
        stacklevel=3,
    )


def tblot(
    image: Any,
    output: NDArray[Any],
    xmin: float,
    xmax: float,
    ymin: float,
    ymax: float,
    scale: float,
    kscale: float,
    xscale: float,
    yscale: float,
    align: str,
    interp: str,
    ef: float,
    misval: float,
    sinscl: float,
    vflag: int,
    callback: Any,
    *,
    classic: bool = False,
    threads: int | None = None,
) -> int:
    """Blot as the classic C extension's entry of this name does, into `output`.

    Parameters
    ----------
    image : array_like, shape (my, mx)
        Clean image; see `do_blot`.
    output : ndarray, shape (ny, nx)
        What to fill: float32 or float64. It is written only when the whole result is there.
    xmin, ymin : float
        What the callback's answer is for the centre of the image's first pixel; 1 as in FITS.
    xmax, ymax, kscale, yscale, vflag : float
        Not used, as ever.
    scale : float
        Ratio of the pixel scales, image's over output's; the result is divided by its square.
    xscale : float
        Step between the positions of neighbouring output pixels along x.
    align : {'center', 'corner'}
        Not used, as ever, but checked.
    interp : str
        Name of the interpolant, see `interpolants`.
    ef : float
        What to multiply by, such as the exposure time.
    misval : float
        Value of pixels that the image does not cover; not scaled.
    sinscl : float
        Size of the sinc kernel in source pixels.
    callback : callable
        Called as ``callback(x, y)`` once an output row, with 1-D float64 arrays: x from 1 by
        `xscale`, y that of the row. Returns positions on the image.
    classic : bool, default False
        Reproduce drizzlepac's float32 arithmetic bit for bit; see `do_blot`.
    threads : int or None, default None
        See `do_blot`.

    Returns
    -------
    int
        0.

    Raises
    ------
    TypeError
        If an argument is of a type that can't be used.
    ValueError
        If an argument has a value that can't be used.
    """
    source = Source(image, "image")
    if not isinstance(output, np.ndarray) or output.ndim != 2 or output.size == 0:
        shape = getattr(output, "shape", type(output).__name__)
        raise ValueError(f"output must be a 2-D array that is not empty, got {shape}")
    _arrays.check_output(output, "output", output.shape, image)
    if align not in ("center", "corner"):
        raise ValueError(f"align must be 'center' or 'corner', got {align!r}")
    if not callable(callback):
        raise TypeError(f"callback must be callable, got {type(callback).__name__}")
    origin = (_arrays.as_number(xmin, "xmin"), _arrays.as_number(ymin, "ymin"))
    step = _arrays.as_number(xscale, "xscale")
    fill = _arrays.as_number(misval, "misval")
    options = _calls.validate(interp, sinscl, ef, scale, "drizzlepac" if classic else "")
    mapping = _mapping.classic_rows_mapping(callback, output.shape[1], origin, step)
    workers = _build.thread_count(threads)
    _calls.run(source, output, output.shape, mapping, fill, workers, options)
    return 0
