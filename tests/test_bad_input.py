"""A table of bad inputs, and the sentence each must give; nothing of the caller's changes."""

from __future__ import annotations

import contextlib
import re
import signal
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from astropy import units
from astropy.wcs import WCS

import cblot


def tan_wcs(ny: int, nx: int, scale: float = 0.05) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [150.0, 2.0]
    wcs.wcs.crpix = [nx / 2, ny / 2]
    wcs.wcs.cd = np.array([[-1.0, 0.0], [0.0, 1.0]]) * scale / 3600
    wcs.array_shape = (ny, nx)
    wcs.wcs.set()
    return wcs


def wcs_of(*ctype: str) -> WCS:
    wcs = WCS(naxis=len(ctype))
    wcs.wcs.ctype = list(ctype)
    wcs.array_shape = (8, 9, 10)[: len(ctype)]
    return wcs


def shaped(shape: Any) -> Any:
    """Of no kind of astropy's, whose setter is strict."""

    class Shaped:
        pixel_n_dim = world_n_dim = 2
        pixel_to_world_values = world_to_pixel_values = None
        array_shape = shape

    return Shaped()


def shapeless() -> WCS:
    wcs = tan_wcs(8, 9)
    wcs.array_shape = None
    return wcs


class Answering:
    """A wcsmap whose forward gives a fixed answer."""

    def __init__(self, answer: Callable[[Any, Any], Any]) -> None:
        self.answer = answer

    def __call__(self, blot_wcs: Any, source_wcs: Any) -> Answering:
        return self

    def forward(self, x: Any, y: Any) -> Any:
        return self.answer(x, y)


def read_only() -> np.ndarray:
    out = np.zeros((8, 9), dtype="f4")
    out.flags.writeable = False
    return out


def boom(x: Any, y: Any) -> Any:
    raise RuntimeError("boom")


SOURCE = np.arange(110.0, dtype="f4").reshape(10, 11)
VALID = "unknown interpolant 'cubic'; the valid ones are " + ", ".join(cblot.interpolants())
COMMON = (
    "blot_wcs must be an HSTWCS, an astropy.wcs.WCS or another object with astropy's common WCS "
    "interface, got NoneType"
)
FORWARD = "wcsmap's forward(x, y) must return x and y, each of 72 numbers, got "

