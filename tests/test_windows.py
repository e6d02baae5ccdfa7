"""A window of the source gives the whole image's bits, whatever it is sliced from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st

import cblot
from cblot.core import _core
from conftest import INTERPOLANTS, Pair, sky_image

CLASSIC = ("nearest", "linear", "poly3", "poly5")


class Slices:
    """Slices like an array, holds what was asked for, and is nothing else."""

    def __init__(self, array: np.ndarray) -> None:
        self._array = array
        self.shape, self.dtype = array.shape, array.dtype
        self.boxes: list[tuple[int, int, int, int]] = []

    def __getitem__(self, key: Any) -> np.ndarray:
        rows, columns = key
        self.boxes.append((rows.start, rows.stop, columns.start, columns.stop))
        return self._array[key].copy()


def tan(shape: tuple[int, int], x: float, y: float, turn: float = 0.0, scale: float = 1.0) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix = [150.0, 2.0], [x, y]
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    wcs.wcs.cd = scale / 3600 * np.array([[-c, s], [s, c]])
    wcs.array_shape = shape
    wcs.wcs.set()
    return wcs


SOURCE_WCS = tan((90, 110), 55.5, 45.5)


class Shifted:
    """A caller's mapping, which the core asks for rows."""

    def __init__(self, blot_wcs: Any, source_wcs: Any) -> None: ...

    def forward(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return x * 1.01 + 30.3, y * 0.99 - 0.02 * x + 21.7


@pytest.mark.parametrize(
    ("interp", "how"),
    [(interp, how) for interp in INTERPOLANTS for how in ("nodes", "exact", "caller")]
    + [(interp, "classic") for interp in CLASSIC],
)
@pytest.mark.parametrize(
    "place",
    [(-20.0, -15.0), (75.3, 60.2), (30.5, 20.5), (-45.2, 30.1), (20.1, 71.0), (60.0, -32.0)],
    ids=lambda p: f"{p[0]},{p[1]}",
)
def test_window_of_do_blot(interp: str, how: str, place: tuple[float, float]) -> None:
    """Inside the source, across its corners and across each of its sides."""
    source = sky_image((90, 110))
    source[::17, ::13] = np.nan
    keywords: dict[str, Any] = {"interp": interp, "fillval": -7.0}
    if how == "caller":
        keywords["wcsmap"] = Shifted
    else:
        keywords |= {"stepsize": 0 if how == "exact" else 10, "classic": how == "classic"}
    blot_wcs = tan((31, 47), 55.5 - place[0], 45.5 - place[1], turn=7.0)
    lazy = Slices(source)
    expected = cblot.do_blot(source, SOURCE_WCS, blot_wcs, 2.0, **keywords)
    found = cblot.do_blot(lazy, SOURCE_WCS, blot_wcs, 2.0, **keywords)
    np.testing.assert_array_equal(found, expected)
    assert (expected != -7.0).sum() > 20
    ((y0, y1, x0, x1),) = lazy.boxes
    assert 0 <= y0 < y1 <= 90
    assert 0 <= x0 < x1 <= 110
    if interp != "spline3":
        assert (y1 - y0) * (x1 - x0) < source.size


@settings(max_examples=150, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    place=st.tuples(st.floats(-15, 45), st.floats(-15, 45)),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    interp=st.sampled_from(INTERPOLANTS),
    classic=st.booleans(),
    dtype=st.sampled_from(["f4", "f8", ">f4", "i2"]),
    seed=st.integers(0, 99),
)
def test_window_of_blot_image(
    shape: tuple[int, int], place: tuple[float, float], size: tuple[int, int], interp: str,
    classic: bool, dtype: str, seed: int,
) -> None:  # fmt: skip
    """Sources down to one pixel, and positions all around."""
    rng = np.random.default_rng(seed)
    source = rng.normal(100.0, 30.0, shape)
    if dtype != "i2":
        source[rng.random(shape) < 0.05] = np.nan
    source = source.astype(dtype)
    pixmap = np.stack([rng.uniform(-1, 1, size) + place[0], rng.uniform(-1, 1, size) + place[1]], 2)
    pixmap = np.where(rng.random((*size, 1)) < 0.3, np.round(pixmap), pixmap)
    keywords: dict[str, Any] = {"interp": interp, "fillval": np.inf}
    keywords["classic"] = classic and interp in CLASSIC
    expected = cblot.blot_image(source.astype(dtype.lstrip(">")), pixmap, **keywords)
    found = cblot.blot_image(Slices(source), pixmap, **keywords)
    np.testing.assert_array_equal(found, expected)


def test_apart_nothing_is_read() -> None:
    lazy = Slices(sky_image((90, 110)))
    found = cblot.do_blot(lazy, SOURCE_WCS, tan((20, 20), 500.0, 500.0), 1.0, fillval=3.0)
    assert lazy.boxes == []
    np.testing.assert_array_equal(found, np.full((20, 20), 3.0, np.float32))


def test_a_window_that_is_too_small_is_an_error() -> None:
    """Whatever the box is, nothing beyond it is read."""
    mapping = _core.PixmapMapping(np.full((4, 4, 2), 20.0))
    out = np.empty((4, 4), np.float32)
    isa = cblot.build_info()["isa"]
    for interp in INTERPOLANTS:
        arguments: dict[str, Any] = {
            "interp": interp, "sinscl": 1.0, "classic": "", "threads": 1, "isa": isa,
        }  # fmt: skip
        y0, y1, x0, x1 = _core.source_box(
            mapping, shape=(4, 4), region=(0, 4, 0, 4), source_shape=(90, 110), **arguments
        )
        arguments |= {"exptime": 1.0, "pix_ratio": 1.0, "fillval": 0.0, "out_place": None}
        for cut in np.eye(4, dtype=int) * ((y1 - y0) // 2 + 1):  # past the middle, on one side
            top, bottom, left, right = (int(n) for n in cut)
            rows, columns = y1 - bottom - y0 - top, x1 - right - x0 - left
            window = np.ones((rows, columns), np.float32)
            place = (y0 + top, x0 + left, 90, 110)
            with pytest.raises(ValueError, match=r"the mapping needs more of the source than its"):
                _core.blot(window, out, mapping, source_place=place, **arguments)


def test_slicing_is_checked() -> None:
    class Wrong(Slices):
        def __getitem__(self, key: Any) -> np.ndarray:
            return super().__getitem__(key)[1:]

    with pytest.raises(ValueError, match=r"source\[\d+:\d+, \d+:\d+\] must have shape"):
        cblot.do_blot(Wrong(sky_image((90, 110))), SOURCE_WCS, tan((9, 9), 5.0, 5.0), 1.0)
    complex_image = Slices(np.ones((90, 110), complex))
    with pytest.raises(TypeError, match="source must be of a real type, got dtype complex128"):
        cblot.do_blot(complex_image, SOURCE_WCS, tan((9, 9), 5.0, 5.0), 1.0)
    with pytest.raises(ValueError, match=r"source must be 2-D, got shape \(3, 90, 110\)"):
        cblot.do_blot(Slices(np.ones((3, 90, 110))), SOURCE_WCS, tan((9, 9), 5.0, 5.0), 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("interp", ["poly5", "spline3"])
def test_windows_of_files_and_arrays(interp: str, tmp_path: Path, real_pair: Pair) -> None:
    """Sections and memory maps of FITS files, tile compression, Zarr and dask."""
    da = pytest.importorskip("dask.array")
    zarr = pytest.importorskip("zarr")
    source = real_pair.source
    arguments = (real_pair.source_wcs, real_pair.blot_wcs, real_pair.exptime)
    expected = cblot.do_blot(source, *arguments, interp=interp)
    plain, packed = tmp_path / "plain.fits", tmp_path / "packed.fits"
    fits.PrimaryHDU(source).writeto(plain)
    fits.CompImageHDU(source, compression_type="GZIP_2", quantize_level=0).writeto(packed)
    with fits.open(plain) as hdus, fits.open(packed) as packed_hdus:
        chunks = (700, 900)
        forms = {
            "section": hdus[0].section,
            "memory map": hdus[0].data,
            "other byte order": source.astype(source.dtype.newbyteorder(">")),
            "compressed": packed_hdus[1].section,
            "zarr": zarr.create_array(str(tmp_path / "z"), data=source, chunks=chunks),
            "dask": da.from_array(source, chunks=chunks),
        }
        for name, form in forms.items():
            found = cblot.do_blot(form, *arguments, interp=interp)
            np.testing.assert_array_equal(found, expected, err_msg=name)
