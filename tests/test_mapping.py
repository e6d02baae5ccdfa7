"""The core's own exact mapping, `cblot.Mapping`, and when the WCS objects are asked instead."""

from __future__ import annotations

import itertools
import logging
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS, DistortionLookupTable, Sip

import cblot
from conftest import Pair, sky_image
from test_bad_input import tan_wcs
from test_wcs import header_wcs
from wcs_oracle import exact_positions


def grid(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    return np.meshgrid(np.arange(1.0, shape[1] + 1), np.arange(1.0, shape[0] + 1))


def random_table(rng: np.random.Generator, shape: tuple[int, int]) -> DistortionLookupTable:
    """Any size, origin and step; ends within and beyond the frame."""
    ny, nx = rng.integers(1, 12, 2)
    if rng.random() < 0.3:
        ny, nx = 1, shape[1]  # a column table as HST's, an element a pixel
        crpix, crval, cdelt = (0.0, 0.0), (0.0, 0.0), (1.0, 1.0)
    else:
        crpix, crval = rng.uniform(-3, 6, 2), rng.uniform(-20, 60, 2)
        cdelt = rng.uniform(0.4, 40, 2) * rng.choice([-1, 1], 2)
    values = rng.normal(0, 0.3, (ny, nx)).astype("f4")
    return DistortionLookupTable(values, tuple(crpix), tuple(crval), tuple(cdelt))


def distorted_wcs(
    rng: np.random.Generator, parts: tuple[str, ...], with_pc: bool, largest: int = 300
) -> WCS:
    shape = tuple(int(n) for n in rng.integers(20, largest, 2))
    wcs = WCS(naxis=2)
    suffix = "-SIP" if "sip" in parts else ""
    wcs.wcs.ctype = [f"RA---TAN{suffix}", f"DEC--TAN{suffix}"]
    wcs.wcs.crval = rng.uniform(0, 360), rng.uniform(-85, 85)
    wcs.wcs.crpix = rng.uniform(-50, 300, 2)
    angle, scale = rng.uniform(0, 6.3), 0.05 / 3600
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if with_pc:
        wcs.wcs.pc, wcs.wcs.cdelt = turn, (-scale, 1.1 * scale)
    else:
        wcs.wcs.cd = scale * turn @ np.array([[-1, 0.03], [0.02, 1.05]])
    wcs.array_shape = shape
    if "sip" in parts:
        a, b = (
            np.array([[rng.normal(0, 3.0) / 300.0 ** (p + q) if 2 <= p + q <= n else 0.0
                       for q in range(n + 1)] for p in range(n + 1)])
            for n in rng.integers(2, 7, 2)
        )  # fmt: skip
        wcs.sip = Sip(a, b, None, None, rng.uniform(0, 200, 2))
    for part in ("cpdis1", "cpdis2", "det2im1", "det2im2"):
        if part in parts:
            setattr(wcs, part, random_table(rng, shape))
    wcs.wcs.set()
    return wcs


def source_for(wcs: WCS, rng: np.random.Generator) -> WCS:
    source = tan_wcs(400, 420, 0.04)
    middle = [n / 2 for n in wcs.array_shape[::-1]]
    source.wcs.crval = np.array(wcs.all_pix2world([middle], 1)[0]) + rng.normal(0, 0.02, 2)
    source.wcs.crpix = rng.uniform(100, 300, 2)
    return source


PARTS = ("sip", "cpdis1", "cpdis2", "det2im1", "det2im2")
COMBINATIONS = [c for n in range(len(PARTS) + 1) for c in itertools.combinations(PARTS, n)]


@pytest.mark.parametrize("parts", COMBINATIONS, ids=lambda c: "+".join(c) or "none")
@pytest.mark.parametrize("matrix", ["pc", "cd"])
def test_all_combinations(parts: tuple[str, ...], matrix: str, caplog: Any) -> None:
    rng = np.random.default_rng(COMBINATIONS.index(parts))
    caplog.set_level(logging.DEBUG, "cblot")
    for largest in (300, 80, 80):  # extended precision is slow
        wcs = distorted_wcs(rng, parts, matrix == "pc", largest)
        source = source_for(wcs, rng)
        mapping = cblot.Mapping(blot_wcs=wcs, source_wcs=source, stepsize=None)
        assert not caplog.records
        x, y = grid(mapping.shape)
        expected = np.stack(exact_positions(wcs, source, x, y), axis=-1)
        pixmap = mapping.pixmap(origin=1)
        np.testing.assert_allclose(pixmap, expected.astype(float), rtol=0, atol=2e-9)
        own = np.stack(cblot.WCSMap(wcs, source).forward(x.ravel(), y.ravel()), axis=-1)
        np.testing.assert_allclose(pixmap.reshape(-1, 2), own, rtol=0, atol=1e-6)
        # Anywhere: pixels give the same bits, and positions between and beyond them the same rule.
        fx, fy = mapping.forward(x, y)
        np.testing.assert_array_equal(np.stack([fx, fy], axis=-1), mapping.pixmap() + 1.0)
        ux, uy = rng.uniform(-30, 330, (2, 500))
        anywhere = np.array(exact_positions(wcs, source, ux, uy)).astype(float)
        np.testing.assert_allclose(mapping.forward(ux, uy), anywhere, rtol=0, atol=2e-9)


@pytest.mark.parametrize("step", [2, 7, 300])
def test_nodes_are_exact(step: int) -> None:
    """At the nodes' own pixels the bilinear mean is the node."""
    rng = np.random.default_rng(step)
    wcs = distorted_wcs(rng, PARTS, False)
    source = source_for(wcs, rng)
    exact, nodes = (
        cblot.Mapping(blot_wcs=wcs, source_wcs=source, stepsize=s).pixmap() for s in (None, step)
    )
    at_nodes = np.s_[step - 1 :: step, step - 1 :: step]
    np.testing.assert_allclose(nodes[at_nodes], exact[at_nodes], rtol=0, atol=1e-10)


@pytest.mark.slow
def test_real_exposures_all_pixels(real_pair: Pair) -> None:
    """The WCS's own positions, whose error of 1e-8 pixel is not ours."""
    wcs, source = real_pair.blot_wcs, real_pair.source_wcs
    mapping = cblot.Mapping(blot_wcs=wcs, source_wcs=source, stepsize=None)
    pixmap = mapping.pixmap(origin=1).reshape(-1, 2)
    x, y = (v.ravel() for v in grid(mapping.shape))
    own = np.stack(cblot.WCSMap(wcs, source).forward(x, y), axis=-1)
    np.testing.assert_allclose(pixmap, own, rtol=0, atol=3e-8)
    some = np.random.default_rng(1).integers(0, x.size, 20000)
    truth = np.stack(exact_positions(wcs, source, x[some], y[some]), axis=-1).astype(float)
    np.testing.assert_allclose(pixmap[some], truth, rtol=0, atol=1e-11)


def test_detector_tables_of_both_axes(data_dir: Path) -> None:
    """As newer references of HST have them, with polynomials and lookup tables."""
    with fits.open(data_dir / "acs_wfc_2axis_flt.fits.gz") as hdulist:
        wcs = WCS(hdulist["SCI", 1].header, hdulist)
    rng = np.random.default_rng(0)
    source = source_for(wcs, rng)
    mapping = cblot.Mapping(blot_wcs=wcs, source_wcs=source, stepsize=None)
    x, y = (rng.integers(1, n + 1, 20000).astype(float) for n in (4096, 2048))
    y[:8000] = 64.0 * rng.integers(1, 33, 8000)  # rows of elements
    x[:2000] = rng.choice([1.0, 63.0, 64.0, 65.0, 4095.0, 4096.0], 2000)
    found = np.stack(mapping.forward(x, y), axis=-1)
    pixmap = mapping.pixmap(origin=1)
    np.testing.assert_array_equal(pixmap[y.astype(int) - 1, x.astype(int) - 1], found)
    truth = np.stack(exact_positions(wcs, source, x, y), axis=-1)
    np.testing.assert_allclose(found, truth.astype(float), rtol=0, atol=1e-11)


@pytest.mark.parametrize("ratio", ["0p55", "1p0", "1p2"])
def test_nircam_sip(data_dir: Path, ratio: str) -> None:
    wcs = header_wcs(data_dir / "nrcb5_sip_wcs.hdr")
    source = header_wcs(data_dir / f"nrcb5_output_wcs_psr_{ratio}.hdr")
    mapping = cblot.Mapping(blot_wcs=wcs, source_wcs=source, stepsize=None)
    rows = np.s_[:: 1 if ratio == "1p0" else 7]
    x, y = (v[rows].ravel() for v in grid(mapping.shape))
    own = np.stack(cblot.WCSMap(wcs, source).forward(x, y), axis=-1)
    np.testing.assert_allclose(mapping.pixmap(1)[rows].reshape(-1, 2), own, rtol=0, atol=1e-8)


def turned_wcs(crval: tuple[float, float], *, latitude_first: bool = False, **poles: float) -> WCS:
    """A TAN projection; LONPOLE and LATPOLE are wcslib's unless given."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval = ["RA---TAN", "DEC--TAN"], crval
    wcs.wcs.crpix, wcs.wcs.cd = [31.0, 22.5], [[-1.1e-5, 4e-6], [5e-6, 1.3e-5]]
    if latitude_first:
        wcs.wcs.ctype, wcs.wcs.crval = ["DEC--TAN", "RA---TAN"], crval[::-1]
    for name, value in poles.items():
        setattr(wcs.wcs, name, value)
    wcs.array_shape = (60, 70)
    wcs.wcs.set()
    return wcs


TURNED = {
    "LONPOLE": turned_wcs((150.0, 2.0), lonpole=170.0),
    "LONPOLE 0": turned_wcs((150.0, 2.0), lonpole=0.0, latpole=30.0),
    "latitude first": turned_wcs((150.0, 2.0), latitude_first=True),
    "latitude first, LONPOLE": turned_wcs((150.0, 2.0), latitude_first=True, lonpole=-77.0),
    "north pole": turned_wcs((33.0, 90.0)),  # wcslib's LONPOLE is 0 there
    "north pole, LONPOLE": turned_wcs((33.0, 90.0), lonpole=130.0),
    "south pole": turned_wcs((33.0, -90.0)),
}


@pytest.mark.parametrize("kind", TURNED)
def test_rotations_and_swaps_are_the_cores(kind: str, caplog: Any) -> None:
    turned = TURNED[kind]
    lon, lat = (turned.wcs.crval[axis] for axis in (turned.wcs.lng, turned.wcs.lat))
    plain = turned_wcs((lon + (90.0 if abs(lat) == 90.0 else 0.001), lat * 0.99999), lonpole=180.0)
    x, y = (v.ravel() for v in grid((60, 70)))
    for blot_wcs, source_wcs in ((turned, plain), (plain, turned), (turned, turned)):
        with caplog.at_level(logging.DEBUG, "cblot"):
            mapping = cblot.Mapping(blot_wcs=blot_wcs, source_wcs=source_wcs, stepsize=None)
        assert not caplog.records
        expected = cblot.WCSMap(blot_wcs, source_wcs).forward(x, y)
        assert np.ptp(expected, axis=1).min() > 10.0
        np.testing.assert_allclose(
            mapping.pixmap(1).reshape(-1, 2), np.stack(expected, axis=-1), rtol=0, atol=5e-8
        )


def other_wcs(kind: str) -> WCS:
    wcs = tan_wcs(60, 70)
    if kind == "SIN":
        wcs.wcs.ctype = ["RA---SIN", "DEC--SIN"]
    elif kind == "TPV":
        wcs.wcs.ctype = ["RA---TPV", "DEC--TPV"]
        wcs.wcs.set_pv([(1, 1, 1.0), (1, 4, 0.3), (2, 1, 1.0)])
    wcs.wcs.set()
    return wcs


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("SIN", "projection RA---SIN"),
        ("TPV", "distortion TPV"),  # wcslib calls it TAN
    ],
)
@pytest.mark.parametrize("of", ["blot_wcs", "source_wcs"])
def test_other_kinds_are_asked_themselves(kind: str, reason: str, of: str, caplog: Any) -> None:
    other, tan = other_wcs(kind), tan_wcs(60, 70)
    blot_wcs, source_wcs = (other, tan) if of == "blot_wcs" else (tan, other)
    with caplog.at_level(logging.DEBUG, "cblot"):
        mapping = cblot.Mapping(blot_wcs=blot_wcs, source_wcs=source_wcs, stepsize=None)
    assert any(reason in r.getMessage() for r in caplog.records)
    x, y = grid((60, 70))
    expected = cblot.WCSMap(blot_wcs, source_wcs).forward(x.ravel(), y.ravel())
    np.testing.assert_allclose(
        mapping.pixmap(1), np.stack(expected, axis=-1).reshape(60, 70, 2), rtol=0, atol=1e-12
    )


def test_coefficients_are_not_trusted(caplog: Any) -> None:
    """A WCS that maps otherwise than its coefficients say is asked itself."""

    class Shifted(WCS):
        def all_pix2world(self, x: Any, y: Any, *args: Any, **kw: Any) -> Any:
            return super().all_pix2world(np.asarray(x) + 3e-6, y, *args, **kw)

    wcs, shifted = tan_wcs(40, 40), Shifted(tan_wcs(40, 40).to_header())
    shifted.array_shape = (40, 40)
    with caplog.at_level(logging.DEBUG, "cblot"):
        pixmap = cblot.Mapping(blot_wcs=shifted, source_wcs=wcs, stepsize=None).pixmap()
    assert "differ from theirs by up to 3e-06 pixels" in caplog.text
    np.testing.assert_allclose(pixmap[0, :, 0], np.arange(40) + 3e-6, rtol=0, atol=1e-8)


def test_behind_the_tangent_plane() -> None:
    """A position more than 90 degrees off the source's tangent point is NaN and gives the fill."""
    blot_wcs, source_wcs = tan_wcs(20, 20), tan_wcs(20, 20)
    blot_wcs.wcs.crval = [330.0, -2.0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mapping = cblot.Mapping(blot_wcs=blot_wcs, source_wcs=source_wcs, stepsize=None)
    assert np.isnan(mapping.forward([3.0, 5.5], [1.0, 2.0])).all()
    result = cblot.do_blot(
        np.ones((20, 20)), source_wcs, blot_wcs, 1.0, wcsmap=mapping, fillval=-1.0
    )
    assert (result == -1.0).all()


@pytest.mark.parametrize("stepsize", [None, 10])
def test_mapping_in_place_of_the_wcs(acs_wcs: Any, stepsize: int | None) -> None:
    chip, _, clean = acs_wcs
    small = chip.deepcopy()
    small.array_shape = (150, 1000)
    source = sky_image(clean.array_shape)
    mapping = cblot.Mapping(blot_wcs=small, source_wcs=clean, stepsize=stepsize)
    expected = cblot.do_blot(source, clean, small, 7.0, stepsize=stepsize)
    with ThreadPoolExecutor(4) as pool:
        results = list(
            pool.map(
                lambda _: cblot.do_blot(source, clean, small, 7.0, wcsmap=mapping, threads=2),
                range(8),
            )
        )
    for result in results:
        np.testing.assert_array_equal(result, expected)
    # The pixel map is the same mapping.
    by_map = cblot.blot_image(source, mapping.pixmap(), iscale=7.0 / mapping.pix_ratio**2)
    np.testing.assert_allclose(by_map, expected, rtol=1e-6)
    assert mapping.pixmap().dtype == np.float64
    assert mapping.pixmap().shape == (150, 1000, 2)
    np.testing.assert_array_equal(mapping.pixmap(1), mapping.pixmap() + 1.0)
    assert repr(mapping).startswith("<cblot.Mapping of 150 x 1000 pixels, ")


def test_pixmap_is_drizzles(acs_wcs: Any) -> None:
    """Drizzle adds an image through our pixel map as through its own."""
    utils, resample = pytest.importorskip("drizzle.utils"), pytest.importorskip("drizzle.resample")
    chip, _, clean = acs_wcs
    small = chip.deepcopy()
    small.array_shape = (100, 4096)
    theirs = utils.calc_pixmap(small, clean)
    ours = cblot.Mapping(blot_wcs=small, source_wcs=clean, stepsize=None).pixmap()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-7)
    images = []
    for pixmap in (theirs, ours):
        drizzle = resample.Drizzle(out_shape=clean.array_shape)
        drizzle.add_image(np.ones((100, 4096), dtype="f4"), 1.0, pixmap)
        images.append(drizzle.out_wht)
    assert images[0].sum() > 0
    np.testing.assert_allclose(images[1], images[0], atol=1e-5)


def test_classic_with_a_mapping(acs_wcs: Any) -> None:
    chip, _, clean = acs_wcs
    small = chip.deepcopy()
    small.array_shape = (64, 4096)
    source = sky_image(clean.array_shape)
    classic = cblot.Mapping(blot_wcs=small, source_wcs=clean, classic=True)
    np.testing.assert_array_equal(
        cblot.do_blot(source, clean, small, 2.0, classic=True, wcsmap=classic),
        cblot.do_blot(source, clean, small, 2.0, classic=True),
    )
    with pytest.raises(ValueError, match="classic=True needs a Mapping"):
        cblot.do_blot(
            source,
            clean,
            small,
            2.0,
            classic=True,
            wcsmap=cblot.Mapping(blot_wcs=small, source_wcs=clean),
        )


def test_mapping_of_a_callers_class() -> None:
    """Its answers are kept: it is asked once a pixel, and not again by the calls.

    But for two rows, asked for alone to see whether many rows a call are what it knows.
    """
    asked = []

    class Counting(cblot.LinearMap):
        def __init__(self, blot_wcs: Any, source_wcs: Any) -> None:
            super().__init__(xsh=2.0)

        def forward(self, x: Any, y: Any) -> Any:
            asked.append(len(x))
            return super().forward(x, y)

    wcs, image = tan_wcs(30, 30), sky_image((30, 30))
    mapping = cblot.Mapping(blot_wcs=wcs, source_wcs=wcs, wcsmap=Counting)
    before = sum(asked)
    for _ in range(3):
        result = cblot.do_blot(image, wcs, wcs, 1.0, wcsmap=mapping, interp="nearest")
        np.testing.assert_array_equal(result[:, :-2], image[:, 2:])
    assert before == sum(asked) == 900 + 60


class Shift:
    """A caller's mapping, by whole pixels and a fraction."""

    def __init__(self, blot_wcs: Any, source_wcs: Any) -> None:
        self.x, self.y = np.empty((2, blot_wcs.array_shape[1]))

    def forward(self, x: Any, y: Any) -> Any:
        return x + 2.25, y - 1.5


class InPlace(Shift):
    """It changes the arrays that it is given."""

    def forward(self, x: Any, y: Any) -> Any:
        x += 2.25
        y -= 1.5
        return x, y


class OwnRow(Shift):
    """It answers in arrays of a row's length that it keeps, and so for one row a call."""

    def forward(self, x: Any, y: Any) -> Any:
        np.add(x, 2.25, out=self.x)
        np.subtract(y, 1.5, out=self.y)
        return self.x, self.y


class OwnArrays(Shift):
    """It answers in the beginning of long arrays that it keeps."""

    def __init__(self, blot_wcs: Any, source_wcs: Any) -> None:
        self.x, self.y = np.empty((2, 10000))

    def forward(self, x: Any, y: Any) -> Any:
        self.x[: x.size], self.y[: y.size] = x + 2.25, y - 1.5
        return self.x[: x.size], self.y[: y.size]


@pytest.mark.parametrize("kind", [InPlace, OwnRow, OwnArrays])
def test_callers_arrays_in_any_use(kind: type[Shift]) -> None:
    wcs, image = tan_wcs(60, 50), sky_image((60, 50))
    expected = cblot.do_blot(image, wcs, wcs, 1.0, wcsmap=Shift)
    np.testing.assert_array_equal(cblot.do_blot(image, wcs, wcs, 1.0, wcsmap=kind), expected)


def test_forward_from_many_threads() -> None:
    """A WCS object is asked by one thread at a time."""
    lock = threading.Lock()

    class Alone(cblot.IdentityMap):
        def forward(self, x: Any, y: Any) -> Any:
            assert lock.acquire(blocking=False)
            result = super().forward(x + 0.0, y)
            lock.release()
            return result

    wcs = tan_wcs(30, 30)
    mapping = cblot.Mapping(blot_wcs=wcs, source_wcs=wcs, wcsmap=Alone)
    x = np.arange(50000.0)
    with ThreadPoolExecutor(8) as pool:
        for fx, fy in pool.map(lambda _: mapping.forward(x, 2.0), range(40)):
            np.testing.assert_array_equal(fx, x)
            assert (fy == 2.0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"blot_wcs": tan_wcs(31, 30)}, r"must be of the shape of blot_wcs, \(31, 30\)"),
        ({"coeffs": False}, "made with coeffs=True, got coeffs=False"),
        (
            {"source": np.ones((20, 20)), "source_wcs": tan_wcs(20, 20)},
            "must have been made of this blot_wcs and source_wcs",
        ),
    ],
)
def test_mapping_for_something_else(change: dict[str, Any], message: str) -> None:
    wcs = tan_wcs(30, 30)
    call = {"source": np.ones((30, 30)), "source_wcs": wcs, "blot_wcs": wcs, "exptime": 1.0}
    with pytest.raises(ValueError, match=message):
        cblot.do_blot(**{**call, **change}, wcsmap=cblot.Mapping(blot_wcs=wcs, source_wcs=wcs))


