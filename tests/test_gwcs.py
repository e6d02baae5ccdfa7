"""gwcs of JWST and Roman: every pixel, both ways round, beside the objects and beside stcal."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import cblot
from conftest import sky_image

pytestmark = pytest.mark.xdist_group("gwcs")  # whose positions take long to ask for

BIG = pytest.mark.slow
CAMERAS = ["miri", *(pytest.param(name, marks=BIG) for name in ("niriss", "nrcb5", "wfi01"))]


class Case(NamedTuple):
    """WCS of an output and of a source, and the source position of every output pixel."""

    blot: Any
    source: Any
    source_shape: tuple[int, int]
    positions: np.ndarray


def read(data_dir: Path, name: str) -> Any:
    asdf = pytest.importorskip("asdf")
    pytest.importorskip("gwcs")
    with (
        warnings.catch_warnings(),
        asdf.open(data_dir / "gwcs" / f"{name}_pair.asdf", lazy_load=False, memmap=False) as file,
    ):
        warnings.simplefilter("ignore")
        return {key: file[key] for key in ("exposure", "clean", "exposure_shape", "clean_shape")}


def asked(blot: Any, source: Any, shape: tuple[int, int]) -> np.ndarray:
    """Positions asked of the objects, the bounding box of the first alone in force."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    world = blot(x.ravel(), y.ravel())
    return np.stack(source.invert(*world, with_bounding_box=False), axis=-1).reshape(*shape, 2)


@pytest.fixture(scope="module", params=CAMERAS)
def camera(request: Any, data_dir: Path) -> Any:
    return request.param, read(data_dir, request.param)


@pytest.fixture(scope="module", params=["blot", "back"])
def case(request: Any, camera: Any) -> Case:
    """A whole frame, and the other way round."""
    _, pair = camera
    blot, source = copy.deepcopy(pair["exposure"]), pair["clean"]
    shape, source_shape = (tuple(pair[f"{key}_shape"]) for key in ("exposure", "clean"))
    if request.param == "back":
        blot, source = copy.deepcopy(pair["clean"]), pair["exposure"]
        shape, source_shape = source_shape, shape
    blot.array_shape = shape
    return Case(blot, source, source_shape, asked(blot, source, shape))


def ratio_of(positions: np.ndarray) -> float:
    """Pixel scale of the source over that of the output, in the middle of the output."""
    j, i = positions.shape[0] // 2, positions.shape[1] // 2
    dx, dy = positions[j, i + 1] - positions[j, i], positions[j + 1, i] - positions[j, i]
    return float(abs(dx[0] * dy[1] - dx[1] * dy[0]) ** -0.5)


def test_every_position(case: Case) -> None:
    states = [repr(wcs.bounding_box) for wcs in (case.blot, case.source)]
    exact = cblot.Mapping(blot_wcs=case.blot, source_wcs=case.source, stepsize=None).pixmap()
    np.testing.assert_allclose(exact, case.positions, rtol=0, atol=1e-9)
    nodes = cblot.Mapping(blot_wcs=case.blot, source_wcs=case.source).pixmap()
    np.testing.assert_array_equal(np.isnan(nodes), np.isnan(case.positions))
    # Of MIRI the other way round: far beyond its detector its polynomials bend more.
    assert np.nanmax(np.abs(nodes - case.positions)) < 8e-3
    assert [repr(wcs.bounding_box) for wcs in (case.blot, case.source)] == states


def test_every_value(case: Case) -> None:
    source = sky_image(case.source_shape)
    expected = cblot.blot_image(source, case.positions, interp="linear", fillval=np.nan)
    expected *= 3.0 / ratio_of(case.positions) ** 2
    exact = cblot.do_blot(
        source, case.source, case.blot, 3.0, interp="linear", stepsize=None, fillval=np.nan
    )
    np.testing.assert_allclose(exact, expected, rtol=3e-4)
    nodes = cblot.do_blot(source, case.source, case.blot, 3.0, interp="linear", fillval=np.nan)
    at_an_edge = np.isnan(nodes) != np.isnan(expected)
    distance = np.abs(case.positions[at_an_edge] - np.array([0.0, 0.0]))
    far = np.abs(case.positions[at_an_edge] - np.array(case.source_shape[::-1]))
    assert (np.minimum(distance, far).min(axis=-1, initial=9.0) < 4e-3).all()
    both = ~np.isnan(nodes) & ~np.isnan(expected)
    # Noise of unit variance: its slope times the error of the nodes' mean.
    assert np.abs(nodes - expected)[both].max() < 0.2
    assert np.abs((nodes - expected)[both].mean()) < 1e-3


