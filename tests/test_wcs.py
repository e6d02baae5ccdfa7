"""WCS objects of all kinds: scales, mappings, distortion, and that callers keep theirs."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

import cblot
from conftest import Pair, sky_image
from test_bad_input import tan_wcs


def header_wcs(path: Path) -> WCS:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header = fits.Header.fromtextfile(path)
        wcs = WCS(header)
        wcs.array_shape = (header["NAXIS2"], header["NAXIS1"])
        return wcs


def test_coeffs_false_drops_all_distortion_of_a_copy(acs_wcs: tuple[Any, Any, Any]) -> None:
    chip, _, clean = acs_wcs
    before = (chip.sip, chip.cpdis1, chip.cpdis2, chip.det2im1, chip.det2im2)
    assert before[0] is not None
    assert before[3] is not None
    chip = chip.deepcopy()
    chip.array_shape = (64, 4096)
    state = chip.to_header_string(relax=True)
    source = sky_image(clean.array_shape)
    result = cblot.do_blot(source, clean, chip, 1.0, coeffs=False, stepsize=0)
    assert chip.sip is not None
    assert chip.det2im1 is not None
    assert chip.to_header_string(relax=True) == state
    linear = WCS(naxis=2)
    linear.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    linear.wcs.crval, linear.wcs.crpix = chip.wcs.crval, chip.wcs.crpix
    linear.wcs.cd = chip.wcs.cd
    linear.array_shape = (64, 4096)
    expected = cblot.do_blot(source, clean, linear, 1.0, coeffs=False, stepsize=0)
    np.testing.assert_allclose(result, expected, rtol=2e-5)


def test_scale(acs_wcs: tuple[Any, Any, Any]) -> None:
    """A constant comes back times exptime / pix_ratio^2, with and without HSTWCS's attributes."""
    from stwcs.distortion.utils import make_orthogonal_cd

    chip, _, clean = acs_wcs
    source = np.ones(clean.array_shape, dtype="f4")
    small = chip.deepcopy()
    small.array_shape = (100, 100)
    ratio = clean.pscale / make_orthogonal_cd(chip).pscale
    result = cblot.do_blot(source, clean, small, 3.0, fillval=np.nan)
    np.testing.assert_allclose(result[~np.isnan(result)], 3.0 / ratio**2, rtol=1e-6)
    flat = cblot.do_blot(source, clean, small, 3.0, coeffs=False, fillval=np.nan)
    flat_ratio = clean.pscale / chip.pscale
    np.testing.assert_allclose(flat[~np.isnan(flat)], 3.0 / flat_ratio**2, rtol=1e-6)


def test_plain_astropy_wcs_with_pc_matrix() -> None:
    source_wcs, blot_wcs = tan_wcs(40, 50, 0.05), WCS(naxis=2)
    blot_wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    blot_wcs.wcs.crval, blot_wcs.wcs.crpix = [150.0, 2.0], [20, 20]
    blot_wcs.wcs.cdelt = [-0.1 / 3600, 0.1 / 3600]
    angle = np.radians(30)
    blot_wcs.wcs.pc = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    blot_wcs.array_shape = (30, 30)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = cblot.do_blot(np.ones((40, 50)), source_wcs, blot_wcs, 1.0, fillval=np.nan)
    assert np.isfinite(result).sum() > 300
    np.testing.assert_allclose(result[np.isfinite(result)], 4.0, rtol=1e-6)


def test_swapped_axes() -> None:
    """A WCS with latitude first maps to the same sky."""
    source_wcs, swapped = tan_wcs(40, 40), tan_wcs(30, 30)
    expected = cblot.do_blot(sky_image((40, 40)), source_wcs, swapped, 1.0, stepsize=0)
    swapped.wcs.ctype = ["DEC--TAN", "RA---TAN"]
    swapped.wcs.crval = [2.0, 150.0]
    swapped.wcs.cd = swapped.wcs.cd[::-1]
    result = cblot.do_blot(sky_image((40, 40)), source_wcs, swapped, 1.0, stepsize=0)
    np.testing.assert_allclose(result, expected, rtol=1e-6)


