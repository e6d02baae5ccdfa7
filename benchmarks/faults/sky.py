"""WCS of all kinds: where the pixels land, asked of the WCS objects through astropy."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.faults import scene
from benchmarks.faults.scene import CENTRE, SHAPE, SOURCE_SHAPE, gwcs, plane, plane_image, wcs
from benchmarks.faults.verdict import Group, Wrong, compare

GROUP = Group("WCS")
# Source pixels; the default step has nodes every ten pixels, and what the mean of four is off.
TOLERANCE = 0.02


def through_sky(blot_wcs: Any, source_wcs: Any) -> tuple[Any, Any]:
    """Positions by way of SkyCoord: frames, units and the order of axes are the objects' own."""
    y, x = np.mgrid[: blot_wcs.array_shape[0], : blot_wcs.array_shape[1]]
    return source_wcs.world_to_pixel(blot_wcs.pixel_to_world(x, y))


def through_numbers(blot_wcs: Any, source_wcs: Any) -> tuple[Any, Any]:
    """Positions by way of longitude and latitude in degrees."""
    y, x = np.mgrid[: blot_wcs.array_shape[0], : blot_wcs.array_shape[1]]
    return source_wcs.wcs_world2pix(*blot_wcs.all_pix2world(x, y, 0), 0)


def look(
    result: Any,
    positions: tuple[Any, Any],
    shape: tuple[int, int] = SOURCE_SHAPE,
    gain: float = 1.0,
    edge: float = 1.0,
) -> None:
    """Compare every pixel, but those that land within `edge` of the image's edge."""
    x, y = (np.asarray(p, dtype=float) for p in positions)
    ny, nx = shape
    with np.errstate(invalid="ignore"):
        inside = (x >= 0) & (x < nx) & (y >= 0) & (y < ny)
        near = (np.minimum(abs(x), abs(x - nx)) < edge) | (np.minimum(abs(y), abs(y - ny)) < edge)
        wanted = np.where(inside, plane(x, y) * gain, 0.0)
    if not (inside & ~near).any():
        raise ValueError("the case covers nothing")
    compare(result, wanted, TOLERANCE * gain, where=~near)


def beyond_the_box(blot_wcs: Any, source_wcs: Any) -> tuple[Any, Any]:
    """The same where the source's bounding box, which is about its own pixels, is not in force."""
    y, x = np.mgrid[: blot_wcs.array_shape[0], : blot_wcs.array_shape[1]]
    sky = blot_wcs.pixel_to_world(x, y)
    return source_wcs.invert(sky.ra.deg, sky.dec.deg, with_bounding_box=False)


def _both(package: Any, blot_wcs: Any, source_wcs: Any, positions: Any = through_sky) -> None:
    """A case of two grids of one scale."""
    wanted = positions(blot_wcs, source_wcs)
    shape = source_wcs.array_shape
    look(package.do_blot(plane_image(shape), source_wcs, blot_wcs), wanted, shape)


def _gwcs(package: Any, blot_wcs: Any, source_wcs: Any, positions: Any = through_sky) -> None:
    wanted = positions(blot_wcs, source_wcs)
    if package.name == "drizzlepac":
        package.only("a package that knows gwcs")
    look(package.blot_gwcs(plane_image(), source_wcs, blot_wcs), wanted)


@GROUP.case("two plain WCS", valid=True)
def plain(package: Any) -> None:
    _both(package, wcs(SHAPE, angle=20.0), wcs(SOURCE_SHAPE))


@GROUP.case("exposure of gwcs with a bounding box onto a gwcs, default step", valid=True)
def gwcs_pair(package: Any) -> None:
    _gwcs(package, gwcs(SHAPE, angle=20.0), gwcs(SOURCE_SHAPE))


@GROUP.case("gwcs exposure larger than the image it is blotted from", valid=True)
def gwcs_larger(package: Any) -> None:
    _gwcs(package, gwcs((90, 120), angle=20.0), gwcs(SOURCE_SHAPE), beyond_the_box)


@GROUP.case("exposure of gwcs onto a FITS WCS", valid=True)
def gwcs_onto_fits(package: Any) -> None:
    _gwcs(package, gwcs(SHAPE, angle=20.0), wcs(SOURCE_SHAPE))


