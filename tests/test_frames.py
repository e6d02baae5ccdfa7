"""Skies and planes of all kinds, and mappings that are not smooth everywhere."""

from __future__ import annotations

import logging
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import ICRS, Galactic, SkyCoord
from astropy.wcs import WCS, DistortionLookupTable, Sip
from astropy.wcs.wcsapi import SlicedLowLevelWCS

import cblot
from conftest import sky_image
from test_bad_input import tan_wcs

SHAPE = (40, 50)


def wcs_of(
    ctype: tuple[str, str], crval: tuple[float, float], shape: tuple[int, int] = SHAPE,
    scale: float = 1e-4, **attributes: Any,
) -> WCS:  # fmt: skip
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval = ctype, crval
    wcs.wcs.crpix = [shape[1] / 2, shape[0] / 2]
    wcs.wcs.cdelt = [-scale, scale]
    for name, value in attributes.items():
        setattr(wcs.wcs, name, value)
    wcs.array_shape = shape
    return wcs


def equatorial(**attributes: Any) -> WCS:
    return wcs_of(("RA---TAN", "DEC--TAN"), (150.0, 2.0), **attributes)


def pixmap(blot_wcs: Any, source_wcs: Any, stepsize: int | None = None) -> np.ndarray:
    return cblot.Mapping(blot_wcs=blot_wcs, source_wcs=source_wcs, stepsize=stepsize).pixmap()


def asked(blot_wcs: WCS, source_wcs: WCS) -> np.ndarray:
    """Positions by way of astropy's sky coordinates."""
    ny, nx = blot_wcs.array_shape
    y, x = np.mgrid[:ny, :nx].astype(float)
    return np.stack(source_wcs.world_to_pixel(blot_wcs.pixel_to_world(x, y)), axis=-1)


def centred(wcs: WCS, on: SkyCoord) -> WCS:
    """The same with its CRVAL at a point on the sky, in its own frame."""
    crval = on.transform_to(wcs.pixel_to_world(0, 0).frame).spherical
    wcs.wcs.crval = [crval.lon.deg, crval.lat.deg]
    return wcs


OTHERS = {
    "FK4": lambda: equatorial(radesys="FK4", equinox=1950.0),
    "FK5 of 1975": lambda: equatorial(radesys="FK5", equinox=1975.0),
    "galactic": lambda: wcs_of(("GLON-TAN", "GLAT-TAN"), (0.0, 0.0)),
}


@pytest.mark.parametrize("stepsize", [None, 10])
@pytest.mark.parametrize("name", OTHERS)
def test_other_frames_are_transformed(name: str, stepsize: int | None) -> None:
    icrs = equatorial(radesys="ICRS")
    other = centred(OTHERS[name](), SkyCoord(150.0, 2.0, unit="deg"))
    for blot_wcs, source_wcs in ((icrs, other), (other, icrs)):
        expected = asked(blot_wcs, source_wcs)
        assert (np.abs(expected - np.mgrid[:40, :50].T.mean()) < 100).all()
        found = pixmap(blot_wcs, source_wcs, stepsize)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
        # Not as if they were one frame, that is.
        same = source_wcs.wcs_world2pix(*blot_wcs.all_pix2world([1.0], [1.0], 1), 0)
        assert abs(same[0][0] - expected[0, 0, 0]) > 1000


@pytest.mark.parametrize("name", [*OTHERS, "swapped"])
def test_other_frames_in_a_class(name: str) -> None:
    class Callers(cblot.WCSMap):
        """What is not the default, and so is asked itself."""

    icrs = equatorial(radesys="ICRS")
    swapped = wcs_of(("GLAT-TAN", "GLON-TAN"), (0.0, 0.0))
    if name == "swapped":
        on = SkyCoord(150.0, 2.0, unit="deg").galactic
        swapped.wcs.crval = [on.b.deg, on.l.deg]
    other = swapped if name == "swapped" else centred(OTHERS[name](), SkyCoord("10h", "2d"))
    for blot_wcs, source_wcs in ((icrs, other), (other, icrs)):
        pair = {"blot_wcs": blot_wcs, "source_wcs": source_wcs}
        expected = cblot.Mapping(**pair, stepsize=None).pixmap()
        found = cblot.Mapping(**pair, wcsmap=Callers).pixmap()
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
        back = Callers(blot_wcs, source_wcs, origin=0).backward(*found[3, 4])
        np.testing.assert_allclose(back, (4, 3), atol=1e-6)
    with pytest.raises(ValueError, match="output and input must map to one sky"):
        cblot.WCSMap(icrs, wcs_of(("HPLN-TAN", "HPLT-TAN"), (0.0, 0.0)))


