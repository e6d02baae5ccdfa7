"""Images, pixel maps and outputs that are odd, given to the packages' entries for arrays."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from benchmarks.faults.verdict import Group, compare

GROUP = Group("Arrays")

# The image is a plane, which every interpolant of this page but sinc and Lanczos gives back exactly
# wherever it is asked; so what is right is known without any package's help.
PRELUDE = """
import numpy as np
NY, NX, FILL = 40, 50, -9.0
jj, ii = np.mgrid[:NY, :NX]
plane = lambda x, y: 100.0 + 0.5 * x + 0.25 * y
image = plane(ii, jj).astype("f4")
x, y = 3.3 + 0.8 * ii[:30, :36], 2.6 + 0.9 * jj[:30, :36]
pixmap = np.stack([x, y], axis=-1)
interp, sinscl, exptime, scale, out = "poly5", 1.0, 1.0, 1.0, None
expected, tolerance = None, 2e-3
"""


def _run(change: str, package: Any) -> None:
    """Make the good input, change it by a case's Python, and look at what comes out."""
    names: dict[str, Any] = {}
    exec(PRELUDE, names)
    exec(change, names)
    pixmap, exptime, scale, fill = (names[n] for n in ("pixmap", "exptime", "scale", "FILL"))
    if "answer" in names:
        shape = pixmap.shape[:2]
        result = package.through_callback(names["image"], shape, names["answer"])
    else:
        result = package.blot_image(
            names["image"], pixmap, out=names["out"], interp=names["interp"],
            sinscl=names["sinscl"], exptime=exptime, scale=scale, fill=fill,
        )  # fmt: skip
    expected = names["expected"]
    if isinstance(expected, str):
        return
    if expected is None:
        x, y = pixmap[..., 0], pixmap[..., 1]
        inside = (x >= 0) & (x < names["NX"]) & (y >= 0) & (y < names["NY"])
        expected = np.where(inside, names["plane"](x, y) * exptime / scale**2, fill)
    compare(result, expected, names["tolerance"])


def _case(name: str, change: str) -> None:
    must_fail = "expected = 'error'" in change
    GROUP.case(name, must_fail=must_fail)(functools.partial(_run, change))


# fmt: off
_case("nothing odd", "")
_case("big-endian image", "image = image.astype('>f4')")
_case("float64 image", "image = image.astype('f8')")
_case("int64 image", "image = 100 + 2 * ii + jj; expected = 100 + 2 * x + y")
_case("complex image", "image = image.astype('c8'); expected = 'error'")
_case("image of strings", "image = image.astype('U6'); expected = 'error'")
_case("1-D image", "image = image.ravel(); expected = 'error'")
_case("3-D image", "image = image[None]; expected = 'error'")
_case("empty image", "image = image[:0]; expected = 'error'")
_case("strided image", "image = np.repeat(np.repeat(image, 2, 0), 3, 1)[::2, ::3]")
_case("1 x 1 image, poly5",
      "image = image[:1, :1]; NY = NX = 1; pixmap = pixmap[:3, :3] * 0 + 0.4; "
      "expected = np.full((3, 3), 100.0)")
_case("image of two rows, poly5",
      "image = image[:2]; NY = 2; pixmap = pixmap.copy(); pixmap[..., 1] = 0.7")
_case("nearest within half a pixel of the far edge",
      "interp = 'nearest'; pixmap = pixmap.copy(); pixmap[:] = (NX - 0.3, NY - 0.3); "
      "expected = np.full(pixmap.shape[:2], plane(NX - 1, NY - 1))")
_case("poly3 in the last row",
      "interp = 'poly3'; pixmap = pixmap.copy(); pixmap[..., 1] = NY - 1 + 0.5")
_case("poly5 near the top",
      "image = (100 + ((ii * 7 + jj * 13) % 11)).astype('f4'); pixmap = pixmap.copy(); "
      "pixmap[..., 0] = 20.0; pixmap[..., 1] = NY - 1.5; a = image[:, 20].astype(float); "
      "c = [3, -25, 150, 150, -25, 3]; "
      "e = lambda k: a[k] if k < NY else 2 * a[NY - 1] - a[2 * NY - 2 - k]; "
      "value = sum(w * e(NY - 4 + k) for k, w in enumerate(c)) / 256; "
      "expected = np.full(pixmap.shape[:2], value)")
_case("sinc of a constant",
      "image[:] = 7.0; interp = 'sinc'; expected = np.full(pixmap.shape[:2], 7.0)")
_case("sinc at exact pixels",
      "interp = 'sinc'; pixmap = np.rint(pixmap)")
_case("lan3 of a constant",
      "image[:] = 7.0; interp = 'lan3'; pixmap = pixmap + 4.0; pixmap %= 30.0; pixmap += 5.0; "
      "expected = np.full(pixmap.shape[:2], 7.0)")
_case("lan5 of a constant",
      "image[:] = 7.0; interp = 'lan5'; pixmap = pixmap % 20.0 + 10.0; "
      "expected = np.full(pixmap.shape[:2], 7.0)")
