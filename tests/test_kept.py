"""Plans of small outputs, which are kept: a pair of WCS that was changed is another pair."""

from __future__ import annotations

import gc
import os
import pickle
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from astropy.wcs import WCS, DistortionLookupTable, Sip

import cblot
from cblot.geometry import kept
from cblot.geometry.plan import Plan
from conftest import sky_image
from test_bad_input import tan_wcs

pytestmark = pytest.mark.filterwarnings("ignore:source has shape")

SHAPE, SOURCE = (22, 31), (40, 50)
IMAGE = sky_image(SOURCE)


def table(value: float = 0.3) -> DistortionLookupTable:
    values = np.random.default_rng(1).normal(0.0, value, (3, 4)).astype("f4")
    return DistortionLookupTable(values, (1.0, 1.0), (1.0, 1.0), (10.0, 10.0))


def sip(value: float) -> Sip:
    a = np.zeros((3, 3))
    a[2, 0] = value
    return Sip(a, -a, None, None, [11.0, 15.0])


def exposure() -> WCS:
    """With all the distortion there is."""
    wcs = tan_wcs(*SHAPE)
    wcs.wcs.ctype = ["RA---TAN-SIP", "DEC--TAN-SIP"]
    wcs.sip = sip(1e-3)
    wcs.cpdis1, wcs.cpdis2, wcs.det2im1, wcs.det2im2 = (table() for _ in range(4))
    wcs.pscale = wcs.idcscale = 0.05
    wcs.wcs.set()
    return wcs


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Plans that are made, of which none was kept before."""
    found: list[Any] = []

    def plan(*args: Any, **kw: Any) -> Plan:
        found.append(Plan(*args, **kw))
        return found[-1]

    monkeypatch.setattr(kept, "Plan", plan)
    monkeypatch.setattr(kept, "_kept", kept._Kept(kept._PLANS))
    return found


def blotted(source_wcs: Any, blot_wcs: Any, **kw: Any) -> np.ndarray:
    return cblot.do_blot(IMAGE, source_wcs, blot_wcs, 1.0, **kw)


def anew(source_wcs: Any, blot_wcs: Any, **kw: Any) -> np.ndarray:
    mapping = cblot.Mapping(blot_wcs=blot_wcs, source_wcs=source_wcs, **kw)
    return mapping.blot(IMAGE, 1.0)


def assign(name: str, value: Any) -> Callable[[WCS], None]:
    return lambda wcs: setattr(wcs.wcs, name, value)


def in_place(of: str, index: Any, factor: float) -> Callable[[WCS], None]:
    """Of an array that the object gives a view of."""

    def change(wcs: WCS) -> None:
        first, _, last = of.rpartition(".")
        array = getattr(getattr(wcs, first) if first else wcs, last)
        array[index] = array[index] * factor + (factor - 1.0)

    return change


def tpv(wcs: WCS) -> None:
    """Shown as TAN, with all numbers as they were."""
    types_before = list(wcs.wcs.ctype)
    wcs.wcs.ctype = ["RA---TPV", "DEC--TPV"]
    wcs.wcs.set_pv([(1, 1, 1.0), (1, 4, 3e2), (2, 1, 1.0)])
    wcs.wcs.set()
    wcs.wcs.ctype = types_before


def own_method(wcs: WCS) -> None:
    def moved(*args: Any) -> Any:
        x, y = WCS.wcs_world2pix(wcs, *args)
        return x + 3.0, y

    wcs.wcs_world2pix = moved


CHANGES: dict[str, Callable[[WCS], None]] = {
    "crval": assign("crval", [150.0003, 2.0001]),
    "crval in place": lambda wcs: wcs.wcs.crval.__setitem__(0, 150.0002),
    "crpix": assign("crpix", [9.0, 12.5]),
    "crpix in place": in_place("wcs.crpix", 1, 1.1),
    "cd": assign("cd", np.array([[-1.1, 0.1], [0.1, 1.1]]) * 0.05 / 3600),
    "cd in place": lambda wcs: wcs.wcs.cd.__setitem__((0, 1), 2e-6),
    "lonpole": assign("lonpole", 120.0),
    "projection": assign("ctype", ["RA---SIN", "DEC--SIN"]),
    "frame": assign("ctype", ["GLON-TAN", "GLAT-TAN"]),
    "radesys": assign("radesys", "FK4"),
    "equinox": assign("equinox", 1975.0),
    "wcslib's own distortion": tpv,
    "all of its numbers": lambda wcs: setattr(wcs, "wcs", tan_wcs(33, 25).wcs),
    "shape": lambda wcs: setattr(wcs, "array_shape", (25, 19)),
    "pixel_shape": lambda wcs: setattr(wcs, "pixel_shape", (19, 24)),
    "pscale": lambda wcs: setattr(wcs, "pscale", 0.04),
    "idcscale": lambda wcs: setattr(wcs, "idcscale", 0.04),
    "its own method": own_method,
}
DISTORTIONS: dict[str, Callable[[WCS], None]] = {
    "no sip": lambda wcs: setattr(wcs, "sip", None),
    "another sip": lambda wcs: setattr(wcs, "sip", sip(1.1e-3)),
    "sip in place": in_place("sip.a", (2, 0), 1.5),
    **{
        f"{part}: {what}": change
        for part in ("cpdis1", "cpdis2", "det2im1", "det2im2")
        for what, change in {
            "none": lambda wcs, part=part: setattr(wcs, part, None),
            "another": lambda wcs, part=part: setattr(wcs, part, table(0.4)),
            "data in place": in_place(f"{part}.data", (0, 1), 1.5),
            "crpix": in_place(f"{part}.crpix", 0, 1.5),
            "crval": in_place(f"{part}.crval", 1, 1.5),
            "cdelt": in_place(f"{part}.cdelt", 0, 1.5),
        }.items()
    },
}


@pytest.mark.parametrize("stepsize", [10, None])
@pytest.mark.parametrize("which", ["blot_wcs", "source_wcs"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_wcs_is_another(change: str, which: str, stepsize: int | None) -> None:
    check_change(CHANGES[change], which, stepsize)


@pytest.mark.parametrize("change", DISTORTIONS)
def test_changed_distortion_is_another(change: str) -> None:
    check_change(DISTORTIONS[change], "blot_wcs", None)


def check_change(change: Callable[[WCS], None], which: str, stepsize: int | None) -> None:
    pair = {"blot_wcs": exposure(), "source_wcs": tan_wcs(*SOURCE)}
    before = blotted(**pair, stepsize=stepsize)
    np.testing.assert_array_equal(before, anew(**pair, stepsize=stepsize))
    change(pair[which])
    after = blotted(**pair, stepsize=stepsize)
    np.testing.assert_array_equal(after, anew(**pair, stepsize=stepsize))
    again = {"blot_wcs": exposure(), "source_wcs": tan_wcs(*SOURCE)}
    np.testing.assert_array_equal(before, blotted(**again, stepsize=stepsize))


def test_the_same_numbers_are_the_same_pair(made: list[Any]) -> None:
    blot_wcs, source_wcs = exposure(), tan_wcs(*SOURCE)
    first = blotted(source_wcs, blot_wcs)
    blot_wcs.pixel_bounds = [(0, 3), (0, 4)]  # which say nothing of positions
    for pair in ((source_wcs, blot_wcs), (source_wcs.deepcopy(), blot_wcs.deepcopy())):
        np.testing.assert_array_equal(blotted(*pair), first)
    assert len(made) == 1
    for other in ({"stepsize": 7}, {"stepsize": None}, {"coeffs": False}):
        np.testing.assert_array_equal(
            blotted(source_wcs, blot_wcs, **other), anew(source_wcs, blot_wcs, **other)
        )
    assert len(made) == 4
    blotted(source_wcs, blot_wcs, wcsmap=cblot.WCSMap)  # as stepsize=None
    assert len(made) == 4


def test_objects_stay_as_they_are() -> None:
    """Not even set, as wcslib's functions do with what they are asked."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.cdelt = ["RA---TAN", "DEC--TAN"], [150, 2], [-1e-5, 1e-5]
    wcs.wcs.lonpole = np.nan
    wcs.array_shape = SOURCE
    attributes = dict(vars(wcs))
    for _ in range(2):
        blotted(wcs, exposure())
        blotted(exposure(), wcs)
    assert np.isnan(wcs.wcs.lonpole)
    assert vars(wcs) == attributes


