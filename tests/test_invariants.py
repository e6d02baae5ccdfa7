"""What must hold whatever the image: constants, polynomials, symmetry, linearity, tiling."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cblot
from conftest import INTERPOLANTS

DEGREE = {"linear": 1, "poly3": 3, "poly5": 5, "spline3": 3}
seeds = st.integers(0, 2**31)
sizes = st.integers(1, 40)
interpolants = st.sampled_from(INTERPOLANTS)


def blot(image: np.ndarray, pixmap: np.ndarray, interp: str, **kw: Any) -> np.ndarray:
    out = np.empty(pixmap.shape[:2], dtype=image.dtype)
    return cblot.blot_image(image, pixmap, interp=interp, out_img=out, **kw)


def pixmap_within(shape: tuple[int, int], rng: np.random.Generator, n: int = 12) -> np.ndarray:
    return rng.uniform(0, 1, (n, n, 2)) * (shape[1], shape[0])


@given(interpolants, sizes, sizes, seeds, st.floats(-1e30, 1e30))
@settings(deadline=None)
def test_constant(interp: str, ny: int, nx: int, seed: int, value: float) -> None:
    pixmap = pixmap_within((ny, nx), np.random.default_rng(seed))
    result = blot(np.full((ny, nx), value), pixmap, interp)
    np.testing.assert_allclose(result, value, rtol=1e-14, atol=1e-320)  # subnormals are coarse


@given(st.sampled_from(sorted(DEGREE)), seeds)
@settings(deadline=None)
def test_polynomial(interp: str, seed: int) -> None:
    """Exact up to the kernel's degree, in the interior (spline3: far from its mirrored ends)."""
    rng = np.random.default_rng(seed)
    n = 96 if interp == "spline3" else 16
    margin = 42 if interp == "spline3" else 3
    coefficients = rng.normal(size=(DEGREE[interp] + 1,) * 2)
    value = np.polynomial.polynomial.polyval2d
    y, x = np.mgrid[:n, :n]
    image = value((x - n / 2) / n, (y - n / 2) / n, coefficients)
    px, py = rng.uniform(margin, n - 1 - margin, (2, 10, 10))
    result = blot(image, np.stack([px, py], axis=-1), interp)
    expected = value((px - n / 2) / n, (py - n / 2) / n, coefficients)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-12 * np.abs(coefficients).sum())


@given(interpolants, sizes, sizes, seeds)
@settings(deadline=None)
def test_transposition(interp: str, ny: int, nx: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    image, pixmap = rng.normal(size=(ny, nx)), pixmap_within((ny, nx), rng)
    swapped = blot(image.T, pixmap[..., ::-1], interp)
    np.testing.assert_allclose(blot(image, pixmap, interp), swapped, rtol=0, atol=4e-14)


@given(interpolants, seeds, st.integers(-5, 5), st.integers(-5, 5))
@settings(deadline=None)
def test_shift_by_whole_pixels(interp: str, seed: int, dy: int, dx: int) -> None:
    rng = np.random.default_rng(seed)
    big = rng.normal(size=(120, 120))
    pixmap = np.round(rng.uniform(50, 65, (10, 10, 2)) * 1024) / 1024
    shifted = blot(np.roll(big, (dy, dx), axis=(0, 1)), pixmap + np.array([dx, dy]), interp)
    np.testing.assert_allclose(blot(big, pixmap, interp), shifted, rtol=0, atol=1e-14)


@given(interpolants, sizes, sizes, seeds)
@settings(deadline=None)
def test_linearity(interp: str, ny: int, nx: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, ny, nx))
    pixmap = pixmap_within((ny, nx), rng)
    both = blot(2.0 * a - 3.0 * b, pixmap, interp)
    parts = 2.0 * blot(a, pixmap, interp) - 3.0 * blot(b, pixmap, interp)
    np.testing.assert_allclose(both, parts, rtol=0, atol=1e-12)


@given(interpolants, seeds, st.booleans(), st.lists(st.integers(1, 69), max_size=4))
@settings(deadline=None, max_examples=60)
def test_any_tiling_equals_the_whole(
    interp: str, seed: int, classic: bool, cuts: list[int]
) -> None:
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(90, 330)).astype(np.float32)
    image[rng.random(image.shape) < 0.001] = np.nan
    y, x = np.mgrid[:70.0, :600.0]
    theta = rng.uniform(-0.3, 0.3)
    pixmap = np.stack(
        [0.6 * (x * np.cos(theta) + y * np.sin(theta)) - 5, y * 1.2 - 0.02 * x], axis=-1
    )
    classic = classic and interp in ("nearest", "linear", "poly3", "poly5")
    whole = blot(image, pixmap, interp, classic=classic)
    rows = [0, *sorted(set(cuts)), 70]
    parts = [blot(image, pixmap[a:b], interp, classic=classic) for a, b in itertools.pairwise(rows)]
    np.testing.assert_array_equal(np.concatenate(parts).view("i4"), whole.view("i4"))
    columns = np.concatenate(
        [blot(image, pixmap[:, a:b], interp, classic=classic) for a, b in ((0, 7), (7, 600))], 1
    )
    np.testing.assert_array_equal(columns.view("i4"), whole.view("i4"))