class OwnPositions(WCS):
    """Numbers of astropy's, positions of its own."""

    def all_pix2world(self, *args: Any) -> Any:
        lon, lat = super().all_pix2world(*args)
        return lon, lat + 1e-3


@pytest.mark.parametrize("stepsize", [None, 10])
def test_mapping_of_a_class_that_makes_other_positions(stepsize: int | None) -> None:
    wcs, image = tan_wcs(30, 30), np.ones((30, 30))
    wcs.wcs.set()
    other = wcs.deepcopy()
    other.__class__ = OwnPositions
    mapping = cblot.Mapping(blot_wcs=wcs, source_wcs=wcs, stepsize=stepsize)
    with pytest.raises(ValueError, match="must have been made of this blot_wcs and source_wcs"):
        cblot.do_blot(image, wcs, other, 1.0, wcsmap=mapping)
    own = cblot.Mapping(blot_wcs=other, source_wcs=wcs, stepsize=stepsize)
    cblot.do_blot(image, wcs, other, 1.0, wcsmap=own)


def tpv_wcs(coefficient: float) -> WCS:
    """Once it is set, astropy shows it as TAN, with the same numbers whatever its coefficients."""
    wcs = tan_wcs(30, 30)
    wcs.wcs.ctype = ["RA---TPV", "DEC--TPV"]
    wcs.wcs.set_pv([(1, 1, 1.0), (1, 4, coefficient), (2, 1, 1.0)])
    wcs.wcs.set()
    return wcs


