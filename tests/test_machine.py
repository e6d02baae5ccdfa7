"""Instruction sets, threads, and concurrent calls: none of them changes an answer."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import cblot
from cblot.core import machine
from conftest import INTERPOLANTS, sky_image
from test_bad_input import tan_wcs

ISAS = cblot.build_info()["available"]


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_isa_of_the_environment() -> None:
    for isa in ISAS:
        answer = run("import cblot; print(cblot.build_info()['isa'])", CBLOT_ISA=isa)
        assert answer.stdout.strip() == isa, answer.stderr
    missing = {"baseline", "avx2", "avx512"} - set(ISAS)
    for isa in ["sse9", *missing]:
        answer = run("import cblot", CBLOT_ISA=isa)
        assert answer.returncode != 0
        assert f"ImportError: CBLOT_ISA={isa}: " in answer.stderr


def test_build_info() -> None:
    info = cblot.build_info()
    assert info["available"][0] == "baseline"
    assert info["isa"] == os.environ.get("CBLOT_ISA", info["available"][-1])
    assert info["threads"] >= 1
    assert info["compiler"]


def wavy_pixmap(shape: tuple[int, int], source: tuple[int, int]) -> np.ndarray:
    """Native scale, coarser, finer and folded, and beyond the image all round."""
    rng = np.random.default_rng(5)
    j, i = np.mgrid[: shape[0], : shape[1]].astype(float)
    x = 1.02 * (i - 5) + 3.0 * np.sin(j / 17.0) + 0.02 * j
    y = 1.03 * (j - 4) + 0.03 * i + 2.0 * np.cos(i / 23.0)
    x[:, ::97] = rng.uniform(-10, source[1] + 10, x[:, ::97].shape)
    x[40:60] = source[1] - x[40:60]
    y[70:80] *= 1.7
    x[5, 5], y[6, 6], x[7, 7] = np.nan, np.inf, -1e300
    return np.stack([x, y], axis=-1)


@pytest.mark.parametrize("interp", INTERPOLANTS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_isas_give_the_same_bits(interp: str, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    image = sky_image((150, 190)).astype(dtype)
    image[30:33, 40:44] *= 1e4
    image[100, 100] = np.nan
    pixmap = wavy_pixmap((140, 180), image.shape)
    for sinscl in (1.0, 1.5) if interp == "sinc" else (1.0,):
        results = []
        for isa in ISAS:
            monkeypatch.setattr(machine, "ISA", isa)
            out = np.empty(pixmap.shape[:2], dtype=dtype)
            cblot.blot_image(image, pixmap, interp=interp, sinscl=sinscl, out_img=out)
            results.append(out)
        for result in results:
            np.testing.assert_array_equal(result, results[0])


@pytest.mark.parametrize("interp", ["nearest", "linear", "poly3", "poly5"])
def test_classic_is_the_same_on_all(interp: str, monkeypatch: pytest.MonkeyPatch) -> None:
    image, results = sky_image((150, 190)), []
    for isa in ISAS:
        monkeypatch.setattr(machine, "ISA", isa)
        results.append(
            cblot.blot_image(
                image, wavy_pixmap((140, 180), image.shape), interp=interp, classic=True
            )
        )
    for result in results:
        np.testing.assert_array_equal(result, results[0])


def test_positions_are_the_same_on_all(acs_wcs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    small = acs_wcs[0].deepcopy()
    small.array_shape = (130, 1111)
    for stepsize in (None, 7):
        pixmaps = []
        for isa in ISAS:
            monkeypatch.setattr(machine, "ISA", isa)
            pixmaps.append(
                cblot.Mapping(blot_wcs=small, source_wcs=acs_wcs[2], stepsize=stepsize).pixmap()
            )
        for pixmap in pixmaps:
            np.testing.assert_array_equal(pixmap, pixmaps[0])


@pytest.mark.parametrize("interp", INTERPOLANTS)
@pytest.mark.parametrize("isa", ISAS)
def test_threads_and_tiles(interp: str, isa: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large enough for several threads; the pieces are small calls of one."""
    monkeypatch.setattr(machine, "ISA", isa)
    image, shape = sky_image((700, 900)), (701, 903)
    pixmap = wavy_pixmap(shape, image.shape)
    whole = cblot.blot_image(image, pixmap, interp=interp, threads=1, fillval=np.nan)
    for threads in (2, 3, 16, 200):
        np.testing.assert_array_equal(
            cblot.blot_image(image, pixmap, interp=interp, threads=threads, fillval=np.nan), whole
        )
    for box in (np.s_[100:103, 33:850], np.s_[300:420, 0:1], np.s_[650:701, 500:517]):
        piece = cblot.blot_image(image, pixmap[box], interp=interp, fillval=np.nan)
        np.testing.assert_array_equal(piece, whole[box])
    # The same samples one by one instead of as vectors.
    strided = np.repeat(image, 2, axis=1)[:, ::2]
    np.testing.assert_array_equal(
        cblot.blot_image(strided, pixmap, interp=interp, fillval=np.nan), whole
    )


