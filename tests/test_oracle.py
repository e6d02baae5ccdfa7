"""Every interpolant against the slow float64 oracle: interiors, edges, corners, tiny images."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import cblot
import oracle
from conftest import ALIASES, INTERPOLANTS

BOUND = {np.float32: 4e-6, np.float64: 1e-12}
SHAPES = [(1, 1), (1, 9), (9, 1), (2, 2), (3, 4), (7, 5), (24, 37)]


def positions(shape: tuple[int, int], rng: np.random.Generator, n: int = 400) -> np.ndarray:
    """Anywhere, on centres, on every border, just inside, just outside, and nowhere."""
    axes = []
    for size in (shape[1], shape[0]):
        special = [0.0, -0.0, 0.5, size - 1.0, size - 0.5, np.nextafter(size, 0), size - 1e-9]
        special += [-1e-12, float(size), -0.5, size + 0.5, np.nan, np.inf, -np.inf, 1e300, -1e300]
        special += [np.nextafter(0.5, 0), 1e-300, 5e-8, max(size - 2.0, 0.0)]
        pool = np.concatenate([special, np.arange(size), rng.uniform(-1, size + 1, n)])
        axes.append(rng.choice(pool, n))
        axes[-1][: n // 2] = rng.uniform(0, size, n // 2)
    return np.stack(axes, axis=-1).reshape(20, n // 20, 2)


def compare(image: np.ndarray, pixmap: np.ndarray, interp: str, sinscl: float = 1.0) -> None:
    out = np.empty(pixmap.shape[:2], dtype=np.float64)
    cblot.blot_image(image, pixmap, out_img=out, interp=interp, sinscl=sinscl, fillval=-77.0)
    expected = oracle.blot(image, pixmap[..., 0], pixmap[..., 1], interp, sinscl, fill=-77.0)
    bound = BOUND[image.dtype.type] * np.abs(image).max()
    np.testing.assert_allclose(out, expected, rtol=0, atol=bound)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("interp", INTERPOLANTS)
def test_oracle(interp: str, shape: tuple[int, int], dtype: type) -> None:
    rng = np.random.default_rng([INTERPOLANTS.index(interp), *shape])
    image = rng.normal(0.0, 1.0, shape).astype(dtype)
    compare(image, positions(shape, rng), interp)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sinscl", [0.7, 0.9, 1.3, 2.0, 3.7, 50.0])
def test_stretched_sinc(sinscl: float, dtype: type) -> None:
    rng = np.random.default_rng(5)
    image = rng.normal(0.0, 1.0, (24, 37)).astype(dtype)
    compare(image, positions(image.shape, rng), "sinc", sinscl)


@pytest.mark.parametrize("sinscl", [1e-300, 1e-3, 0.1, 0.25, 0.5, 1e300])
def test_extreme_sinc_is_bounded(sinscl: float) -> None:
    rng = np.random.default_rng(6)
    image = rng.normal(0.0, 1.0, (24, 37))
    pixmap = rng.uniform(0, 24, (20, 20, 2))
    result = cblot.blot_image(image, pixmap, interp="sinc", sinscl=sinscl)
    assert np.isfinite(result).all()


def test_long_rows_use_every_lane() -> None:
    """Runs of consecutive samples of all lengths, across blocks and up to the right border."""
    rng = np.random.default_rng(7)
    image = rng.normal(0.0, 1.0, (12, 700)).astype(np.float32)
    x = np.arange(800)[None, :] * 0.93 - 7.3 + rng.uniform(0, 0.05, (6, 1))
    y = 5.0 + np.arange(6)[:, None] * 0.7 + 0.004 * np.arange(800)[None, :]
    pixmap = np.stack(np.broadcast_arrays(x, y), axis=-1)
    for interp in INTERPOLANTS:
        compare(image, pixmap, interp)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("interp", INTERPOLANTS)
def test_bad_samples_stay_where_they_are(interp: str, dtype: type) -> None:
    """None but those of its taps reach a pixel, though vectors of scattered samples hold more."""
    rng = np.random.default_rng(8)
    image = rng.normal(5.0, 1.0, (60, 66)).astype(dtype)
    image[7, 9], image[0, 0], image[59, 20], image[15:19, 45:50] = np.nan, np.nan, np.inf, np.nan
    pixmap = np.concatenate(
        [rng.uniform(0, 60, (40, 40, 2)), np.floor(rng.uniform(0, 60, (8, 40, 2)))]
    )
    result = np.empty(pixmap.shape[:2])
    cblot.blot_image(image, pixmap, out_img=result, interp=interp)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        expected = oracle.blot(image, pixmap[..., 0], pixmap[..., 1], interp)
    good = np.isfinite(expected)
    assert 0 < (~good).sum() < good.size / 2
    np.testing.assert_array_equal(np.isfinite(result), good)
    bound = 10 * BOUND[dtype]
    np.testing.assert_allclose(result[good], expected[good], rtol=0, atol=bound)


@pytest.mark.parametrize("interp", ["linear", "spline3"])
def test_scipy(interp: str) -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    rng = np.random.default_rng(9)
    image = rng.normal(0.0, 1.0, (40, 51))
    pixmap = rng.uniform(0, 39, (30, 30, 2))
    out = np.empty((30, 30))
    cblot.blot_image(image, pixmap, interp=interp, out_img=out)
    order = {"linear": 1, "spline3": 3}[interp]
    expected = ndimage.map_coordinates(
        image, [pixmap[..., 1], pixmap[..., 0]], order=order, mode="mirror"
    )
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("alias", "name"), ALIASES.items())
def test_aliases(alias: str, name: str) -> None:
    rng = np.random.default_rng(10)
    image, pixmap = rng.normal(size=(9, 9)), rng.uniform(0, 9, (5, 5, 2))
    np.testing.assert_array_equal(
        cblot.blot_image(image, pixmap, interp=alias), cblot.blot_image(image, pixmap, interp=name)
    )
    assert alias in cblot.interpolants()