def test_nothing_of_the_callers_is_kept() -> None:
    blot_wcs, source_wcs = exposure(), tan_wcs(*SOURCE)
    values = np.full((3, 4), 0.2, "f4")
    blot_wcs.cpdis1 = DistortionLookupTable(values, (1.0, 1.0), (1.0, 1.0), (10.0, 10.0))
    assert np.shares_memory(blot_wcs.cpdis1.data, values)

    class Local(WCS):
        """Which may refer to anything."""

    blot_wcs.__class__ = Local
    blotted(source_wcs, blot_wcs)
    gone = [weakref.ref(thing) for thing in (blot_wcs, source_wcs, values, Local)]
    del blot_wcs, source_wcs, values, Local
    gc.collect()
    assert [ref() for ref in gone] == [None] * 4
    assert len(kept._kept._values) == 1


class Underneath(WCS):
    """With other positions by what astropy's functions for them call."""

    moved = 0.0

    def _all_pix2world(self, xy: np.ndarray, origin: int) -> np.ndarray:
        return np.add(super()._all_pix2world(xy, origin), [self.moved, 0.0])


class Around(WCS):
    moved = 0.0

    def _array_converter(self, func: Any, *args: Any, **kw: Any) -> Any:
        def moved(xy: np.ndarray, origin: int) -> np.ndarray:
            return np.add(func(xy, origin), [self.moved, 0.0])

        return super()._array_converter(moved, *args, **kw)