def test_maps() -> None:
    x, y = np.array([1.0, 2.5]), np.array([3.0, -1.0])
    assert cblot.IdentityMap(None, None).forward(x, y) == (x, y)
    u, v = cblot.LinearMap(xsh=1.0, ysh=2.0, rot=90.0, scale=2.0).forward(x, y)
    np.testing.assert_allclose(u, 2 * y + 1, atol=1e-12)
    np.testing.assert_allclose(v, -2 * x + 2, atol=1e-12)
    a, b = tan_wcs(40, 40), tan_wcs(30, 30, 0.1)
    wcsmap = cblot.WCSMap(b, a)
    back = wcsmap.backward(*wcsmap.forward(x, y))
    np.testing.assert_allclose(back, (x, y), atol=1e-8)
    assert wcsmap.get_pix_ratio() == pytest.approx(0.5)
    with pytest.raises(TypeError, match="input must be an astropy.wcs.WCS, got int"):
        cblot.WCSMap(1, b)


def test_maps_as_wcsmap() -> None:
    wcs, image = tan_wcs(30, 30), sky_image((30, 30))
    np.testing.assert_array_equal(
        cblot.do_blot(image, wcs, wcs, 1.0, wcsmap=cblot.IdentityMap), image
    )
    exact = cblot.do_blot(image, wcs, tan_wcs(30, 30, 0.04), 1.0, stepsize=0)
    mapped = cblot.do_blot(image, wcs, tan_wcs(30, 30, 0.04), 1.0, wcsmap=cblot.WCSMap)
    np.testing.assert_array_equal(exact, mapped)
    shifted = cblot.do_blot(
        image, wcs, wcs, 1.0, wcsmap=lambda b, s: cblot.LinearMap(xsh=2.0), interp="nearest"
    )
    np.testing.assert_array_equal(shifted[:, :-2], image[:, 2:])
    assert (shifted[:, -2:] == 0).all()


def test_nodes_converge_to_exact(real_pair: Pair) -> None:
    pair = real_pair
    wcs = pair.blot_wcs.deepcopy()
    wcs.det2im1 = None  # its columns are not smooth, nodes can't follow them
    nx = wcs.array_shape[1]
    wcs.array_shape = (64, nx)
    ramp = np.tile(np.arange(float(pair.source.shape[1])), (pair.source.shape[0], 1))

    def positions(stepsize: int | None) -> np.ndarray:
        out = np.empty((64, nx))
        cblot.do_blot(ramp, pair.source_wcs, wcs, 1.0, True, "linear",
                      stepsize=stepsize, out=out, fillval=np.nan)  # fmt: skip
        return out

    exact = positions(None)
    with np.errstate(invalid="ignore"):
        errors = [np.nanmax(np.abs(positions(step) - exact)) for step in (40, 10, 2)]
    assert errors[0] > errors[2]
    assert errors[1] < 3e-3


def test_step_longer_than_the_frame() -> None:
    wcs, image = tan_wcs(30, 30), sky_image((30, 30))
    result = cblot.do_blot(image, wcs, wcs, 1.0, interp="nearest", stepsize=10**6)
    np.testing.assert_array_equal(result[1:-1, 1:-1], image[1:-1, 1:-1])


@pytest.mark.parametrize("ratio", ["0p55", "1p0", "1p2"])
def test_jwst_sip(data_dir: Path, ratio: str) -> None:
    blot_wcs = header_wcs(data_dir / "nrcb5_sip_wcs.hdr")
    source_wcs = header_wcs(data_dir / f"nrcb5_output_wcs_psr_{ratio}.hdr")
    blot_wcs.array_shape = (128, 2048)
    source = np.ones(source_wcs.array_shape, dtype="f4")
    result = cblot.do_blot(source, source_wcs, blot_wcs, 1.0)
    scale = float(ratio.replace("p", "."))
    np.testing.assert_allclose(np.median(result), 1 / scale**2, rtol=2e-2)
