"""Arrays in, arrays out: what depends on nothing but the core's own IEEE arithmetic.

So these bits are the same on every machine, and a recording of them is kept with the tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import cblot

from .images import image, rims, scattered, smooth, spoiled, turned
from .record import Case

SHAPE, SOURCE_SHAPE = (45, 61), (52, 70)
SOURCE_TYPES = ("f4", "f8", ">f4", ">f8", "f2", "b1", "i1", "u1", "i2", ">i2", "u2", "i4", "u4",
                ">i4", "i8", "u8")  # fmt: skip
OUT_TYPES = ("f4", "f8", ">f4", ">f8")
CLASSIC = ("nearest", "linear", "poly3", "poly5")
# Cosine and sine; those of about 30 degrees make a right angle, too.
TURNS = {"0": (1.0, 0.0), "30": (0.8660254037844386, 0.5), "90": (0.0, 1.0), "180": (-1.0, 0.0),
         "-90": (0.0, -1.0)}  # fmt: skip


def cases() -> Iterator[Case]:
    yield from _kernels()
    yield from _classic()
    yield from _pixmaps()
    yield from _sources()
    yield from _outputs()
    yield from _sizes()
    yield from _rows()


def _blotted(source: Any, out_types: Any = OUT_TYPES, **keywords: Any) -> list[Any]:
    """Along smooth and scattered positions, in outputs of the types."""
    results = []
    for positions in (smooth(SHAPE), scattered(SHAPE, SOURCE_SHAPE)):
        for dtype in out_types:
            out = np.full(SHAPE, 7.0, dtype)
            cblot.blot_image(
                source, positions, out_img=out, fillval=-3.0, iscale=1.25, threads=1, **keywords
            )
            results.append(out)
    return results


def _kernels() -> Iterator[Case]:
    for interp in cblot.interpolants():
        for dtype in SOURCE_TYPES:
            yield (
                f"kernel/{interp}/{dtype}",
                lambda k=interp, t=dtype: _blotted(image(SOURCE_SHAPE, t), interp=k),
            )
        for dtype in ("f4", "f8"):
            yield (
                f"kernel/{interp}/rims/{dtype}",
                lambda k=interp, t=dtype: cblot.blot_image(
                    image((23, 29), t), rims((23, 29)), interp=k, fillval=np.nan
                ),
            )
            yield (
                f"kernel/{interp}/not finite/{dtype}",
                lambda k=interp, t=dtype: _blotted(spoiled(SOURCE_SHAPE, t), ("f4",), interp=k),
            )
    for interp in ("sinc", "lsinc"):
        for sinscl in (0.125, 0.3, 0.5, 0.9, 1.0, 1.7, 3.0, 40.0):
            yield (
                f"kernel/{interp}/sinscl {sinscl}",
                lambda k=interp, s=sinscl: _blotted(
                    image(SOURCE_SHAPE), ("f4", "f8"), interp=k, sinscl=s
                ),
            )


def _classic() -> Iterator[Case]:
    for interp in CLASSIC:
        for dtype in ("f4", "f8", ">f4", "i2"):
            yield (
                f"classic/drizzle/{interp}/{dtype}",
                lambda k=interp, t=dtype: _blotted(
                    image(SOURCE_SHAPE, t), ("f4", "f8"), interp=k, classic=True
                ),
            )
        yield (
            f"classic/drizzle/{interp}/rims",
            lambda k=interp: cblot.blot_image(
                image((23, 29)), rims((23, 29)), interp=k, classic=True
            ),
        )
        yield (
            f"classic/drizzle/{interp}/not finite",
            lambda k=interp: _blotted(spoiled(SOURCE_SHAPE), ("f4",), interp=k, classic=True),
        )
        yield (
            f"classic/drizzle/{interp}/gains",
            lambda k=interp: [
                cblot.blot_image(
                    image(SOURCE_SHAPE), smooth(SHAPE), ratio, seconds, fillval=-1.0, iscale=gain,
                    interp=k, classic=classic,
                )
                for classic in (False, True)
                for ratio, seconds, gain in ((0.7, 1.0, 1.0), (1.0, 321.7, 1.0), (1.3, 0.1, 1e-3))
            ],
        )  # fmt: skip


def _pixmaps() -> Iterator[Case]:
    positions = smooth(SHAPE)
    lost = positions.copy()
    lost[3:9, 10:30] = np.nan
    lost[20, :, 0], lost[21, :, 1], lost[:, 33] = np.inf, np.nan, -np.inf
    lost[40, 7] = 1e30, -1e30
    masked = np.ma.masked_array(positions, mask=np.zeros(positions.shape, dtype=bool))
    masked[5:12, 5:12] = np.ma.masked
    given = {
        "f4": positions.astype("f4"),
        ">f8": positions.astype(">f8"),
        "i2": positions.astype("i2"),
        "lost": lost,
        "lost f4": lost.astype("f4"),
        "masked": masked,
        "fortran": np.asfortranarray(positions),
        "strided": np.repeat(positions, 2, axis=1)[:, ::2],
        "backwards": positions[::-1, ::-1],
        "planes": np.moveaxis(np.ascontiguousarray(np.moveaxis(positions, -1, 0)), 0, -1),
        "nowhere": positions + 1e4,
        "no position": np.full_like(positions, np.nan),
    }
    for name, pixmap in given.items():
        for interp in ("nearest", "poly5", "spline3"):
            yield (
                f"pixmap/{name}/{interp}",
                lambda p=pixmap, k=interp: cblot.blot_image(
                    image(SOURCE_SHAPE), p, interp=k, fillval=np.nan, return_footprint=True
                ),
            )
    for angle, turn in TURNS.items():
        for scale in (0.2, 0.5, 1.0, 2.0, 5.0):
            yield (
                f"pixmap/turned by {angle}/scale {scale}",
                lambda t=turn, s=scale: [
                    cblot.blot_image(
                        image((130, 140)), turned((70, 80), (130, 140), t, s), interp=k
                    )
                    for k in ("linear", "poly5", "lanczos3")
                ],
            )


def _sources() -> Iterator[Case]:
    for shape in ((1, 1), (2, 3), (3, 2), (1, 7), (5, 1), (4, 4), (9, 11)):
        for interp in cblot.interpolants()[:8]:
            yield (
                f"source/{shape[0]} x {shape[1]}/{interp}",
                lambda s=shape, k=interp: cblot.blot_image(image(s), rims(s), interp=k),
            )
    whole = image(SOURCE_SHAPE)
    mask = image(SOURCE_SHAPE, "u1") % 16 == 0
    given = {
        "fortran": np.asfortranarray(whole),
        "strided": np.repeat(np.repeat(whole, 3, axis=1), 2, axis=0)[::2, ::3],
        "backwards": whole[::-1, ::-1],
        "transposed": image(SOURCE_SHAPE[::-1]).T,
        "unaligned": _unaligned(whole),
        "masked": np.ma.masked_array(whole, mask),
        "masked whole numbers": np.ma.masked_array(image(SOURCE_SHAPE, "i4"), mask),
        "list": whole.tolist(),
        "window": Window(whole),
        "window f8": Window(image(SOURCE_SHAPE, ">f8")),
        "long double": image(SOURCE_SHAPE, "f8").astype(np.longdouble),
    }
    for name, source in given.items():
        for interp in ("poly5", "spline3", "lanczos5"):
            yield (
                f"source/{name}/{interp}",
                lambda s=source, k=interp: _blotted(s, ("f4", "f8"), interp=k),
            )


class Window:
    """What slices like an array, and is none: its windows are read."""

    def __init__(self, pixels: np.ndarray) -> None:
        self._pixels = pixels
        self.shape, self.dtype, self.ndim = pixels.shape, pixels.dtype, 2

    def __getitem__(self, index: Any) -> Any:
        return self._pixels[index].copy()


def _unaligned(array: np.ndarray) -> np.ndarray:
    memory = np.zeros(array.nbytes + 1, np.uint8)
    made = memory[1:].view(array.dtype).reshape(array.shape)
    made[:] = array
    return made


def odd_outputs(shape: tuple[int, int]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Outputs in unusual layouts, each with the memory around it, which is not to be touched."""
    ny, nx = shape
    made = {}
    for dtype in ("f4", "f8", ">f4", ">f8"):
        memory = np.full((2 * ny + 6, 3 * nx + 5), 9.0, dtype)
        made[f"strided {dtype}"] = memory[3 : 3 + 2 * ny : 2, 2 : 2 + 3 * nx : 3], memory
        memory = np.full((ny + 2, nx + 2), 9.0, dtype)
        made[f"backwards {dtype}"] = memory[1:-1, 1:-1][::-1, ::-1], memory
        memory = np.full((nx, ny), 9.0, dtype)
        made[f"transposed {dtype}"] = memory.T, memory
        memory = np.full(shape, 9.0, dtype)
        made[f"unaligned {dtype}"] = (_unaligned(memory),) * 2
    return made