DO_BLOT: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"source": np.zeros((3, 4, 5))}, ValueError, "source must be 2-D, got shape (3, 4, 5)"),
    ({"source": np.zeros(4)}, ValueError, "source must be 2-D, got shape (4,)"),
    ({"source": 3.0}, ValueError, "source must be 2-D, got shape ()"),
    ({"source": None}, TypeError, "source must be of a real type, got dtype object"),
    ({"source": np.zeros((4, 4), complex)}, TypeError,
     "source must be of a real type, got dtype complex128"),
    ({"source": np.full((4, 4), "a")}, TypeError, "source must be of a real type, got dtype <U1"),
    ({"source": np.zeros((0, 4))}, ValueError, "source must not be empty, got shape (0, 4)"),
    ({"out": np.zeros((8, 9), "i4")}, TypeError,
     "out must be float32 or float64, got dtype int32"),
    ({"out": [[0.0]]}, TypeError, "out must be a NumPy array, got list"),
    ({"out": np.zeros((9, 8), "f4")}, ValueError, "out must have shape (8, 9), got shape (9, 8)"),
    ({"out": read_only()}, ValueError, "out must be writeable, got a read-only array"),
    ({"out": SOURCE[:8, :9]}, ValueError, "out must not overlap the source image in memory"),
    ({"interp": "cubic"}, ValueError, VALID),
    ({"interp": 5}, TypeError, "interp must be the name of an interpolant, got 5"),
    ({"sinscl": 0.0}, ValueError, "sinscl must be positive and finite, got 0"),
    ({"sinscl": -1.0}, ValueError, "sinscl must be positive and finite, got -1"),
    ({"sinscl": np.nan}, ValueError, "sinscl must be positive and finite, got nan"),
    ({"sinscl": "x"}, TypeError, "sinscl must be a number, got 'x'"),
    ({"stepsize": -1}, ValueError, "stepsize must not be negative, got -1"),
    ({"stepsize": 2.5}, ValueError, "stepsize must be a whole number or None, got 2.5"),
    ({"stepsize": "ten"}, TypeError, "stepsize must be a number, got 'ten'"),
    ({"exptime": np.nan}, ValueError, "exptime must be a finite number, got nan"),
    ({"exptime": np.inf}, ValueError, "exptime must be a finite number, got inf"),
    ({"exptime": None}, TypeError, "exptime must be a number, got None"),
    ({"fillval": "x"}, TypeError, "fillval must be a number, got 'x'"),
    ({"wcsmap": Answering(boom)}, RuntimeError, "boom"),
    ({"wcsmap": Answering(lambda x, y: None)}, ValueError, FORWARD + "NoneType"),
    ({"wcsmap": Answering(lambda x, y: (x[1:], y[1:]))}, ValueError,
     FORWARD + "shapes (71,) and (71,)"),
    ({"wcsmap": Answering(lambda x, y: (x, None))}, ValueError, FORWARD + "dtype object"),
    ({"wcsmap": Answering(lambda x, y: ("a", "b"))}, ValueError, FORWARD + "dtype <U1"),
    ({"wcsmap": Answering(lambda x, y: (x, [None] * len(y)))}, ValueError, FORWARD + "dtype obj"),
    ({"wcsmap": Answering(lambda x, y: (x, y + 1j))}, ValueError, FORWARD + "dtype complex128"),
    ({"wcsmap": Answering(lambda x, y: (x > 3, y))}, ValueError, FORWARD + "dtype bool"),
    ({"wcsmap": Answering(lambda x, y: (x.astype("M8[s]"), y))}, ValueError,
     FORWARD + "dtype datetime64[s]"),
    ({"wcsmap": Answering(lambda x, y: (np.ma.masked_less(x, 3), y))}, ValueError,
     FORWARD + "masked values"),
    ({"wcsmap": Answering(lambda x, y: (x * units.deg, y))}, ValueError, FORWARD + "unit deg"),
    ({"wcsmap": cblot.LinearMap}, TypeError, "xsh must be a number, got WCS"),
    ({"wcsmap": cblot.LinearMap()}, TypeError,
     "got LinearMap; pass lambda blot_wcs, source_wcs: ... as wcsmap"),
    ({"wcsmap": 3}, TypeError,
     "wcsmap must be a class (or function) to be called as wcsmap(blot_wcs, source_wcs), got int"),
    ({"wcsmap": lambda blot, source: None}, TypeError,
     "wcsmap(blot_wcs, source_wcs) must have a method forward(x, y), got None"),
    ({"blot_wcs": wcs_of("RA---TAN", "DEC--TAN", "FREQ")}, ValueError,
     "blot_wcs must be a 2-D WCS, got array_shape (8, 9, 10)"),
    ({"blot_wcs": shaped((8.5, 9))}, TypeError,
     "blot_wcs must have an array_shape (ny, nx) of two integers, got (8.5, 9)"),
    ({"blot_wcs": shaped("89")}, TypeError,
     "blot_wcs must have an array_shape (ny, nx) of two integers, got '89'"),
    ({"blot_wcs": shaped(8)}, TypeError,
     "blot_wcs must have an array_shape (ny, nx) of two integers, got 8"),
    ({"source_wcs": wcs_of("FREQ", "TIME")}, ValueError,
     "source_wcs must map to longitude and latitude, or to a plane, got CTYPE (FREQ, TIME)"),
    ({"blot_wcs": None}, TypeError,
     COMMON),
    ({"blot_wcs": wcs_of("HPLN-TAN", "HPLT-TAN")}, ValueError,
     "astropy.coordinates transforms, got RA DEC ICRS (icrs) and HPLN HPLT"),
    ({"blot_wcs": wcs_of("", "")}, ValueError, "got RA DEC ICRS and a plane (, )"),
    ({"blot_wcs": shapeless()}, ValueError,
     "blot_wcs must have a shape, got array_shape None; set blot_wcs.array_shape = (ny, nx)"),
    ({"classic": True, "interp": "sinc"}, ValueError,
     "classic arithmetic is defined for nearest, linear, poly3 and poly5 only, got sinc"),
]  # fmt: skip

PIXMAP = np.random.default_rng(0).uniform(0, 10, (8, 9, 2))
BLOT_IMAGE: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"data": np.zeros(4)}, ValueError, "data must be 2-D, got shape (4,)"),
    ({"pixmap": np.zeros((8, 9))}, ValueError,
     "pixmap must have shape (ny, nx, 2), got shape (8, 9)"),
    ({"pixmap": np.zeros((8, 9, 3))}, ValueError,
     "pixmap must have shape (ny, nx, 2), got shape (8, 9, 3)"),
    ({"pixmap": np.zeros((0, 9, 2))}, ValueError, "pixmap must not be empty, got shape (0, 9, 2)"),
    ({"pixmap": PIXMAP * 1j}, TypeError, "pixmap must be of a real type, got dtype complex128"),
    ({"pix_ratio": 0.0}, ValueError, "pix_ratio must be positive and finite, got 0"),
    ({"pix_ratio": np.inf}, ValueError, "pix_ratio must be positive and finite, got inf"),
    ({"exptime": np.nan}, ValueError, "exptime must be a finite number, got nan"),
    ({"iscale": np.nan}, ValueError, "iscale must be a finite number, got nan"),
    ({"output_pixel_shape": (8, 9)}, ValueError,
     "output_pixel_shape must be (9, 8), as pixmap is, got (8, 9)"),
    ({"out_img": np.zeros((9, 8), "f4")}, ValueError,
     "out_img must have shape (8, 9), got shape (9, 8)"),
    ({"out_img": np.zeros((8, 9), "f2")}, TypeError,
     "out_img must be float32 or float64, got dtype float16"),
    ({"out_img": SOURCE[1:9, 1:10]}, ValueError,
     "out_img must not overlap the source image in memory"),
    ({"interp": "cubic"}, ValueError, VALID),
    ({"interp": "lan3", "classic": True}, ValueError,
     "classic arithmetic is defined for nearest, linear, poly3 and poly5 only, got lanczos3"),
]  # fmt: skip