def test_rotations_of_the_sky_are_the_cores(caplog: Any) -> None:
    """All but that of FK4, whose positions are those of aberrated light."""
    icrs = equatorial(radesys="ICRS")
    for name, make in OTHERS.items():
        other = centred(make(), SkyCoord(150.0, 2.0, unit="deg"))
        for pair in ((icrs, other), (other, icrs)):
            caplog.clear()
            with caplog.at_level(logging.DEBUG, "cblot"):
                pixmap(*pair)
            told = [r.getMessage() for r in caplog.records]
            assert bool(told) == (name == "FK4")
            assert all("no rotation between their frames" in text for text in told)


def test_fk5_of_2000_and_icrs_are_one() -> None:
    """Headers of HST say either for the same; drizzlepac looks at neither."""
    a, b = equatorial(radesys="FK5", equinox=2000.0), equatorial(radesys="ICRS")
    np.testing.assert_allclose(pixmap(a, b), asked(b, b), atol=1e-9)


def test_planet_of_known_radii() -> None:
    source_wcs = wcs_of(("MALN-CAR", "MALT-CAR"), (10.0, 0.0), scale=0.1)
    source_wcs.wcs.aux.a_radius = source_wcs.wcs.aux.b_radius = 3396190.0
    source_wcs.wcs.aux.c_radius = 3376200.0
    blot_wcs = source_wcs.deepcopy()
    blot_wcs.wcs.crpix = source_wcs.wcs.crpix + np.array([3, -2])
    mapping = cblot.Mapping(blot_wcs=blot_wcs, source_wcs=source_wcs, stepsize=None)
    again = pickle.loads(pickle.dumps(mapping))
    for each in (mapping, again):
        np.testing.assert_allclose(each.forward(10.0, 20.0), (7.0, 22.0), atol=1e-9)


@pytest.mark.parametrize("ctype", [("ELON-TAN", "ELAT-TAN"), ("HPLN-TAN", "HPLT-TAN")])
def test_no_frame_of_astropys(ctype: tuple[str, str]) -> None:
    """wcslib gives ecliptic coordinates a RADESYS: they are not right ascension for that."""
    other = wcs_of(ctype, (150.0, 2.0), radesys="ICRS")
    part = SlicedLowLevelWCS(other, [slice(2, 30), slice(3, 30)])
    for one, name in ((other, ctype[0][:4]), (part, r"pos\.")):
        for blot_wcs, source_wcs in ((equatorial(), one), (one, equatorial())):
            with pytest.raises(ValueError, match=f"must map to one sky.*{name}"):
                pixmap(blot_wcs, source_wcs)


@pytest.mark.parametrize("ctype", [
    ("GLON-TAN", "GLAT-TAN"), ("ELON-TAN", "ELAT-TAN"), ("HPLN-TAN", "HPLT-TAN"),
    ("TLON-TAN", "TLAT-TAN"), ("MALN-TAN", "MALT-TAN"), ("GLAT-TAN", "GLON-TAN"), ("", ""),
    ("LINEAR", ""),
])  # fmt: skip
@pytest.mark.parametrize("stepsize", [None, 10])
def test_any_pair_of_one_kind(ctype: tuple[str, str], stepsize: int | None) -> None:
    """A shift by (3, -2) pixels and a constant, whatever the axes are called."""
    source_wcs = wcs_of(ctype, (10.0, 20.0) if ctype[0][:4] != "GLAT" else (20.0, 10.0))
    blot_wcs = source_wcs.deepcopy()
    blot_wcs.wcs.crpix = source_wcs.wcs.crpix - [3, -2]
    y, x = np.mgrid[:40, :50]
    expected = np.stack([x + 3.0, y - 2.0], axis=-1)
    np.testing.assert_allclose(pixmap(blot_wcs, source_wcs, stepsize), expected, atol=1e-7)
    image = np.full(SHAPE, 7.0, dtype="f4")
    result = cblot.do_blot(image, source_wcs, blot_wcs, 2.0, fillval=np.nan, stepsize=stepsize)
    inside = np.zeros(SHAPE, dtype=bool)
    inside[3:, :46] = True
    np.testing.assert_allclose(result[inside], 14.0, rtol=1e-6)