@GROUP.case("exposure of a FITS WCS onto gwcs", valid=True)
def fits_onto_gwcs(package: Any) -> None:
    _gwcs(package, wcs(SHAPE, angle=20.0), gwcs(SOURCE_SHAPE))


@GROUP.case("gwcs exposure whose axes are (latitude, longitude)")
def gwcs_latitude_first(package: Any) -> None:
    _gwcs(package, gwcs(SHAPE, angle=20.0, latitude_first=True), gwcs(SOURCE_SHAPE))


@GROUP.case("gwcs of the clean image whose axes are (latitude, longitude)")
def gwcs_source_latitude_first(package: Any) -> None:
    _gwcs(package, gwcs(SHAPE, angle=20.0), gwcs(SOURCE_SHAPE, latitude_first=True))


@GROUP.case("gwcs exposure in radians")
def gwcs_radians(package: Any) -> None:
    _gwcs(package, gwcs(SHAPE, angle=20.0, radians=True), gwcs(SOURCE_SHAPE))


@GROUP.case("gwcs exposure in galactic coordinates, clean image in ICRS")
def gwcs_galactic(package: Any) -> None:
    from astropy.coordinates import Galactic, SkyCoord

    centre = SkyCoord(*CENTRE, unit="deg").galactic
    pair = (centre.l.deg, centre.b.deg)
    _gwcs(package, gwcs(SHAPE, pair, frame=Galactic()), gwcs(SOURCE_SHAPE))


@GROUP.case("FITS WCS exposure with latitude as its first axis", valid=True)
def latitude_first(package: Any) -> None:
    blot_wcs = wcs(SHAPE, CENTRE[::-1], ctype=("DEC--TAN", "RA---TAN"))
    _both(package, blot_wcs, wcs(SOURCE_SHAPE))


def _of_frame(frame: Any) -> tuple[float, float]:
    """The centre of the clean image, in ICRS, in another frame."""
    from astropy.coordinates import SkyCoord

    there = SkyCoord(*CENTRE, unit="deg").transform_to(frame).spherical
    return float(there.lon.deg), float(there.lat.deg)


@GROUP.case("exposure in FK4 of B1950, clean image in ICRS")
def fk4(package: Any) -> None:
    from astropy.coordinates import FK4

    blot_wcs = wcs(SHAPE, _of_frame(FK4()), radesys="FK4", equinox=1950.0)
    _both(package, blot_wcs, wcs(SOURCE_SHAPE, radesys="ICRS"))


@GROUP.case("exposure in FK5 of equinox 1975, clean image in ICRS")
def fk5(package: Any) -> None:
    from astropy.coordinates import FK5

    blot_wcs = wcs(SHAPE, _of_frame(FK5(equinox="J1975")), radesys="FK5", equinox=1975.0)
    _both(package, blot_wcs, wcs(SOURCE_SHAPE, radesys="ICRS"))


@GROUP.case("exposure in galactic coordinates, clean image in ICRS")
def galactic_onto_icrs(package: Any) -> None:
    from astropy.coordinates import Galactic

    blot_wcs = wcs(SHAPE, _of_frame(Galactic()), ctype=("GLON-TAN", "GLAT-TAN"))
    _both(package, blot_wcs, wcs(SOURCE_SHAPE, radesys="ICRS"))


def _of_types(package: Any, *ctype: str, **keywords: Any) -> None:
    pair = [wcs(shape, angle=angle, ctype=ctype, **keywords)  # type: ignore[arg-type]
            for shape, angle in ((SHAPE, 20.0), (SOURCE_SHAPE, 0.0))]  # fmt: skip
    _both(package, *pair, positions=through_numbers)


@GROUP.case("both in galactic coordinates", valid=True)
def galactic(package: Any) -> None:
    _of_types(package, "GLON-TAN", "GLAT-TAN")


@GROUP.case("both in ecliptic coordinates", valid=True)
def ecliptic(package: Any) -> None:
    _of_types(package, "ELON-TAN", "ELAT-TAN")


@GROUP.case("both in helioprojective coordinates", valid=True)
def helioprojective(package: Any) -> None:
    _of_types(package, "HPLN-TAN", "HPLT-TAN")


@GROUP.case("linear pair without CTYPE", valid=True)
def linear(package: Any) -> None:
    _of_types(package, "", "")