_case("spline3", "interp = 'spline3'; tolerance = 0.05; pixmap = pixmap % 20 + 10")
_case("unknown interpolant", "interp = 'cubic'; expected = 'error'")
_case("sinscl NaN", "interp = 'sinc'; sinscl = float('nan'); expected = 'error'")
_case("sinscl 0", "interp = 'sinc'; sinscl = 0.0; expected = 'error'")
_case("exposure time NaN", "exptime = float('nan'); expected = 'error'")
_case("pixel ratio 0", "scale = 0.0; expected = 'error'")
_case("one NaN position", "pixmap = pixmap.copy(); pixmap[4, 5] = np.nan")
_case("infinite positions",
      "pixmap = pixmap.copy(); pixmap[4, 5] = np.inf; pixmap[6, 7] = -np.inf; "
      "pixmap[8, 9] = 1e300")
_case("positions beyond the image", "pixmap = pixmap - 20.0")
_case("position a hair below 0",
      "interp = 'nearest'; pixmap = pixmap.copy(); pixmap[2, 3] = (-0.3, 5.0); "
      "pixmap = np.where("
      "np.isin(pixmap, (-0.3, 5.0)), pixmap, np.rint(pixmap))")
_case("big-endian pixmap", "pixmap = pixmap.astype('>f8')")
_case("2-D pixmap", "pixmap = pixmap[..., 0]; expected = 'error'")
_case("pixmap with a last axis of 1", "pixmap = pixmap[..., :1]; expected = 'error'")
_case("pixmap of strings", "pixmap = pixmap.astype('U8'); expected = 'error'")
_case("float64 output", "out = np.zeros(pixmap.shape[:2])")
_case("int32 output", "out = np.zeros(pixmap.shape[:2], 'i4'); expected = 'error'")
_case("strided output", "out = np.zeros((60, 108), 'f4')[::2, ::3]")
_case("big-endian output", "out = np.zeros(pixmap.shape[:2], '>f4')")
_case("read-only output",
      "out = np.zeros(pixmap.shape[:2], 'f4'); out.flags.writeable = False; expected = 'error'")
_case("output of another shape", "out = np.zeros((7, 9), 'f4'); expected = 'error'")
_case("output in the source's memory", "out = image[:30, :36]; expected = 'error'")
_case("a masked image", "image = np.ma.array(image, mask=False); image[10, 10] = np.ma.masked; "
      "interp = 'nearest'; pixmap = np.full((3, 3, 2), 10.0); "
      "expected = np.full((3, 3), np.nan)")

# What was masked is not known, whoever says so.
_MASK = ("mask = np.zeros(image.shape, bool); mask[10, 10] = True; interp = 'nearest'; "
         "image[10, 10] = 1e4; pixmap = np.full((3, 3, 2), 10.0); "
         "expected = np.full((3, 3), np.nan); ")
_case("CCDData with a masked hot pixel",
      _MASK + "from astropy.nddata import CCDData; image = CCDData(image, mask=mask, unit='adu')")
_case("NDData with a masked hot pixel",
      _MASK + "from astropy.nddata import NDData; image = NDData(image, mask=mask)")
_case("astropy Masked image with a masked hot pixel",
      _MASK + "from astropy.utils.masked import Masked; image = Masked(image, mask=mask)")
_case("one masked position in a pixmap",
      "mask = np.zeros(pixmap.shape, bool); mask[4, 5] = True; positions = pixmap.copy(); "
      "positions[4, 5] = 20.0; expected = np.where(mask[..., 0], FILL, plane(x, y)); "
      "pixmap = np.ma.array(positions, mask=mask)")
_case("pixmap that is a Quantity in seconds of time",
      "from astropy import units; pixmap = pixmap * units.s; expected = 'error'")
_case("exposure time that is a Quantity, 2 minutes",
      "from astropy import units; exptime = 2 * units.min; expected = 120 * plane(x, y); "
      "tolerance = 0.3")
_case("pixel ratio 1e-170, the square of which is 0", "scale = 1e-170; expected = 'error'")
_case("fill value 10**400", "FILL = 10**400; expected = 'error'")
_case("two outputs' pixels in the same memory",
      "out = np.lib.stride_tricks.as_strided(np.zeros(40, 'f4'), (30, 36), (0, 4)); "
      "expected = 'error'")

# Answers of a mapping that is a Python function, by row; the classic entry calls it.
_ROW = "a = lambda px, py: (3.3 + 0.8 * (px - 1) + 1, 2.6 + 0.9 * (py - 1) + 1); "
_case("callback that is right", _ROW + "answer = a")
_case("callback that answers None", "answer = lambda px, py: None; expected = 'error'")
_case("callback that answers None for y",
      _ROW + "answer = lambda px, py: (a(px, py)[0], [None] * len(px)); expected = 'error'")
_case("callback that answers complex numbers",
      _ROW + "answer = lambda px, py: tuple(p + 5j for p in a(px, py)); expected = 'error'")
_case("callback that answers booleans",
      "answer = lambda px, py: (px > 3, py > 3); expected = 'error'")
_case("callback that answers dates",
      "answer = lambda px, py: (px.astype('M8[s]'), py.astype('M8[s]')); expected = 'error'")
_case("callback that answers masked positions",
      _ROW + "answer = lambda px, py: tuple(np.ma.array(p, mask=px == 3) for p in a(px, py)); "
      "expected = np.where(ii[:30, :36] == 2, FILL, plane(x, y))")
_case("callback that answers too few positions",
      _ROW + "answer = lambda px, py: tuple(p[:-1] for p in a(px, py)); expected = 'error'")
_case("callback that resizes the image",
      _ROW + "image = image.copy(); "
      "answer = lambda px, py: (image.resize((4, 5), refcheck=False), a(px, py))[1]")
# fmt: on