def test_plane_as_in_drizzlepac() -> None:
    ablot = pytest.importorskip("drizzlepac.ablot")
    source_wcs, blot_wcs = wcs_of(("", ""), (0.0, 0.0)), wcs_of(("", ""), (1.0e-4, 0.3e-4))
    for wcs in (source_wcs, blot_wcs):
        wcs.pscale = 0.36
    image = sky_image(SHAPE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = ablot.do_blot(image, source_wcs, blot_wcs, 1.0, interp="linear", coeffs=False)
    ours = cblot.do_blot(
        image, source_wcs, blot_wcs, 1.0, interp="linear", coeffs=False, classic=True
    )
    np.testing.assert_array_equal(ours[1:-1, 1:-1], theirs[1:-1, 1:-1])


@pytest.mark.parametrize("wrong", [
    {"crval": [np.nan, 2.0]}, {"crpix": [np.inf, 2.0]}, {"cdelt": [np.nan, 1.0]},
    {"cd": [[0.0, 0.0], [0.0, 0.0]]}, {"cd": [[1.0, 2.0], [2.0, 4.0]]},
    {"pc": [[np.nan, 0.0], [0.0, 1.0]]},
])  # fmt: skip
@pytest.mark.parametrize("of", ["source_wcs", "blot_wcs"])
def test_numbers_that_no_wcs_has(wrong: dict[str, Any], of: str) -> None:
    pair = {"source_wcs": equatorial(), "blot_wcs": equatorial()}
    for name, value in wrong.items():
        setattr(pair[of].wcs, name, value)
    with pytest.raises(ValueError, match=f"{of} (must have a|is no WCS)"):
        cblot.do_blot(np.ones(SHAPE), exptime=1.0, **pair)


@pytest.mark.parametrize(
    "change", [{"crval": (np.nan, 1.0)}, {"cdelt": (0.0, 1.0)}, {"crpix": (1.0, np.inf)}]
)
@pytest.mark.parametrize("part", ["cpdis1", "det2im2"])
def test_tables_that_have_no_place(change: dict[str, Any], part: str) -> None:
    values = {"crpix": (1.0, 1.0), "crval": (1.0, 1.0), "cdelt": (8.0, 8.0)} | change
    blot_wcs = equatorial()
    table = DistortionLookupTable(np.zeros((6, 7), "f4"), *values.values())
    setattr(blot_wcs, part, table)
    with pytest.raises(ValueError, match=f"blot_wcs must have lookup .* got .* in {part}"):
        cblot.do_blot(np.ones(SHAPE), equatorial(), blot_wcs, 1.0)
    blot_wcs = equatorial()
    blot_wcs.sip = Sip(np.array([[0.0, np.nan], [0.0, 0.0]]), np.zeros((2, 2)), None, None, (1, 1))
    with pytest.raises(ValueError, match="blot_wcs must have SIP polynomials of finite numbers"):
        cblot.do_blot(np.ones(SHAPE), equatorial(), blot_wcs, 1.0)


SUN, EARTH = ("HPLN-TAN", "HPLT-TAN"), ("RA---TAN", "DEC--TAN")


def seen(longitude: float, distance: float = 1.5e11) -> WCS:
    """The sun as it is seen from a heliographic longitude."""
    wcs = wcs_of(SUN, (0.0, 0.0))
    wcs.wcs.aux.hgln_obs, wcs.wcs.aux.hglt_obs, wcs.wcs.aux.dsun_obs = longitude, 0.0, distance
    return wcs


def apparent(date: float) -> WCS:
    return wcs_of(EARTH, (150.0, 2.0), radesys="GAPPT", mjdobs=date)


@pytest.mark.parametrize(
    ("one", "same", "other", "told"),
    [
        (seen(0.0), seen(0.0), seen(90.0), "HPLN HPLT .*HGLN_OBS 90"),
        (seen(179.8), seen(-179.8), seen(178.5), "HPLN HPLT .*HGLN_OBS 178.5"),
        (seen(0.0), seen(np.nan), seen(0.0, 1.52e11), "HPLN HPLT .*DSUN_OBS 1.52e.11"),
        (seen(0.0), seen(0.0, 1.501e11), seen(0.0, 1.2e11), "HPLN HPLT .*DSUN_OBS 1.2e.11"),
        (apparent(4e4), apparent(40000.5), apparent(6e4), "RA DEC GAPPT MJD-OBS 60000"),
        (apparent(4e4), apparent(np.nan), apparent(40001.5), "RA DEC GAPPT MJD-OBS 40001.5"),
    ],
)
def test_another_observer_or_date(one: WCS, same: WCS, other: WCS, told: str) -> None:
    for wcs in (one, same, other):
        wcs.wcs.set()  # or else they differ in that
    mapping = cblot.Mapping(blot_wcs=one, source_wcs=same)
    np.testing.assert_allclose(mapping.pixmap(), pixmap(one, one), atol=1e-8)
    with pytest.raises(ValueError, match=f"must map to one sky, .* got {told}"):
        pixmap(one, other)
    with pytest.raises(ValueError, match="must map to one sky"):
        mapping.plan_for(one, other, True, False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (wcs_of(("ELON-TAN", "ELAT-TAN"), (10.0, 20.0)),
         wcs_of(("ELON-TAN", "ELAT-TAN"), (10.0, 20.0), equinox=2000.0)),
        (wcs_of(("", ""), (0.0, 0.0), cunit=["pixel", "pixel"]), wcs_of(("", ""), (0.0, 0.0))),
    ],
)  # fmt: skip
def test_one_sky_or_plane_in_other_words(one: WCS, other: WCS) -> None:
    for pair in ((one, other), (other, one)):
        np.testing.assert_allclose(pixmap(*pair), pixmap(one, one), atol=1e-8)