def snapshot(arguments: dict[str, Any]) -> list[Any]:
    state = []
    for value in arguments.values():
        if isinstance(value, np.ndarray):
            state.append((value.tobytes(), value.dtype, value.shape))
        elif isinstance(value, WCS):
            state.append((value.to_header_string(relax=True), value.array_shape))
    return state


def refuses(call: Any, arguments: dict[str, Any], kind: type[Exception], text: str) -> None:
    before = snapshot(arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with pytest.raises(kind, match=re.escape(text)) as caught:
            call(**arguments)
    assert type(caught.value).__name__ in (kind.__name__, "CoreError")
    assert snapshot(arguments) == before


def do_blot_arguments() -> dict[str, Any]:
    return {"source": SOURCE, "source_wcs": tan_wcs(10, 11), "blot_wcs": tan_wcs(8, 9),
            "exptime": 2.0, "out": np.full((8, 9), 5.0, dtype="f4")}  # fmt: skip


@pytest.mark.parametrize(("wrong", "kind", "text"), DO_BLOT)
def test_do_blot_refuses(wrong: dict[str, Any], kind: type[Exception], text: str) -> None:
    refuses(cblot.do_blot, do_blot_arguments() | wrong, kind, text)


@pytest.mark.parametrize(("wrong", "kind", "text"), BLOT_IMAGE)
def test_blot_image_refuses(wrong: dict[str, Any], kind: type[Exception], text: str) -> None:
    good = {"data": SOURCE, "pixmap": PIXMAP, "out_img": np.full((8, 9), 5.0, dtype="f4")}
    refuses(cblot.blot_image, good | wrong, kind, text)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_positions_that_are_not_numbers_give_the_fill_value(value: float) -> None:
    wcsmap = Answering(lambda x, y: (x * value, y))
    arguments = do_blot_arguments() | {"wcsmap": wcsmap, "fillval": -1.0}
    assert (cblot.do_blot(**arguments) == -1.0).all()
    pixmap = PIXMAP.copy()
    pixmap[3, 4, 0], pixmap[5, 5, 1] = value, value
    result = cblot.blot_image(SOURCE, pixmap, fillval=-1.0)
    assert result[3, 4] == result[5, 5] == -1.0
    assert (result == -1.0).sum() == 2


@pytest.mark.parametrize("stepsize", [0, 10])
def test_interruption(stepsize: int) -> None:
    """Ctrl-C stops the call soon."""
    source, wcs = np.ones((300, 300)), tan_wcs(6000, 6000)
    out = np.full((6000, 6000), 5.0, dtype="f4")
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(0.2, lambda: signal.pthread_kill(main, signal.SIGINT))
    timer.start()
    start = time.monotonic()

    def until_interrupted() -> None:
        while time.monotonic() - start < 60:
            cblot.do_blot(source, tan_wcs(300, 300, 1.0), wcs, 1.0, stepsize=stepsize,
                          interp="sinc", sinscl=1.5, out=out)  # fmt: skip

    with pytest.raises(KeyboardInterrupt):
        until_interrupted()
    timer.join()


def resident_kilobytes() -> int:
    with open("/proc/self/status") as status:
        return int(re.findall(r"VmRSS:\s+(\d+)", status.read())[0])


def test_no_leak() -> None:
    """2,000 failing and succeeding calls leave resident memory flat."""
    good = do_blot_arguments()
    cases = [{}, {"stepsize": 0}, {"interp": "spline3"}]
    cases += [wrong for wrong, _, _ in DO_BLOT]
    big = np.zeros((256, 256), dtype="f4")

    def calls(count: int) -> None:
        for index in range(count):
            with contextlib.suppress(TypeError, ValueError, RuntimeError):
                cblot.do_blot(**(good | cases[index % len(cases)]))
            cblot.blot_image(big, PIXMAP)

    calls(600)
    before = resident_kilobytes()
    calls(2000)
    assert resident_kilobytes() - before < 2000