@pytest.mark.parametrize("coefficient", [0.0, 1e3])
def test_mapping_of_another_distortion_of_wcslibs(coefficient: float) -> None:
    wcs, image = tan_wcs(30, 30), np.ones((30, 30))
    blot_wcs, other = tpv_wcs(5e2), tpv_wcs(coefficient)
    mapping = cblot.Mapping(blot_wcs=blot_wcs, source_wcs=wcs)
    cblot.do_blot(image, wcs, tpv_wcs(5e2), 1.0, wcsmap=mapping)
    with pytest.raises(ValueError, match="must have been made of this blot_wcs and source_wcs"):
        cblot.do_blot(image, wcs, other, 1.0, wcsmap=mapping)


@pytest.mark.parametrize("stepsize", [10, None])
def test_blot_without_a_wcs(stepsize: int | None) -> None:
    """As `do_blot` with the pair that the mapping was made of, in every option."""
    source_wcs, blot_wcs = tan_wcs(40, 50), tan_wcs(30, 45, 0.04)
    blot_wcs.wcs.crpix = [9.0, 12.0]
    image = sky_image((40, 50))
    pair = {"blot_wcs": blot_wcs, "source_wcs": source_wcs}
    mapping = cblot.Mapping(**pair, stepsize=stepsize)
    for interp in ("nearest", "sinc"):
        for fillval in (0.0, -3.0):
            options = {"interp": interp, "sinscl": 1.5, "fillval": fillval}
            expected, covered = cblot.do_blot(
                image, exptime=2.0, **pair, stepsize=stepsize, **options, return_footprint=True
            )
            out = np.empty((30, 45))
            found, inside = mapping.blot(image, 2.0, **options, out=out, return_footprint=True)
            assert found is out
            np.testing.assert_array_equal(found.astype("f4"), expected)
            np.testing.assert_array_equal(inside, covered)
            assert 0 < inside.sum() < inside.size
    with pytest.raises(ValueError, match="made with classic=True"):
        mapping.blot(image, 2.0, classic=True)
    classic = cblot.Mapping(**pair, stepsize=stepsize, classic=True)
    np.testing.assert_array_equal(
        classic.blot(image, 2.0, classic=True),
        cblot.do_blot(image, exptime=2.0, **pair, stepsize=stepsize, classic=True),
    )
    with pytest.warns(UserWarning, match=r"source has shape \(20, 50\), and source_wcs") as told:
        mapping.blot(image[:20], 2.0)
    assert told[0].filename == __file__
