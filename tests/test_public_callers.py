"""How public programs call drizzlepac's blot: the same calls give the same, or what is right."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

import cblot
from astrodrizzle_scene import quietly

ablot = pytest.importorskip("drizzlepac.ablot", reason="the peer drizzlepac is not installed")
cdriz = pytest.importorskip("drizzlepac.cdriz", reason="the peer drizzlepac is not installed")

SHAPE, SOURCE_SHAPE = (60, 70), (110, 120)
SCALE = 0.05 / 3600.0  # degrees
SECONDS = 100.0
# Positions are float32 in drizzlepac: 8e-6 pixels here, of an image that changes by 1 a pixel.
NOISE = {"rtol": 2e-6, "atol": 2e-4}


def header(shape: tuple[int, int], scale: float = SCALE, sip: bool = False) -> fits.Header:
    made = fits.Header({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0})
    made.update({"CRPIX1": shape[1] / 2, "CRPIX2": shape[0] / 2})
    made.update({"CD1_1": -scale, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": scale})
    if sip:
        made.update({"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP"})
        made.update({"A_ORDER": 2, "B_ORDER": 2, "A_2_0": 1.5e-5, "B_0_2": 1.1e-5})
    return made


def wcs_of(shape: tuple[int, int], **keywords: Any) -> WCS:
    """As grizli has them: astropy's, with drizzlepac's attribute put in."""
    made = WCS(header(shape, **keywords))
    made.pixel_shape = shape[::-1]
    made.pscale = keywords.get("scale", SCALE) * 3600.0
    return made


def smooth(shape: tuple[int, int] = SOURCE_SHAPE) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]]
    return (20.0 + 5.0 * np.sin(x / 6.0) * np.cos(y / 5.0)).astype(np.float32)


def both(*arguments: Any, **keywords: Any) -> tuple[np.ndarray, np.ndarray]:
    """What cblot makes of a call, and drizzlepac."""
    ours = cblot.do_blot(*arguments, **keywords)
    with quietly():
        return ours, ablot.do_blot(*arguments, **keywords)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: Any) -> Path:
    """A drizzled image and an exposure, in the folder where it all happens."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    clean = header(SOURCE_SHAPE)
    clean.update({"EXPTIME": 1.0, "BUNIT": "ELECTRONS/S", "MDRIZSKY": 0.0})
    fits.PrimaryHDU(smooth(), clean).writeto("drz.fits")
    primary = fits.Header({"EXPTIME": SECONDS, "TELESCOP": "HST", "INSTRUME": "ACS"})
    primary.update({"DETECTOR": "HRC", "FILTER1": "F606W", "FILTER2": "CLEAR2S", "ROOTNAME": "j1"})
    science = header(SHAPE, sip=True)
    science.update({"BUNIT": "ELECTRONS", "MDRIZSKY": 0.0})
    chip = fits.ImageHDU(np.zeros(SHAPE, np.float32), science, name="SCI", ver=1)
    fits.HDUList([fits.PrimaryHDU(header=primary), chip]).writeto("flt.fits")
    return tmp_path


def drizzlepacs(name: str, **parameters: Any) -> np.ndarray:
    with quietly():
        ablot.blot("drz.fits", "flt.fits[sci,1]", name, configObj="defaults", **parameters)
    return fits.getdata(name, 1)


# A maker of pixel area maps: blots an image and reads extension 1.
def test_pixel_area_map(files: Path) -> None:
    # drizzlepac's task maps every pixel, whatever the step.
    units = {"addsky": False, "in_units": "cps", "out_units": "cps", "stepsize": 1}
    theirs = drizzlepacs("theirs.fits", **units)
    with cblot.patch_drizzlepac():
        ablot.blot("drz.fits", "flt.fits[sci,1]", "ours.fits", configObj="defaults", **units)
    with fits.open("ours.fits") as ours, fits.open("theirs.fits") as expected:
        assert ours[0].data is None
        assert ours[1].data.shape == SHAPE
        np.testing.assert_allclose(ours[1].data, theirs, **NOISE)
        assert (ours[1].name, ours[1].ver) == (expected[1].name, expected[1].ver)
        assert ours[0].header["EXPTIME"] == expected[0].header["EXPTIME"]
        # Its area is that of the WCS in the same header.
        corner = [[1.0, 1.0]]
        places = [WCS(hdus[1].header).all_pix2world(corner, 1) for hdus in (ours, expected)]
        np.testing.assert_allclose(*places, rtol=0, atol=1e-9)