def test_as_stcal(camera: Any) -> None:
    utils = pytest.importorskip("stcal.outlier_detection.utils")
    name, pair = camera
    # Of the largest, some rows: all of the same take ten times as long.
    shape = (400, 4088) if name == "wfi01" else tuple(pair["exposure_shape"])
    blot = copy.deepcopy(pair["exposure"])
    blot.array_shape = shape
    y, x = np.mgrid[: pair["clean_shape"][0], : pair["clean_shape"][1]]
    source = (100.0 + np.sin(x / 40.0) + np.cos(y / 30.0)).astype("f4")
    theirs = utils.gwcs_blot(source, pair["clean"], shape, blot, fillval=np.nan)
    ours = cblot.do_blot(
        source, pair["clean"], blot, 1.0, interp="linear", stepsize=None, fillval=np.nan
    )
    mapping = cblot.Mapping(blot_wcs=blot, source_wcs=pair["clean"], stepsize=None)
    ours *= mapping.pix_ratio**2  # stcal scales by no area
    positions = mapping.pixmap()
    # Their positions are float32: a row or column may be on either side of an edge.
    near = (np.abs(positions) < 1e-3) | (np.abs(positions - source.shape[::-1]) < 1e-3)
    inner = ~near.any(axis=-1)
    np.testing.assert_array_equal(np.isnan(ours)[inner], np.isnan(theirs)[inner])
    np.testing.assert_allclose(ours[inner], theirs[inner], rtol=2e-6)
    assert np.isfinite(ours).sum() > 0.9 * ours.size


@pytest.fixture(scope="module")
def boxed(data_dir: Path) -> Case:
    """One whose bounding box is within its frame."""
    pair = read(data_dir, "miri")
    blot = copy.deepcopy(pair["exposure"])
    blot.bounding_box = ((100.5, 500.5), (203.0, 700.2))
    blot.array_shape = shape = tuple(pair["exposure_shape"])
    positions = asked(blot, pair["clean"], shape)
    return Case(blot, pair["clean"], tuple(pair["clean_shape"]), positions)


@pytest.mark.parametrize("step", [2, 10, 64, None])
def test_box_within_the_frame(boxed: Case, step: int | None) -> None:
    """What is in the exposure's bounding box is mapped to the last pixel, what is not is filled."""
    blot, clean, source_shape, positions = boxed
    inside = np.zeros(blot.array_shape, dtype=bool)
    inside[203:701, 101:501] = True
    np.testing.assert_array_equal(np.isfinite(positions).all(axis=-1), inside)
    found = cblot.Mapping(blot_wcs=blot, source_wcs=clean, stepsize=step).pixmap()
    np.testing.assert_array_equal(np.isnan(found), np.isnan(positions))
    assert np.nanmax(np.abs(found - positions)) < 0.05
    source = np.ones(source_shape, dtype="f4")
    covered = cblot.do_blot(source, clean, blot, 1.0, fillval=-1.0, stepsize=step) > 0
    np.testing.assert_array_equal(covered, inside)


@pytest.mark.parametrize(("name", "most"), [("nrcb1", 0), ("nrcb5", 0)])
def test_no_row_or_column_is_lost(data_dir: Path, name: str, most: int) -> None:
    """An exposure whose box is the frame, onto a TAN grid of astropy's around it."""
    asdf = pytest.importorskip("asdf")
    from test_bad_input import tan_wcs

    with (
        warnings.catch_warnings(),
        asdf.open(data_dir / f"{name}-wcs.asdf", lazy_load=False, memmap=False) as file,
    ):
        warnings.simplefilter("ignore")
        blot = next(v for v in file.tree.values() if hasattr(v, "pixel_to_world_values"))
    blot.array_shape = (2048, 2048)
    source_wcs = tan_wcs(5200, 5200, 0.031 if name == "nrcb1" else 0.063)
    source_wcs.wcs.crval = [float(v) for v in blot.pixel_to_world_values(1023.5, 1023.5)]
    source = np.ones((5200, 5200), dtype="f4")
    result = cblot.do_blot(source, source_wcs, blot, 1.0, fillval=-1.0, interp="nearest")
    assert (result < 0).sum() == most


def test_coeffs_of_a_gwcs(data_dir: Path) -> None:
    pair = read(data_dir, "miri")
    with pytest.raises(TypeError, match="coeffs=False needs a blot_wcs that is an astropy.wcs.WCS"):
        cblot.do_blot(
            np.ones(pair["clean_shape"]), pair["clean"], pair["exposure"], 1.0, coeffs=False
        )


def test_box_beside_the_middle_of_the_frame(data_dir: Path) -> None:
    """The ratio of the pixel scales is that of the WCS, wherever its box lies."""
    pair = read(data_dir, "miri")
    blot, whole = (copy.deepcopy(pair["exposure"]) for _ in range(2))
    blot.bounding_box = ((300.5, 320.5), (400.0, 410.0))
    blot.array_shape = whole.array_shape = shape = tuple(pair["exposure_shape"])
    found, expected = (cblot.Mapping(blot_wcs=w, source_wcs=pair["clean"]) for w in (blot, whole))
    assert found.pix_ratio == pytest.approx(expected.pix_ratio, rel=1e-12)
    inside = np.zeros(shape, dtype=bool)
    inside[400:411, 301:321] = True
    np.testing.assert_array_equal(np.isfinite(found.pixmap()).all(axis=-1), inside)
