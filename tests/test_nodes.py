"""What nodes can't follow: tables of distortion that are rough between them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from astropy.wcs import WCS, DistortionLookupTable

import cblot
from cblot.core.mappings import greatest_kink, greatest_roughness
from test_bad_input import tan_wcs

TABLES = ["cpdis1", "cpdis2", "det2im1", "det2im2"]


def with_table(part: str, values: np.ndarray, spacing: float = 1.0) -> WCS:
    wcs = tan_wcs(50, 60)
    table = DistortionLookupTable(values.astype("f4"), (1.0, 1.0), (1.0, 1.0), (spacing, spacing))
    setattr(wcs, part, table)
    return wcs


def off(wcs: WCS, projection: str = "TAN", **options: Any) -> float:
    """How far positions are from those that astropy makes, in source pixels."""
    source_wcs = tan_wcs(80, 90)
    source_wcs.wcs.ctype = [f"RA---{projection}", f"DEC--{projection}"]
    y, x = np.mgrid[:50, :60].astype(float)
    asked = source_wcs.wcs_world2pix(*wcs.all_pix2world(x.ravel(), y.ravel(), 0), 0)
    found = cblot.Mapping(blot_wcs=wcs, source_wcs=source_wcs, **options).pixmap()
    return float(np.abs(found.reshape(-1, 2) - np.transpose(asked)).max())


@pytest.mark.parametrize("part", TABLES)
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("at", [0, 9, 10, 13, 17, 47, 49])
@pytest.mark.parametrize("projection", ["TAN", "SIN"])
@pytest.mark.parametrize("step", [10, 9])
def test_a_column_or_row_that_is_off(
    part: str, axis: int, at: int, projection: str, step: int
) -> None:
    """Whichever of the pixels between two nodes it is."""
    values = np.zeros((50, 60))
    np.moveaxis(values, axis, 0)[at] = 3.0
    assert off(with_table(part, values), projection, stepsize=step) < 1e-6


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("amplitude", [0.03, 0.4])
@pytest.mark.parametrize("spacing", [5.1, 6.0, 7.0, 9.9])
def test_a_table_a_little_finer_than_the_nodes(spacing: float, amplitude: float, axis: int) -> None:
    """One element may stand between two nodes, and none may see it."""
    for at in range(1, 9):
        values = np.zeros((11, 13))
        np.moveaxis(values, axis, 0)[at] = amplitude
        assert off(with_table("cpdis1", values, spacing)) < 0.03


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("amplitude", [0.03, 0.1, 0.4])
@pytest.mark.parametrize("spacing", [10.0, 11.0, 14.5, 25.0])
def test_a_table_as_fine_as_the_nodes(spacing: float, amplitude: float, axis: int) -> None:
    """It bends once between two nodes, and neither they nor a cell's centre need see how far."""
    for at in range(1, 5):
        values = np.zeros((6, 7))
        np.moveaxis(values, axis, 0)[at] = amplitude
        assert off(with_table("cpdis1", values, spacing)) < 0.03


@pytest.mark.parametrize(
    ("values", "spacing"),
    [
        (np.random.default_rng(3).uniform(-0.009, 0.009, (50, 60)), 1.0),
        (0.3 * np.sin(np.mgrid[:50, :60][1] / 25.0), 1.0),
        (np.random.default_rng(3).uniform(-0.04, 0.04, (3, 4)), 30.0),
    ],
    ids=["small", "smooth", "coarse"],
)
def test_a_table_that_nodes_follow(values: np.ndarray, spacing: float) -> None:
    """To what is documented; then nodes are used."""
    wcs = with_table("cpdis1", values, spacing)
    assert 1e-9 < off(wcs) < 0.03
    assert cblot.Mapping(blot_wcs=wcs, source_wcs=tan_wcs(80, 90)).stepsize == 10


def test_step_is_that_of_what_is_used() -> None:
    values = np.random.default_rng(3).uniform(-1.0, 1.0, (50, 60))
    mapping = cblot.Mapping(blot_wcs=with_table("det2im1", values), source_wcs=tan_wcs(80, 90))
    assert mapping.stepsize == 0
    assert "exact" in repr(mapping)


def _plain_kink(rows: Any) -> float:
    steps = np.diff(np.asarray(rows, float), axis=1)
    return float(np.max(np.abs(np.diff(np.pad(steps, ((0, 0), (1, 1))), axis=1))))


def _plain_roughness(rows: Any, n: int) -> float:
    rows, last = np.asarray(rows, float), rows.shape[1] - 1
    at = np.append(np.arange(0, last, n), last)
    means = [np.interp(np.arange(last + 1), at, row[at]) for row in rows]
    return float(np.max(np.abs(means - rows)))


@pytest.mark.parametrize("shape", [(32, 64), (5, 37), (3, 2), (9, 11)])
@pytest.mark.parametrize("bad", [None, np.nan, -np.inf])
def test_tables_are_measured_along_both_axes(shape: tuple[int, int], bad: float | None) -> None:
    table = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    for place in [(0, 0), (shape[0] - 1, shape[1] - 1), (shape[0] // 2, shape[1] // 2)]:
        given = table.copy()
        given[place] += 9.0
        if bad is not None:
            given[place] = bad
        for down, rows in ((False, given), (True, given.T)):
            kink, rough = greatest_kink(given, down), greatest_roughness(given, 4, down)
            if bad is None:
                assert kink == _plain_kink(rows)
                np.testing.assert_allclose(rough, _plain_roughness(rows, 4), rtol=1e-12)
            else:
                assert not kink < np.inf
                assert not rough < np.inf