# dolphot's pipelines: teal's configuration, a number for expout, units of the output.
def dolphots_call(name: str, seconds: float) -> np.ndarray:
    from stsci.tools import teal

    with quietly():
        task = teal.load("ablot")
    task["addsky"] = False
    task["Data Scaling Parameters"]["out_units"] = "counts"
    task["Data Scaling Parameters"]["expout"] = str(seconds)
    ablot.blot("drz.fits", "flt.fits[sci,1]", name, configObj=task)
    return fits.getdata(name, 1)


def test_dolphot_is_told_that_the_time_is_applied_once(files: Path) -> None:
    fits.setval("drz.fits", "EXPTIME", value=1200.0)
    seconds = SECONDS / 1200.0  # which makes up for drizzlepac's second time
    with quietly():
        theirs = dolphots_call("theirs.fits", seconds)
    with cblot.patch_drizzlepac():
        with pytest.warns(UserWarning, match="applied once") as caught:
            dolphots_call("ours.fits", seconds)
        assert [w.filename for w in caught if "applied once" in str(w.message)] == [__file__]
        with warnings.catch_warnings():  # once is enough, and this is an error
            warnings.simplefilter("error")
            right = dolphots_call("right.fits", seconds)
        assert right.mean() == pytest.approx(20.0 * seconds, rel=0.05)
    with cblot.patch_drizzlepac(legacy=True), warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        legacy = dolphots_call("legacy.fits", seconds)
    assert theirs.mean() == pytest.approx(20.0 * 1200.0 * seconds, rel=0.05)
    assert legacy.tobytes() == theirs.tobytes()


def test_dolphot_with_the_exposures_own_time_is_told_nothing(files: Path) -> None:
    with cblot.patch_drizzlepac(), warnings.catch_warnings():
        warnings.simplefilter("error")
        ablot.blot("drz.fits", "flt.fits[sci,1]", "ours.fits", configObj="defaults", addsky=False)
    assert fits.getdata("ours.fits", 1).mean() == pytest.approx(20.0 * SECONDS, rel=0.05)


# grizli: WCS with drizzlepac's attribute patched in, slices, planes without a sky.
@pytest.mark.parametrize("scale", [SCALE, 0.7 * SCALE])
@pytest.mark.parametrize("coeffs", [True, False])
def test_patched_scale(scale: float, coeffs: bool) -> None:
    pair = wcs_of(SOURCE_SHAPE, scale=scale), wcs_of(SHAPE, sip=True)
    ours, theirs = both(smooth(), *pair, 1.0, coeffs, "poly5")
    if not coeffs:  # drizzlepac has erased it
        ours, theirs = both(smooth(), *pair, 1.0, coeffs, "poly5")
    assert theirs.any()
    np.testing.assert_allclose(ours, theirs, **NOISE)


@pytest.mark.parametrize("how", ["slice", "[]"])
def test_slices(how: str) -> None:
    source_wcs, blot_wcs = wcs_of(SOURCE_SHAPE), wcs_of(SHAPE, sip=True)
    part, small = (slice(11, 100), slice(7, 115)), (slice(5, 55), slice(9, 60))
    cut, grid = (
        wcs.slice(window) if how == "slice" else wcs[window]
        for wcs, window in ((source_wcs, part), (blot_wcs, small))
    )
    image, expected = smooth(), cblot.do_blot(smooth(), source_wcs, blot_wcs, 1.0, stepsize=None)
    for wcs, window in ((cut, part), (grid, small)):
        wcs.pixel_shape = tuple(s.stop - s.start for s in window)[::-1]
        wcs.pscale = SCALE * 3600.0
    ours, theirs = both(image[part], cut, grid, 1.0)
    np.testing.assert_allclose(ours, theirs, **NOISE)
    # And it is the part of the whole: its own nodes are within 1e-4 pixels of the exact positions.
    np.testing.assert_allclose(ours, expected[small], rtol=0, atol=1e-3)


def plane_wcs(shape: tuple[int, int], shift: tuple[float, float], scale: float) -> WCS:
    """Without celestial axes: only a shift and a scale."""
    made = WCS(naxis=2)
    made.wcs.crpix, made.wcs.crval = (1.0 - shift[0], 1.0 - shift[1]), (0.0, 0.0)
    made.wcs.cd = np.eye(2) * scale
    made.pixel_shape = shape[::-1]
    made.pscale = scale * 3600.0
    return made


