"""Side by side with drizzlepac and drizzle, on real geometry and on random images.

Both peers narrow positions to float32. At a source position x that moves a sample by up to half a
unit in the last place of float32(x), so a result may differ by

    gain * (|df/dx| ulp32(x) / 2 + |df/dy| ulp32(y) / 2) + rounding of the float32 sums,

where the derivatives are those of the interpolated image, bounded here by the range of the samples
under the kernel times `SLOPE`, the greatest slope of the kernel for a unit range.
"""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np
import pytest

import cblot
from conftest import Pair
from wcs_oracle import exact_positions

cdriz = pytest.importorskip("drizzlepac.cdriz", reason="the peer drizzlepac is not installed")
ablot = pytest.importorskip("drizzlepac.ablot", reason="the peer drizzlepac is not installed")
resample = pytest.importorskip("drizzle.resample", reason="the peer drizzle is not installed")
ndimage = pytest.importorskip("scipy.ndimage")

pytestmark = pytest.mark.xdist_group("peers")  # whose positions take long to ask for

KERNELS = ("nearest", "linear", "poly3", "poly5")
HALF_WIDTH = {"linear": 1, "poly3": 2, "poly5": 3}
# Greatest sum of |dw/dt| over the taps of an axis, times the greatest sum of |w| over the other.
SLOPE = {"linear": 2.0, "poly3": 3.0 * 1.25, "poly5": 3.8 * 1.4}


def peer_blot(source: np.ndarray, source_wcs: Any, blot_wcs: Any, *args: Any, **kw: Any) -> Any:
    """drizzlepac's do_blot, on a copy because it changes the WCS it is given."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ablot.do_blot(source, source_wcs, blot_wcs.deepcopy(), *args, **kw)


@functools.lru_cache(maxsize=3)
def node_positions(pair: Pair, stepsize: int) -> tuple[np.ndarray, np.ndarray]:
    """0-based source positions of every pixel, by drizzlepac's own mapping."""
    ny, nx = pair.blot_wcs.array_shape
    mapping = cdriz.DefaultWCSMapping(pair.blot_wcs, pair.source_wcs, nx, ny, stepsize)
    columns = np.arange(1.0, nx + 1)
    rows = [mapping(columns, np.full(nx, j + 1.0)) for j in range(ny)]
    x, y = (np.array(v) - 1.0 for v in zip(*rows, strict=True))
    return x, y


def float32_bound(image: np.ndarray, x: np.ndarray, y: np.ndarray, interp: str) -> np.ndarray:
    """The formula at the head of this file."""
    size = 2 * HALF_WIDTH[interp] + 1
    spread = ndimage.maximum_filter(image, size) - ndimage.minimum_filter(image, size)
    largest = ndimage.maximum_filter(np.abs(image), size)
    ix = np.clip(x, 0, image.shape[1] - 1).astype(int)
    iy = np.clip(y, 0, image.shape[0] - 1).astype(int)
    half_ulp = (np.spacing(np.abs(x).astype("f4")) + np.spacing(np.abs(y).astype("f4"))) / 2
    slope = SLOPE[interp] * spread[iy, ix].astype("f8")
    return slope * half_ulp + 2e-6 * largest[iy, ix] + 1e-12