def _outputs() -> Iterator[Case]:
    for name in odd_outputs(SHAPE):
        yield f"out/{name}", lambda n=name: _into(*odd_outputs(SHAPE)[n])
    for fillval in (0.0, -0.0, np.nan, np.inf, 1e300):
        yield (
            f"out/fill {fillval}",
            lambda f=fillval: [
                cblot.blot_image(image(SOURCE_SHAPE), smooth(SHAPE), fillval=f, out_img=out)
                for out in (np.zeros(SHAPE, "f4"), np.zeros(SHAPE, "f8"))
            ],
        )
    for gain in (0.0, -1.0, 1e-30, 1e30, 1 / 3):
        yield (
            f"out/gain {gain}",
            lambda g=gain: [
                cblot.blot_image(image(SOURCE_SHAPE, t), smooth(SHAPE), iscale=g, interp=k)
                for t in ("f4", "f8")
                for k in ("nearest", "poly3")
            ],
        )


def _into(out: np.ndarray, memory: np.ndarray) -> Any:
    cblot.blot_image(image(SOURCE_SHAPE), smooth(SHAPE), out_img=out, interp="poly3")
    return memory


def _sizes() -> Iterator[Case]:
    shape, source_shape = (400, 700), (440, 760)  # more than a tile, and work for three threads
    for threads in (1, 2, 3, 7):
        yield (
            f"large/{threads} threads",
            lambda n=threads: [
                cblot.blot_image(
                    image(source_shape), smooth(shape), interp=k, threads=n, classic=classic,
                    fillval=np.nan, return_footprint=True,
                )
                for k, classic in (("poly5", False), ("spline3", False), ("linear", True))
            ],
        )  # fmt: skip
    for shape in ((1, 1), (1, 300), (300, 1), (3, 17), (17, 33)):
        yield (
            f"large/output {shape[0]} x {shape[1]}",
            lambda s=shape: [
                cblot.blot_image(image((320, 330)), smooth(s, (3.5, 7.25)), interp=k)
                for k in ("nearest", "poly5", "sinc")
            ],
        )


def _rows() -> Iterator[Case]:
    """The classic C entry: a callback asked row by row."""
    for interp in ("nearest", "linear", "poly3", "poly5", "sinc"):
        for classic in (False, True) if interp in CLASSIC else (False,):
            for origin, step, scale in ((1.0, 1.0, 1.0), (0.0, 0.5, 0.75)):
                yield (
                    f"tblot/{interp}/classic {classic}/step {step}",
                    lambda k=interp, c=classic, o=origin, s=step, r=scale: _tblot(k, c, o, s, r),
                )


def _tblot(interp: str, classic: bool, origin: float, step: float, scale: float) -> Any:
    def callback(x: Any, y: Any) -> Any:
        return x * (1.0 + 2.0**-6) + y * 2.0**-5 - 3.0, y * (1.0 + 2.0**-7) - x * 2.0**-6 + 1.5

    results: list[Any] = []
    for dtype in ("f4", "f8"):
        out = np.zeros(SHAPE, dtype)
        code = cblot.tblot(
            image(SOURCE_SHAPE), out, origin, 70, origin, 52, scale, 1.0, step, 1.0, "center",
            interp, 37.5, -2.0, 1.0, 1, callback, classic=classic,
        )  # fmt: skip
        results += [out, code]
    return results