def test_flags_with_drizzled_of_planes() -> None:
    source, blot = plane_wcs(SOURCE_SHAPE, (0, 0), 1.0), plane_wcs(SHAPE, (20.25, 11.5), 1.0)
    ours, theirs = both(smooth(), source, blot, 1.0, interp="linear")
    image = smooth().astype(float)
    rows = 0.5 * image[11:71] + 0.5 * image[12:72]
    np.testing.assert_allclose(ours, 0.75 * rows[:, 20:90] + 0.25 * rows[:, 21:91], rtol=2e-7)
    np.testing.assert_allclose(ours, theirs, **NOISE)


def shape_warnings(caught: Any) -> list[Any]:
    return [w for w in caught if "shape" in str(w.message)]


@pytest.mark.parametrize("celestial", [True, False])
def test_source_of_another_shape_than_its_wcs(celestial: bool) -> None:
    image = smooth((SOURCE_SHAPE[0] + 9, SOURCE_SHAPE[1] - 4))
    if celestial:
        source, blot = wcs_of(SOURCE_SHAPE), wcs_of(SHAPE)
    else:
        source, blot = plane_wcs(SOURCE_SHAPE, (0, 0), 1.0), plane_wcs(SHAPE, (20.25, 11.5), 1.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ours = cblot.do_blot(image, source, blot, 1.0)
    (told,) = shape_warnings(caught)
    assert str(image.shape) in str(told.message)
    assert str(SOURCE_SHAPE) in str(told.message)
    assert told.filename == __file__
    with quietly():
        theirs = ablot.do_blot(image, source, blot, 1.0)
    np.testing.assert_allclose(ours, theirs, **NOISE)


# hstaxe: WCS that were edited after they were read, a segmentation image.
def test_edited_wcs() -> None:
    source, blot = wcs_of(SOURCE_SHAPE), wcs_of(SHAPE, sip=True)
    before = cblot.do_blot(smooth(), source, blot, 1.0)
    blot.wcs.crpix = blot.wcs.crpix + np.array([6.0, -4.0])
    blot.sip.crpix[:] = blot.wcs.crpix
    blot.array_shape = (SHAPE[0] - 7, SHAPE[1] + 5)
    ours, theirs = both(smooth(), source, blot, 1.0)
    assert ours.shape == (SHAPE[0] - 7, SHAPE[1] + 5)
    np.testing.assert_allclose(ours, theirs, **NOISE)
    # Six pixels to the right and four down, but for what the nodes' places make.
    np.testing.assert_allclose(ours[:50, 10:70], before[4:54, 4:64], rtol=0, atol=1e-3)


@pytest.mark.parametrize("grown", [(0, 0), (13, -6)])
def test_segmentation_labels(grown: tuple[int, int]) -> None:
    shape = (SOURCE_SHAPE[0] + grown[0], SOURCE_SHAPE[1] + grown[1])
    labels = np.random.default_rng(4).integers(0, 1 << 20, shape, dtype=np.int32)
    source, blot = wcs_of(SOURCE_SHAPE), wcs_of(SHAPE)
    # CRPIX is half of each shape: 25 pixels in both, and a quarter that nearest has no use for.
    blot.wcs.crpix = blot.wcs.crpix + 0.25
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ours = cblot.do_blot(labels, source, blot, 1.0, interp="nearest", coeffs=False)
    assert len(shape_warnings(caught)) == (grown != (0, 0))
    np.testing.assert_array_equal(ours, labels[25:85, 25:95])


# subpixal: the C entry itself, with 17 arguments by place and its own callback.
@pytest.mark.parametrize("interp", ["nearest", "linear", "poly3", "poly5"])
def test_c_entry(interp: str) -> None:
    source, rows = smooth(), []

    def callback(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows.append(y[0])
        return 0.8 * x + 7.3, 0.9 * y + 5.6

    def blotted() -> np.ndarray:
        output = np.zeros(SHAPE, dtype=np.float32)
        status = cdriz.tblot(
            source, output, 1, SOURCE_SHAPE[1], 1, SOURCE_SHAPE[0], 0.8, 1.0, 1.0, 1.0, "center",
            interp, SECONDS, -7.0, 1.0, 1, callback,
        )  # fmt: skip
        assert not status
        return output

    theirs, entry = blotted(), cdriz.tblot
    rows.clear()
    with cblot.patch_drizzlepac():
        assert cdriz.tblot is cblot.tblot
        ours = blotted()
    assert cdriz.tblot is entry
    assert rows == [float(k) for k in range(1, SHAPE[0] + 1)]
    np.testing.assert_allclose(ours, theirs, rtol=2e-6, atol=2e-4 * SECONDS / 0.64)
    with cblot.patch_drizzlepac(legacy=True):
        assert blotted().tobytes() == theirs.tobytes()
