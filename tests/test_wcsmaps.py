"""Callers' mappings that answer in whatever arrays they like."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cblot
from conftest import sky_image
from test_bad_input import tan_wcs


class Exact:
    """What the WCS objects say."""

    def __init__(self, blot_wcs: Any, source_wcs: Any) -> None:
        self.blot_wcs, self.source_wcs = blot_wcs, source_wcs
        self.memory = np.empty((2, 100_000))

    def asked(self, x: Any, y: Any) -> Any:
        world = self.blot_wcs.all_pix2world(x, y, 1)
        return self.source_wcs.wcs_world2pix(*world, 1)


class InWhatIsGiven(Exact):
    def forward(self, x: Any, y: Any) -> Any:
        x[:], y[:] = self.asked(x, y)
        return x, y


class InOneMemory(Exact):
    def forward(self, x: Any, y: Any) -> Any:
        answer = self.memory[:, : x.size]
        answer[:] = self.asked(x, y)
        return answer


class OneRowInWhatIsGiven(InWhatIsGiven):
    def forward(self, x: Any, y: Any) -> Any:
        assert y[0] == y[-1], "one row alone"
        return super().forward(x, y)


class OneRowInOneMemory(InOneMemory):
    def forward(self, x: Any, y: Any) -> Any:
        assert x.size <= self.blot_wcs.array_shape[1], "what a row has, or less"
        return super().forward(x, np.full_like(y, y[0]))


class OneRowByItsLast(Exact):
    def forward(self, x: Any, y: Any) -> Any:
        return self.asked(x, np.full_like(y, y[-1]))


class OneRowByItsMost(Exact):
    def forward(self, x: Any, y: Any) -> Any:
        return self.asked(x, np.full_like(y, y.max()))


ONE_ROW = [OneRowInWhatIsGiven, OneRowInOneMemory, OneRowByItsLast, OneRowByItsMost]


@pytest.mark.parametrize("kind", [InWhatIsGiven, InOneMemory, *ONE_ROW])
@pytest.mark.parametrize("rows", [1, 2, 50, 700])
def test_answers_in_arrays_that_are_used_again(kind: Any, rows: int) -> None:
    blot_wcs, source_wcs = tan_wcs(rows, 60), tan_wcs(rows + 30, 90)
    image = sky_image((rows + 30, 90))
    expected = cblot.do_blot(image, source_wcs, blot_wcs, 1.0, stepsize=None)
    for threads in (1, 3):
        result = cblot.do_blot(image, source_wcs, blot_wcs, 1.0, wcsmap=kind, threads=threads)
        np.testing.assert_allclose(result, expected, rtol=1e-5)
    mapping = cblot.Mapping(blot_wcs=blot_wcs, source_wcs=source_wcs, wcsmap=kind)
    np.testing.assert_allclose(mapping.blot(image, 1.0), expected, rtol=1e-5)
    x = np.arange(1.0, 61.0)
    mapping.forward(x, 1.0)
    np.testing.assert_array_equal(x, np.arange(1.0, 61.0))


@pytest.mark.parametrize("kind", [InWhatIsGiven, *ONE_ROW])
@pytest.mark.parametrize("rows", [1, 50])
@pytest.mark.parametrize("size", [3, 60, 61, 120, 300])
def test_any_positions_of_what_knows_one_row(kind: Any, rows: int, size: int) -> None:
    pair = {"blot_wcs": tan_wcs(rows, 60), "source_wcs": tan_wcs(90, 90)}
    mapping = cblot.Mapping(**pair, wcsmap=kind)
    rng = np.random.default_rng(size)
    ys = rng.uniform(1, 50, size)
    for y in (ys, np.repeat(ys, 3), np.repeat(7.0, size)):
        x = rng.uniform(1, 60, y.size)
        expected = cblot.Mapping(**pair, stepsize=None).forward(x, y)
        np.testing.assert_allclose(mapping.forward(x, y), expected, atol=1e-6)