def test_planes_of_other_units() -> None:
    one, other = (wcs_of(("X", "Y"), (0.0, 0.0), cunit=[unit] * 2) for unit in ("m", "mm"))
    with pytest.raises(ValueError, match=r"\(X in mm, Y in mm\) and a plane \(X in m, Y in m\)"):
        pixmap(one, other)


class Common:
    """A WCS of astropy's with just the common interface, in an order and unit of its own."""

    pixel_n_dim = world_n_dim = 2

    def __init__(self, wcs: WCS, order: int = 1, unit: Any = units.deg, frame: Any = None) -> None:
        self._wcs, self._order, self._unit = wcs, order, unit
        self._factor = units.deg.to(unit)
        self.array_shape = wcs.array_shape
        types = ["pos.galactic.lon", "pos.galactic.lat"]
        if not isinstance(frame, Galactic):
            types = ["pos.eq.ra", "pos.eq.dec"]
        self.world_axis_physical_types = types[::order]
        self.world_axis_units = [str(unit)] * 2
        self.world_axis_object_classes = {
            "celestial": (
                SkyCoord,
                (),
                {"frame": ICRS() if frame is None else frame, "unit": (unit, unit)},
            )
        }

    def pixel_to_world_values(self, x: Any, y: Any) -> Any:
        world = self._wcs.pixel_to_world_values(x, y)
        return [v * self._factor for v in world][:: self._order]

    def world_to_pixel_values(self, *world: Any) -> Any:
        return self._wcs.world_to_pixel_values(*[v / self._factor for v in world[:: self._order]])


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("unit", [units.deg, units.rad, units.arcsec])
def test_common_interface_order_and_unit(order: int, unit: Any) -> None:
    """As astropy's own, whichever of the two has the axes so."""
    source_wcs, blot_wcs = equatorial(), equatorial(cdelt=[-0.8e-4, 1.1e-4])
    expected = asked(blot_wcs, source_wcs)
    image = sky_image(SHAPE)
    values = cblot.do_blot(image, source_wcs, blot_wcs, 2.0, stepsize=None, fillval=np.nan)
    odd_source, odd_blot = (Common(wcs, order, unit) for wcs in (source_wcs, blot_wcs))
    for blot, source in (
        (odd_blot, source_wcs), (blot_wcs, odd_source), (odd_blot, odd_source),
    ):  # fmt: skip
        for stepsize in (None, 10):
            np.testing.assert_allclose(pixmap(blot, source, stepsize), expected, atol=2e-7)
        result = cblot.do_blot(image, source, blot, 2.0, stepsize=None, fillval=np.nan)
        np.testing.assert_allclose(result, values, rtol=2e-5)


def test_common_interface_frames() -> None:
    icrs = equatorial()
    galactic = centred(
        wcs_of(("GLON-TAN", "GLAT-TAN"), (0.0, 0.0)), SkyCoord(150.0, 2.0, unit="deg")
    )
    odd = Common(galactic, frame=Galactic())
    for blot, source, expected in (
        (odd, icrs, asked(galactic, icrs)), (icrs, odd, asked(icrs, galactic)),
    ):  # fmt: skip
        np.testing.assert_allclose(pixmap(blot, source), expected, atol=1e-6)
        np.testing.assert_allclose(pixmap(blot, source, 10), expected, atol=1e-5)