@GROUP.case("linear exposure without CTYPE, clean image on the sky")
def linear_onto_sky(package: Any) -> None:
    blot_wcs, source_wcs = wcs(SHAPE, ctype=("", "")), wcs(SOURCE_SHAPE)
    package.do_blot(plane_image(), source_wcs, blot_wcs)
    raise Wrong("a plane is taken for the sky")


def _all_sky(projection: str, scale: float = 1.0, centre: float = 0.0) -> Any:
    shape = (round(180 / scale), round(360 / scale))
    ctype = (f"RA---{projection}", f"DEC--{projection}")
    return wcs(shape, (centre, 0.0), scale=scale, ctype=ctype)


def _onto_all_sky(
    package: Any, projection: str, centre: tuple[float, float], tolerance: float = 0.2
) -> None:
    """A small exposure somewhere on an image of the whole sky, of the same scale."""
    source_wcs = _all_sky(projection, 0.5)
    blot_wcs = wcs((40, 50), centre, scale=0.5)
    wanted = through_numbers(blot_wcs, source_wcs)
    x, y = wanted
    shape = source_wcs.array_shape
    result = package.do_blot(plane_image(shape), source_wcs, blot_wcs)
    inside = (x >= 0) & (x < shape[1]) & (y >= 0) & (y < shape[0])
    near = (np.minimum(abs(x), abs(x - shape[1])) < 1) | (np.minimum(abs(y), abs(y - shape[0])) < 1)
    compare(result, np.where(inside, plane(x, y), 0.0), tolerance, where=~near)


@GROUP.case("all-sky CAR image, exposure across its seam", valid=True)
def car_seam(package: Any) -> None:
    _onto_all_sky(package, "CAR", (180.0, 10.0))


@GROUP.case("all-sky AIT image, exposure across its seam", valid=True)
def ait_seam(package: Any) -> None:
    _onto_all_sky(package, "AIT", (180.0, 10.0))


@GROUP.case("all-sky CAR exposure of a CAR image with its seam elsewhere", valid=True)
def car_onto_car(package: Any) -> None:
    blot_wcs, source_wcs = _all_sky("CAR", 2.0, 100.0), _all_sky("CAR", 2.0)
    _both(package, blot_wcs, source_wcs, positions=through_numbers)


@GROUP.case("detector table with NaN in its last column")
def detector_table(package: Any) -> None:
    from astropy.wcs import DistortionLookupTable

    values = np.full((3, 10), 0.25, np.float32)
    values[:, -1] = np.nan
    blot_wcs = wcs(SHAPE, angle=20.0)
    # Of columns 1, 4, 7 … 28: what lies between the last two, or beyond, isn't known.
    blot_wcs.det2im1 = DistortionLookupTable(values, (1.0, 1.0), (1.0, 1.0), (3.0, 15.0))
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
    known, source_wcs = x < 24, wcs(SOURCE_SHAPE)
    at = source_wcs.wcs_world2pix(*blot_wcs.wcs_pix2world(x + 0.25, y, 0), 0)
    wanted = np.where(known, plane(*at), 0.0)
    result = package.do_blot(plane_image(), source_wcs, blot_wcs, stepsize=1)
    compare(result, wanted, TOLERANCE, where=x != 24)


def _bad(package: Any, **keywords: Any) -> None:
    package.do_blot(plane_image(), wcs(SOURCE_SHAPE), wcs(SHAPE, **keywords))


@GROUP.case("exposure with CRVAL NaN", must_fail=True)
def crval_nan(package: Any) -> None:
    _bad(package, centre=(np.nan, 2.0))


@GROUP.case("exposure with a CD matrix of zeros", must_fail=True)
def zero_cd(package: Any) -> None:
    _bad(package, cd=np.zeros((2, 2)))


@GROUP.case("clean image with CDELT NaN", must_fail=True)
def cdelt_nan(package: Any) -> None:
    from astropy.wcs import WCS

    source_wcs = WCS(naxis=2)
    source_wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    source_wcs.wcs.crval, source_wcs.wcs.crpix = CENTRE, (40.0, 40.0)
    source_wcs.wcs.cdelt = (-scene.SCALE, np.nan)
    source_wcs.array_shape, source_wcs.pscale = SOURCE_SHAPE, scene.SCALE * 3600
    package.do_blot(plane_image(), source_wcs, wcs(SHAPE))