@pytest.mark.parametrize("kind", [Underneath, Around])
def test_a_class_may_change_what_positions_are_made_by(kind: type[WCS]) -> None:
    blot_wcs, source_wcs = exposure(), tan_wcs(*SOURCE)
    blot_wcs.__class__ = kind
    before = blotted(source_wcs, blot_wcs)
    blot_wcs.moved = 1e-4
    after = blotted(source_wcs, blot_wcs)
    assert not np.array_equal(after, before)
    np.testing.assert_array_equal(after, anew(source_wcs, blot_wcs))


def test_all_digits_of_a_plate_scale_count() -> None:
    """As an array, too, whose text has only some of them."""
    blot_wcs, source_wcs = exposure(), tan_wcs(*SOURCE)
    with np.printoptions(precision=2):
        for scale in (0.051, 0.053):
            blot_wcs.idcscale = np.array(scale)
            np.testing.assert_array_equal(blotted(source_wcs, blot_wcs), anew(source_wcs, blot_wcs))


def test_what_is_refused_is_refused_after_a_plan_was_kept() -> None:
    blot_wcs, source_wcs = exposure(), tan_wcs(*SOURCE)
    a, inverse = blot_wcs.sip.a, np.zeros((3, 3))
    blot_wcs.sip = Sip(a, a, inverse, inverse, [11.0, 15.0])
    blotted(source_wcs, blot_wcs)
    blot_wcs.sip.ap[1, 1] = np.nan
    with pytest.raises(ValueError, match="must have SIP polynomials of finite numbers"):
        blotted(source_wcs, blot_wcs)


@pytest.mark.parametrize("stepsize", [10, None])
def test_sip_of_the_other_direction_alone(stepsize: int | None) -> None:
    inverse = sip(1e-3)
    blot_wcs, source_wcs = exposure(), tan_wcs(*SOURCE)
    blot_wcs.sip = Sip(None, None, inverse.a, inverse.b, inverse.crpix)
    expected = anew(source_wcs, blot_wcs, stepsize=stepsize)
    for _ in range(2):
        again = blotted(source_wcs, blot_wcs, stepsize=stepsize)
        np.testing.assert_array_equal(again, expected)


def test_few_and_small_plans_are_kept(made: list[Any]) -> None:
    blot_wcs, source_wcs = exposure(), tan_wcs(*SOURCE)
    for k in range(kept._PLANS + 5):
        blot_wcs.wcs.crval = [150.0 + 1e-6 * k, 2.0]
        blotted(source_wcs, blot_wcs)
    assert len(kept._kept._values) == kept._PLANS
    made.clear()
    blotted(source_wcs, blot_wcs)
    assert not made
    blot_wcs.wcs.crval = [150.0, 2.0]  # the first, which was long ago
    blotted(source_wcs, blot_wcs)
    assert len(made) == 1
    large = np.zeros((300, 300), "f4")
    blot_wcs.cpdis1 = DistortionLookupTable(large, (1.0, 1.0), (1.0, 1.0), (1.0, 1.0))
    for _ in range(2):
        blotted(source_wcs, blot_wcs)
    wide = tan_wcs(300, 300)
    for _ in range(2):
        blotted(source_wcs, wide)
        blotted(source_wcs, exposure(), classic=True)
    assert (
        len(made) == 7
    )  # large tables, large outputs and the peers' arithmetic, ask nothing of it
    assert len(kept._kept._values) == kept._PLANS


def test_many_threads_many_pairs() -> None:
    pairs = [(tan_wcs(*SOURCE), exposure()) for _ in range(5)]
    for k, (_, blot_wcs) in enumerate(pairs):
        blot_wcs.wcs.crval = [150.0 + 1e-4 * k, 2.0]
    expected = [anew(*pair) for pair in pairs]

    def work(k: int) -> None:
        np.testing.assert_array_equal(blotted(*pairs[k % 5]), expected[k % 5])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(400)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_of_a_fork_in_the_middle() -> None:
    blot_wcs, source_wcs = exposure(), tan_wcs(*SOURCE)
    expected = blotted(source_wcs, blot_wcs)
    taken, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with kept._kept._lock:
            taken.set()
            leave.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait()
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if np.array_equal(blotted(source_wcs, blot_wcs), expected) else 1)
        finally:
            os._exit(2)
    leave.set()
    thread.join()
    assert os.waitpid(child, 0)[1] == 0


def test_a_pickled_mapping_knows_nothing_of_classes() -> None:
    class Local(WCS):
        """Which no pickle can name."""

    blot_wcs, source_wcs = exposure(), tan_wcs(*SOURCE)
    blot_wcs.__class__ = Local
    mapping = pickle.loads(pickle.dumps(cblot.Mapping(blot_wcs=blot_wcs, source_wcs=source_wcs)))
    for _ in range(2):
        again = blotted(source_wcs, blot_wcs, wcsmap=mapping)
        np.testing.assert_array_equal(again, blotted(source_wcs, blot_wcs))