@pytest.mark.parametrize("stepsize", [None, 10])
@pytest.mark.parametrize("lat", [2.0, 89.999])
def test_common_interface_on_the_far_side_of_the_sky(lat: float, stepsize: int | None) -> None:
    """No pixel has a position: all are fill, and the ratio is that of the scales on the sky."""
    source_wcs, blot_wcs = equatorial(), equatorial(cdelt=[-0.8e-4, 1.1e-4])
    blot_wcs.wcs.crval = [330.0, -lat]
    source_wcs.wcs.crval = [150.0, lat]
    expected = cblot.Mapping(blot_wcs=blot_wcs, source_wcs=source_wcs).pix_ratio
    image = np.ones(SHAPE, np.float32)
    pairs = ((Common(blot_wcs), source_wcs), (blot_wcs, Common(source_wcs)))
    for blot, source in (*pairs, (Common(blot_wcs), Common(source_wcs))):
        made = cblot.Mapping(blot_wcs=blot, source_wcs=source, stepsize=stepsize)
        assert made.pix_ratio == pytest.approx(expected, rel=1e-6)
        assert np.isnan(cblot.do_blot(image, source, blot, 1.0, fillval=np.nan)).all()


def test_common_interface_refused() -> None:
    icrs = equatorial()
    odd = Common(icrs)
    odd.world_axis_units = ["m", "m"]
    with pytest.raises(ValueError, match="in a unit of angle, got 'm'"):
        pixmap(odd, icrs)
    odd = Common(icrs)
    odd.world_axis_physical_types = ["pos.eq.ra", "em.wl"]
    with pytest.raises(ValueError, match="longitude and latitude, or to a plane, got axes of phys"):
        pixmap(odd, icrs)
    odd = Common(icrs)
    odd.world_axis_physical_types = ["custom:x", "custom:y"]
    with pytest.raises(ValueError, match="must map to one sky, or to one plane"):
        pixmap(odd, icrs)


def all_sky(projection: str, lon: float = 0.0) -> WCS:
    wcs = wcs_of(
        (f"RA---{projection}", f"DEC--{projection}"), (lon, 0.0), shape=(180, 360), scale=1.0
    )
    wcs.wcs.crpix = [180.5, 90.5]
    return wcs


