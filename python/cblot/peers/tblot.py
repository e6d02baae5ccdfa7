"""drizzlepac's classic C entry, `tblot`: an image, its output, and a callback for positions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cblot.core import arrays
from cblot.core.mappings import CallbackMapping
from cblot.core.request import Request


def _row_by_row(
    callback: Any, nx: int, origin: tuple[float, float], step: float
) -> CallbackMapping:
    """A callback of the classic C entry, which is asked for one row a call."""

    def fill(row_begin: int, row_end: int, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        for k, row in enumerate(range(row_begin, row_end)):
            px = 1.0 + step * np.arange(nx, dtype=np.float64)
            py = np.full(nx, row + 1.0)
            sx, sy = arrays.checked_positions(callback(px, py), nx, "callback(x, y)")
            np.subtract(sx, origin[0], out=x[k])
            np.subtract(sy, origin[1], out=y[k])

    return CallbackMapping(fill, nx)


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
        What to fill: float32 or float64, apart from `image` in memory. It is written in place;
        see ``out`` of `do_blot`.
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
    request = Request(
        image, interp=interp, sinscl=sinscl, exptime=ef, pix_ratio=scale,
        peer="drizzlepac" if classic else "", fillval=misval, threads=threads,
        names=("image", "misval"),
    )  # fmt: skip
    if not isinstance(output, np.ndarray) or output.ndim != 2 or output.size == 0:
        found = getattr(output, "shape", type(output).__name__)
        raise ValueError(f"output must be a 2-D array that is not empty, got {found}")
    ny, nx = output.shape
    request.write_to(output, "output", (ny, nx))
    if align not in ("center", "corner"):
        raise ValueError(f"align must be 'center' or 'corner', got {align!r}")
    if not callable(callback):
        raise TypeError(f"callback must be callable, got {type(callback).__name__}")
    origin = (arrays.finite_number(xmin, "xmin"), arrays.finite_number(ymin, "ymin"))
    step = arrays.finite_number(xscale, "xscale")
    request.run(_row_by_row(callback, nx, origin, step), (ny, nx))
    return 0