def undefined(interp: str, x: np.ndarray, y: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Where a peer's result is not defined by the image: see the zones of each interpolant.

    nearest: the last half pixel of either axis, index n: memory that is not the image's, or the
    next row. poly3: the last row, floor(y) = ny - 1: stack memory. All: the float32 position is on
    the far border itself, which drizzlepac takes as inside and where its linear raises.
    """
    ny, nx = shape
    x, y = np.asarray(x, dtype="f4"), np.asarray(y, dtype="f4")
    zone = (y == ny) | ((x == nx) & np.isin(interp, ("nearest", "linear")))
    if interp == "nearest":
        zone |= (x >= nx - 0.5) | (y >= ny - 0.5)
    if interp == "poly3":
        zone |= (y >= ny - 1) & (y <= ny)
    return zone & (x >= 0) & (x <= nx) & (y >= 0) & (y <= ny)


def same_bits(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a.view("i4") == b.view("i4")


# drizzlepac's nearest reads past the image where a chip meets the mosaic's far edge, and may then
# crash: it gets a source with a border of one pixel more, which changes nothing within the image.
def padded_pair(pair: Pair) -> Pair:
    wcs = pair.source_wcs.deepcopy()
    source = np.pad(pair.source, ((0, 1), (0, 1)), mode="edge")
    wcs.array_shape = source.shape
    return Pair(source, wcs, pair.blot_wcs, pair.exptime)


@pytest.mark.parametrize("interp", KERNELS)
def test_classic_is_drizzlepac_to_the_bit(real_pair: Pair, interp: str) -> None:
    x, y = node_positions(real_pair, 10)
    pair = padded_pair(real_pair) if interp == "nearest" else real_pair
    args = (pair.source, pair.source_wcs, pair.blot_wcs, pair.exptime)
    ours = cblot.do_blot(*args, interp=interp, classic=True)
    theirs = peer_blot(*args, interp=interp)
    zone = undefined(interp, x, y, pair.source.shape)
    assert zone.mean() < 0.002
    assert (ours != 0).mean() > 0.95
    assert np.count_nonzero(~same_bits(ours, theirs) & ~zone) == 0
    print(f"\nclassic {interp}: 0 of {ours.size} differ, {zone.sum()} undefined")


@pytest.mark.parametrize("stepsize", [5, 37])
@pytest.mark.parametrize("coeffs", [True, False])
def test_classic_options(real_pair: Pair, stepsize: int, coeffs: bool) -> None:
    pair = real_pair
    blot_wcs = pair.blot_wcs.deepcopy()
    # drizzlepac's coeffs=False forgets the detector table, so that is taken out for both.
    blot_wcs.det2im1 = blot_wcs.det2im2 = None
    blot_wcs.array_shape = (blot_wcs.array_shape[0] // 4, blot_wcs.array_shape[1])
    args = (pair.source, pair.source_wcs, blot_wcs, pair.exptime)
    ours = cblot.do_blot(*args, coeffs=coeffs, stepsize=stepsize, classic=True)
    theirs = peer_blot(*args, coeffs=coeffs, stepsize=stepsize)
    assert np.count_nonzero(~same_bits(ours, theirs)) == 0


@pytest.mark.slow
@pytest.mark.parametrize("interp", ["linear", "poly3", "poly5"])
def test_do_blot_within_what_float32_positions_explain(real_pair: Pair, interp: str) -> None:
    pair = real_pair
    args = (pair.source, pair.source_wcs, pair.blot_wcs, 1.0)
    ours = cblot.do_blot(*args, interp=interp)
    theirs = peer_blot(*args, interp=interp)
    x, y = node_positions(pair, 10)
    ny, nx = pair.source.shape
    # Compared where both see the same samples: away from the border, and from the peers' top rows.
    inner = (x > 1e-2) & (x < nx - 1.01) & (y > 1e-2) & (y < ny - 4.01)
    bright = inner & (np.abs(theirs) > 1)
    gain = float(np.median(ours[bright] / theirs[bright]))
    assert gain == pytest.approx(1.0, abs=1e-5)
    excess = np.abs(ours.astype("f8") - theirs) - 1.05 * float32_bound(pair.source, x, y, interp)
    assert inner.mean() > 0.95
    assert excess[inner].max() <= 0


def test_nearest_differs_only_at_float32_ties(real_pair: Pair) -> None:
    pair = padded_pair(real_pair)
    args = (pair.source, pair.source_wcs, pair.blot_wcs, 1.0)
    differs = cblot.do_blot(*args, interp="nearest") != peer_blot(*args, interp="nearest")
    x, y = node_positions(real_pair, 10)
    tie = np.minimum(
        np.abs(x % 1 - 0.5) - np.spacing(np.abs(x).astype("f4")),
        np.abs(y % 1 - 0.5) - np.spacing(np.abs(y).astype("f4")),
    )
    ny, nx = pair.source.shape
    inner = (x >= 0) & (x < nx - 1) & (y >= 0) & (y < ny - 1)
    assert np.count_nonzero(differs & inner & (tie > 0)) == 0


class Shifted:
    """A custom mapping, as drizzlepac takes it."""

    def __init__(self, blot_wcs: Any, source_wcs: Any) -> None:
        pass

    def forward(self, x: Any, y: Any) -> Any:
        return 0.97 * x + 0.11 * y + 12.375, 0.95 * y - 0.06 * x + 70.625


@pytest.mark.slow
@pytest.mark.parametrize("real_pair", ["acs1", "hrc"], indirect=True)  # the map is no chip's
@pytest.mark.parametrize("interp", ["linear", "poly3", "poly5"])
def test_custom_wcsmap(real_pair: Pair, interp: str) -> None:
    pair = real_pair
    args = (pair.source, pair.source_wcs, pair.blot_wcs, pair.exptime)
    ours = cblot.do_blot(*args, interp=interp, wcsmap=Shifted, classic=True)
    theirs = peer_blot(*args, interp=interp, wcsmap=Shifted)
    ny, nx = pair.blot_wcs.array_shape
    x, y = np.meshgrid(np.arange(1.0, nx + 1), np.arange(1.0, ny + 1))
    x, y = Shifted(None, None).forward(x, y)
    zone = undefined(interp, x - 1, y - 1, pair.source.shape)
    assert np.count_nonzero(~same_bits(ours, theirs) & ~zone) == 0
    exact = cblot.do_blot(*args, interp=interp, wcsmap=Shifted) / pair.exptime
    inner = (x > 1.1) & (x < pair.source.shape[1] - 1) & (y > 1.1) & (y < pair.source.shape[0] - 4)
    bound = 1.05 * float32_bound(pair.source, x - 1, y - 1, interp)
    assert (np.abs(exact - theirs / pair.exptime) - bound)[inner].max() <= 0


def test_exact_mapping_is_drizzlepacs(real_pair: Pair) -> None:
    """stepsize 0, 1 and None all ask the WCS for every pixel."""
    from drizzlepac.wcs_functions import WCSMap

    pair = real_pair
    wcs = pair.blot_wcs.deepcopy()
    ny, nx = 64, wcs.array_shape[1]
    wcs.array_shape = (ny, nx)
    args = (pair.source, pair.source_wcs, wcs, 1.0)
    theirs = peer_blot(*args, wcsmap=WCSMap)
    for stepsize in (0, 1, None):
        ours = cblot.do_blot(*args, stepsize=stepsize, classic=True)
        assert np.count_nonzero(~same_bits(ours, theirs)) == 0


@pytest.mark.slow
@pytest.mark.parametrize("stepsize", [2, 10, 37])
def test_node_positions(real_pair: Pair, stepsize: int) -> None:
    """A source that is its own coordinate gives the positions back, to 1e-8 pixel.

    Nodes that the WCS maps are drizzlepac's; those that the core maps are nearer the truth.
    """
    pair = real_pair
    wcs, source_wcs = pair.blot_wcs, pair.source_wcs
    classic = cblot.Mapping(
        blot_wcs=wcs, source_wcs=source_wcs, stepsize=stepsize, classic=True
    ).pixmap()
    theirs = np.stack(node_positions(pair, stepsize), axis=-1)
    np.testing.assert_allclose(classic, theirs, rtol=0, atol=1e-8)

    pixmap = cblot.Mapping(blot_wcs=wcs, source_wcs=source_wcs, stepsize=stepsize).pixmap()
    j, i = (np.random.default_rng(stepsize).integers(0, n, 3000) for n in wcs.array_shape)
    truth = bilinear_truth(wcs, source_wcs, stepsize, i + 1, j + 1) - 1.0
    np.testing.assert_allclose(pixmap[j, i], truth, rtol=0, atol=1e-8)

    ny, nx = pair.source.shape
    ramps = np.meshgrid(np.arange(float(nx)), np.arange(float(ny)))
    x, y = np.moveaxis(pixmap, -1, 0)
    inner = (x >= 0) & (x < nx - 1) & (y >= 0) & (y < ny - 1)
    for ramp, expected in zip(ramps, (x, y), strict=True):
        out = np.empty(wcs.array_shape)
        cblot.do_blot(ramp, source_wcs, wcs, 1.0, interp="linear", stepsize=stepsize, out=out)
        scale = cblot.do_blot(
            np.ones_like(ramp), source_wcs, wcs, 1.0, interp="nearest", out=np.empty_like(out)
        )
        np.testing.assert_allclose(out[inner] / scale[inner], expected[inner], rtol=0, atol=1e-8)


def bilinear_truth(
    blot_wcs: Any, source_wcs: Any, step: int, x: np.ndarray, y: np.ndarray
) -> np.ndarray:
    """FITS positions between nodes that are mapped in extended precision."""
    k, m = np.divmod(x, step)
    row, n = np.divmod(y, step)
    total = np.zeros((x.size, 2))
    for dk, wx in ((0, 1 - m / step), (1, m / step)):
        for dl, wy in ((0, 1 - n / step), (1, n / step)):
            node = exact_positions(blot_wcs, source_wcs, (k + dk) * step, (row + dl) * step)
            total += (wx * wy)[:, None] * np.stack(node, axis=-1).astype(float)
    return total


@pytest.mark.parametrize("interp", KERNELS)
@pytest.mark.parametrize("seed", range(3))
def test_classic_is_drizzle_to_the_bit(interp: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = ((64, 56), (9, 300), (200, 7))[seed]
    image = rng.normal(10.0, 3.0, shape).astype("f4")
    pixmap = rng.uniform(-2, max(shape) + 2, (300, 170, 2)) * (shape[1] / max(shape), 1)
    pixmap[..., 1] = rng.uniform(-2, shape[0] + 2, pixmap.shape[:2])
    pixmap[:5] = np.floor(pixmap[:5])
    ours = cblot.blot_image(image, pixmap, interp=interp, iscale=1.7, fillval=-3.0, classic=True)
    theirs = resample.blot_image(image, pixmap, interp=interp, iscale=1.7, fillval=-3.0)
    zone = undefined(interp, pixmap[..., 0], pixmap[..., 1], shape)
    assert zone.mean() < 0.2
    assert np.count_nonzero(~same_bits(ours, theirs) & ~zone) == 0
    print(f"\nclassic {interp} {shape}: 0 of {ours.size} differ, {zone.sum()} undefined")


@pytest.mark.parametrize("interp", KERNELS)
def test_interior_equals_both_peers(interp: str) -> None:
    rng = np.random.default_rng(11)
    image = rng.normal(0.0, 1.0, (64, 56)).astype("f4")
    pixmap = rng.uniform(3, 52, (200, 200, 2)).astype("f4").astype("f8")
    ours = cblot.blot_image(image, pixmap, interp=interp)
    bound = 1e-6 * np.abs(image).max()  # of the greatest value, as for the oracle
    np.testing.assert_allclose(
        ours, resample.blot_image(image, pixmap, interp=interp), rtol=0, atol=bound
    )
    theirs = np.zeros((200, 200), dtype="f4")
    rows = iter(pixmap)

    def callback(x: Any, y: Any) -> Any:
        row = next(rows)
        return row[:, 0] + 1.0, row[:, 1] + 1.0

    cdriz.tblot(
        image,
        theirs,
        1,
        56,
        1,
        64,
        1.0,
        1.0,
        1.0,
        1.0,
        "center",
        interp,
        1.0,
        0.0,
        1.0,
        1,
        callback,
    )
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=bound)


def test_deprecated_arguments_scale_as_drizzles() -> None:
    rng = np.random.default_rng(12)
    image, pixmap = rng.normal(size=(20, 20)).astype("f4"), rng.uniform(0, 19, (9, 8, 2))
    kw = {"pix_ratio": 1.3, "exptime": 7.0, "output_pixel_shape": (8, 9), "interp": "linear"}
    with pytest.warns(DeprecationWarning, match="deprecated") as caught:
        ours = cblot.blot_image(image, pixmap, **kw, classic=True)
    assert [name in str(w.message) for name, w in zip(kw, caught, strict=False)] == [True] * 3
    assert all(w.filename == __file__ for w in caught)
    with pytest.warns(DeprecationWarning, match="deprecated"):
        theirs = resample.blot_image(image, pixmap, **kw)
    np.testing.assert_array_equal(ours, theirs)