@pytest.mark.parametrize("source", ["CAR", "AIT", "MOL", "TAN"])
@pytest.mark.parametrize("blot", ["CAR", "AIT", "TAN"])
@pytest.mark.parametrize("lon", [0.0, 179.0, 180.0, 90.0])
def test_branch_cuts(source: str, blot: str, lon: float) -> None:
    """No pixel's position is a mean across a seam, and none is lost at an edge of the sky."""
    shape = (60, 80)
    blot_wcs = wcs_of((f"RA---{blot}", f"DEC--{blot}"), (lon, 30.0 * (blot == "TAN")), shape, 1.3)
    source_wcs = all_sky(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exact, nodes = (pixmap(blot_wcs, source_wcs, step) for step in (None, 10))
        y, x = np.mgrid[1:61, 1:81].astype(float)
        world = blot_wcs.all_pix2world(x.ravel(), y.ravel(), 1)
        truth = np.stack(source_wcs.wcs_world2pix(*world, 0), axis=-1).reshape(*shape, 2)
    np.testing.assert_array_equal(np.isnan(nodes), np.isnan(truth))
    near = np.abs(truth) < 1e5  # and not on the horizon of a tangent plane
    np.testing.assert_allclose(exact[near], truth[near], atol=1e-6)
    # A cell's centre is within the tolerance of 0.02; between it and the corners it may be more.
    assert np.abs(nodes - truth)[near].max(initial=0.0) < 0.05


@pytest.mark.parametrize("shape", [(100, 100), (101, 101), (1, 1)])
@pytest.mark.parametrize("projection", ["CAR", "AIT"])
@pytest.mark.parametrize("pc", [[[1, 0], [0, 1]], [[0, 1], [-1, 0]]])
def test_ratio_where_the_middle_is_on_a_seam(
    shape: tuple[int, int], projection: str, pc: list[list[int]]
) -> None:
    """No step across it is one of the mapping; a pixel on it has the scales on the sky."""
    blot_wcs = wcs_of(("RA---TAN", "DEC--TAN"), (180.0, 0.0), shape, 0.5)
    blot_wcs.wcs.crpix = [shape[1] / 2 + 0.5, shape[0] / 2 + 0.5]
    blot_wcs.wcs.pc = pc
    found = cblot.Mapping(blot_wcs=Common(blot_wcs), source_wcs=all_sky(projection))
    assert found.pix_ratio == pytest.approx(2.0, rel=0.15)


def test_seam_of_a_large_image_keeps_its_nodes() -> None:
    """Only the cells at the seam are mapped pixel by pixel, and tell of it in the debug log."""
    blot_wcs = wcs_of(("RA---CAR", "DEC--CAR"), (180.0, 0.0), (400, 500), 0.01)
    source_wcs = wcs_of(("RA---CAR", "DEC--CAR"), (0.0, 0.0), (1800, 36000), 0.01)
    nodes, exact = (pixmap(blot_wcs, source_wcs, step) for step in (10, None))
    np.testing.assert_allclose(nodes, exact, atol=1e-6)
    assert (np.abs(np.diff(exact[..., 0], axis=1)) > 30000).sum() == 400
    core = cblot.Mapping(blot_wcs=blot_wcs, source_wcs=source_wcs)._plan.core
    assert type(core).__name__ == "NodeMapping"


def test_seam_to_the_same_bits_in_parts_and_on_threads() -> None:
    import dask.array

    from cblot import distributed

    blot_wcs = wcs_of(("RA---CAR", "DEC--CAR"), (180.0, 0.0), (400, 500), 0.01)
    source_wcs = wcs_of(("RA---CAR", "DEC--CAR"), (180.0, 0.0), (500, 600), 0.01)
    source_wcs.wcs.crval = [179.0, 0.0]
    image = sky_image((500, 600))
    whole = cblot.do_blot(image, source_wcs, blot_wcs, 1.0, threads=1)
    np.testing.assert_array_equal(cblot.do_blot(image, source_wcs, blot_wcs, 1.0, threads=3), whole)
    lazy = distributed.blot_dask(
        dask.array.from_array(image, chunks=200), source_wcs, blot_wcs, 1.0, chunks=(90, 110)
    )
    np.testing.assert_array_equal(lazy.compute(), whole)


def test_frame_narrower_than_a_step() -> None:
    blot_wcs, source_wcs = all_sky("CAR", 180.0), all_sky("CAR")
    blot_wcs.array_shape = (7, 5)
    blot_wcs.wcs.crpix = [3.0, 3.5]
    for step in (10, 10**6):
        np.testing.assert_allclose(
            pixmap(blot_wcs, source_wcs, step), pixmap(blot_wcs, source_wcs), atol=1e-9
        )


def test_wcs_objects_are_copied() -> None:
    """What is made of them stays as it was, whatever becomes of them, and they do too."""
    for general in (False, True):
        blot_wcs, source_wcs = tan_wcs(30, 40), tan_wcs(30, 40, 0.04)
        if general:
            blot_wcs.wcs.ctype = ["RA---SIN", "DEC--SIN"]
        for step in (None, 10):
            states = [wcs.to_header_string(relax=True) for wcs in (blot_wcs, source_wcs)]
            mapping = cblot.Mapping(blot_wcs=blot_wcs, source_wcs=source_wcs, stepsize=step)
            before = mapping.forward([3.0], [5.0])
            kept = [wcs.deepcopy() for wcs in (blot_wcs, source_wcs)]
            for wcs in (blot_wcs, source_wcs):
                wcs.wcs.crpix = wcs.wcs.crpix + 1.0
                wcs.wcs.set()
            np.testing.assert_array_equal(mapping.forward([3.0], [5.0]), before)
            blot_wcs, source_wcs = kept
            assert states == [wcs.to_header_string(relax=True) for wcs in (blot_wcs, source_wcs)]


@pytest.mark.parametrize("error", [MemoryError, RecursionError])
def test_what_is_no_fault_of_the_wcs(error: type[Exception]) -> None:
    class Failing(WCS):
        def deepcopy(self) -> Any:
            raise error("there is no more")

    failing = equatorial()
    failing.__class__ = Failing
    with pytest.raises(error, match="there is no more"):
        cblot.Mapping(blot_wcs=failing, source_wcs=equatorial())