@pytest.mark.parametrize("stepsize", [None, 10])
def test_threads_with_wcs(acs_wcs: Any, stepsize: int | None) -> None:
    chip, _, clean = acs_wcs
    small = chip.deepcopy()
    small.array_shape = (256, 4096)
    source = sky_image(clean.array_shape)
    results = [
        cblot.do_blot(source, clean, small, 1.0, stepsize=stepsize, threads=n) for n in (1, 2, 5)
    ]
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


def test_concurrent_calls(acs_wcs: Any) -> None:
    """One source, one pair of WCS objects, many callers' threads."""
    chip, _, clean = acs_wcs
    small = chip.deepcopy()
    small.array_shape = (200, 700)
    source = sky_image(clean.array_shape)
    calls = [(interp, step) for interp in INTERPOLANTS for step in (10, None)]

    def call(arguments: tuple[str, int | None]) -> np.ndarray:
        interp, step = arguments
        return cblot.do_blot(source, clean, small, 2.0, interp=interp, stepsize=step, threads=2)

    expected = [call(c) for c in calls]
    with ThreadPoolExecutor(16) as pool:
        for got, alone in zip(pool.map(call, calls * 4), expected * 4, strict=True):
            np.testing.assert_array_equal(got, alone)


def test_error_in_a_thread_of_many() -> None:
    """A callers' mapping that fails half-way ends the call with its own error."""

    class Failing(cblot.IdentityMap):
        def forward(self, x: Any, y: Any) -> Any:
            if y.max() > 700:
                raise ArithmeticError("no more rows")
            return x, y

    wcs = tan_wcs(1000, 1000)
    with pytest.raises(ArithmeticError, match="no more rows"):
        cblot.do_blot(sky_image((1000, 1000)), wcs, wcs, 1.0, wcsmap=Failing, threads=4)


@pytest.mark.parametrize(
    ("threads", "error", "message"),
    [
        (0, ValueError, "threads must be at least 1, got 0"),
        (-3, ValueError, "threads must be at least 1, got -3"),
        (1.5, TypeError, "threads must be a whole number or None, got 1.5"),
        ("two", TypeError, "threads must be a whole number or None, got 'two'"),
    ],
)
def test_bad_threads(threads: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        cblot.blot_image(np.ones((3, 3)), np.zeros((3, 3, 2)), threads=threads)


def test_threads_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CBLOT_NUM_THREADS", "3")
    assert cblot.build_info()["threads"] == 3
    for bad, message in (("0", "at least 1, got 0"), ("many", "a whole number, got 'many'")):
        monkeypatch.setenv("CBLOT_NUM_THREADS", bad)
        with pytest.raises(ValueError, match=f"CBLOT_NUM_THREADS must be {message}"):
            cblot.blot_image(np.ones((3, 3)), np.zeros((3, 3, 2)))
    monkeypatch.delenv("CBLOT_NUM_THREADS")
    assert cblot.build_info()["threads"] == len(os.sched_getaffinity(0))