@pytest.mark.parametrize("interp", INTERPOLANTS)
def test_large_image_in_many_tiles(interp: str) -> None:
    """More rows than a tile has, and for spline3 more samples than a box may have."""
    rng = np.random.default_rng(1)
    image = rng.normal(size=(1500, 1400)).astype(np.float32)
    y, x = np.mgrid[:700.0, :800.0]
    pixmap = np.stack([x * 1.7 + 0.01 * y, y * 2.1 + 0.01 * x], axis=-1)
    whole = blot(image, pixmap, interp)
    np.testing.assert_array_equal(blot(image, pixmap[333:340], interp), whole[333:340])
    chosen = rng.permutation(700 * 800)[:4000].reshape(4, 1000)
    scattered = pixmap.reshape(-1, 2)[chosen]
    np.testing.assert_array_equal(blot(image, scattered, interp), whole.ravel()[chosen])


@pytest.mark.parametrize("interp", INTERPOLANTS)
def test_memory_layout_does_not_matter(interp: str) -> None:
    rng = np.random.default_rng(2)
    image = rng.normal(size=(40, 50)).astype(np.float32)
    pixmap = rng.uniform(-1, 50, (30, 31, 2))
    expected = blot(image, pixmap, interp)
    read_only = image.copy()
    read_only.flags.writeable = False
    unaligned = np.frombuffer(b"x" + image.tobytes(), dtype="u1")[1:].view("f4").reshape(40, 50)
    wide = np.zeros((80, 150), dtype=np.float32)
    wide[::2, ::3] = image
    record = np.zeros((40, 50), dtype=[("flag", "u1"), ("value", "f4")])
    record["value"] = image
    for same in (
        np.asfortranarray(image),
        image[::-1, ::-1].copy()[::-1, ::-1],
        image.astype(">f4"),
        read_only,
        unaligned,
        wide[::2, ::3],
        record["value"],
        image.tolist() if interp == "nearest" else image,
    ):
        np.testing.assert_array_equal(cblot.blot_image(same, pixmap, interp=interp), expected)
    for same in (
        np.asfortranarray(pixmap),
        pixmap[::-1].copy()[::-1],
        pixmap.astype(">f8"),
        np.moveaxis(np.ascontiguousarray(np.moveaxis(pixmap, 2, 0)), 0, 2),
    ):
        np.testing.assert_array_equal(cblot.blot_image(image, same, interp=interp), expected)
    out = np.zeros((60, 93), dtype=">f8")[::2, ::3]
    assert cblot.blot_image(image, pixmap, interp=interp, out_img=out) is out
    np.testing.assert_array_equal(out.astype("f4"), expected)


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "i2", ">i2", "u2", "i4", "i8", "u8", "f2", "g"])
def test_real_types(dtype: str) -> None:
    image = np.random.default_rng(3).integers(0, 100, (20, 20)).astype(dtype)
    pixmap = np.random.default_rng(4).uniform(0, 20, (9, 9, 2))
    result = cblot.blot_image(image, pixmap)
    same = "f8" if dtype in ("i4", "i8", "u8", "g") else "f4"
    np.testing.assert_array_equal(result, cblot.blot_image(image.astype(same), pixmap))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_equal_types_need_not_be_one_object(dtype: str) -> None:
    """As NumPy gives after a byte swap, or with metadata."""
    image = np.random.default_rng(5).normal(size=(30, 30)).astype(dtype)
    pixmap = np.random.default_rng(6).uniform(0, 30, (9, 9, 2))
    expected = cblot.blot_image(image, pixmap, out_img=np.empty((9, 9), dtype))
    for other in (np.dtype(dtype).newbyteorder("="), np.dtype(dtype, metadata={"a": 1})):
        swapped = image.byteswap().view(np.dtype(dtype).newbyteorder()).byteswap().view(other)
        out = np.empty((9, 9), other)
        result = cblot.blot_image(swapped, pixmap, out_img=out)
        assert result is out
        np.testing.assert_array_equal(result, expected)


def test_memory_map(tmp_path: Any) -> None:
    image = np.random.default_rng(5).normal(size=(30, 30)).astype("f4")
    image.tofile(tmp_path / "image")
    mapped = np.memmap(tmp_path / "image", dtype="f4", mode="r", shape=(30, 30))
    pixmap = np.random.default_rng(6).uniform(0, 30, (9, 9, 2))
    np.testing.assert_array_equal(cblot.blot_image(mapped, pixmap), cblot.blot_image(image, pixmap))


def test_masked_pixels_are_nan() -> None:
    image = np.ma.array(np.arange(400).reshape(20, 20), mask=False)
    image.mask[10, 10] = True
    pixmap = np.random.default_rng(7).uniform(0, 20, (30, 30, 2))
    result = cblot.blot_image(image, pixmap, interp="nearest")
    plain = image.filled(0).astype("f4")
    plain[10, 10] = np.nan
    np.testing.assert_array_equal(result, cblot.blot_image(plain, pixmap, interp="nearest"))
    assert image.data[10, 10] == 210
