"""Whatever an image comes in: its mask, its WCS and its unit are heeded, or it is refused."""

from __future__ import annotations

import array
import re
import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData, NDData, NDDataRef
from astropy.utils.masked import Masked
from astropy.wcs import WCS

import cblot
from conftest import Asked, sky_image

SHAPE = (40, 50)
IMAGE = sky_image(SHAPE)
MASK = np.zeros(SHAPE, bool)
MASK[20, 25] = MASK[7, 30:33] = True
HOT = np.where(MASK, 1e6, IMAGE).astype("f4")
BLANK = np.where(MASK, np.nan, IMAGE).astype("f4")
Y, X = np.mgrid[:30, :35]
PIXMAP = np.stack([X + 5.3, Y + 2.6], axis=-1)


def tan_wcs(shape: tuple[int, int] = SHAPE) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix = [150.0, 2.0], [25.3, 20.6]
    wcs.wcs.cd = np.diag([-1.0, 1.0]) / 3600
    wcs.array_shape = shape
    wcs.wcs.set()
    return wcs


BLOT_WCS = tan_wcs()
BLOT_WCS.wcs.crpix = [25.0, 20.0]


def by_do_blot(image: Any, **keywords: Any) -> Any:
    return cblot.do_blot(image, tan_wcs(), BLOT_WCS, 2.0, fillval=-7.0, **keywords)


def by_callback(image: Any, **keywords: Any) -> Any:
    return by_do_blot(image, wcsmap=Asked, **keywords)


def by_blot_image(image: Any, **keywords: Any) -> Any:
    return cblot.blot_image(image, PIXMAP, **keywords)


def by_tblot(image: Any, **keywords: Any) -> Any:
    out = np.empty((30, 35), "f4")
    cblot.tblot(
        image, out, 1.0, 50.0, 1.0, 40.0, 1.0, 1.0, 1.0, 1.0, "center", "linear", 1.0, -7.0, 1.0, 0,
        lambda x, y: (x + 5.3, y + 2.6), **keywords,
    )  # fmt: skip
    return out


def by_dask(image: Any, **keywords: Any) -> Any:
    pytest.importorskip("dask.array")
    from cblot.distributed import blot_dask

    return blot_dask(
        image, tan_wcs(), BLOT_WCS, 2.0, fillval=-7.0, chunks=(20, 25), **keywords
    ).compute(scheduler="synchronous")


DOORS = {
    "do_blot": by_do_blot,
    "callback": by_callback,
    "blot_image": by_blot_image,
    "tblot": by_tblot,
    "blot_dask": by_dask,
}


class Slices:
    """Slices as what it holds does, and is nothing else."""

    def __init__(self, held: Any) -> None:
        self._held, self.shape, self.dtype = held, held.shape, held.dtype
        self.ndim = len(held.shape)

    def __getitem__(self, key: Any) -> Any:
        return self._held[key]


def dask_of(make: Callable[[], Any]) -> Any:
    da = pytest.importorskip("dask.array")
    return da.from_array(Slices(make()), chunks=(13, 17), asarray=False, name=False)


MASKED: dict[str, Callable[[], Any]] = {
    "numpy.ma": lambda: np.ma.MaskedArray(HOT, MASK),
    "Masked": lambda: Masked(HOT, mask=MASK),
    "Masked, of a plain Quantity": lambda: Masked(HOT * u.one, mask=MASK),
    "Masked, big-endian": lambda: Masked(HOT.astype(">f4"), mask=MASK),
    "NDData": lambda: NDData(HOT, mask=MASK),
    "NDData, flags": lambda: NDData(HOT, mask=MASK * np.uint16(64)),
    "NDData, lists": lambda: NDData(HOT, mask=MASK.tolist()),
    "NDData that slices": lambda: NDDataRef(HOT, mask=MASK),
    "NDData of numpy.ma": lambda: NDData(np.ma.MaskedArray(HOT, MASK)),
    "NDData of a Quantity": lambda: NDData(Masked(HOT * u.adu, mask=MASK)),
    "CCDData": lambda: CCDData(HOT, mask=MASK, unit="electron / s"),
    "slices of Masked": lambda: Slices(Masked(HOT, mask=MASK)),
    "slices of NDData": lambda: Slices(CCDData(HOT, mask=MASK, unit="adu")),
    "rows of numpy.ma": lambda: list(np.ma.MaskedArray(HOT, MASK)),
    "rows of Masked": lambda: list(Masked(HOT, mask=MASK)),
    "dask of numpy.ma": lambda: dask_of(MASKED["numpy.ma"]),
    "dask of Masked": lambda: dask_of(MASKED["Masked"]),
    "NDData of dask": lambda: NDData(dask_of(lambda: HOT), mask=dask_of(lambda: MASK)),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", MASKED)
def test_masked_is_nan(kind: str, door: str) -> None:
    expected = DOORS[door](BLANK)
    assert np.isnan(expected).sum() > 4
    assert not np.isnan(DOORS[door](IMAGE)).any()
    np.testing.assert_array_equal(DOORS[door](MASKED[kind]()), expected)


UNMASKED: dict[str, Callable[[], Any]] = {
    "NDData": lambda: NDData(IMAGE),
    "NDData of False": lambda: NDData(IMAGE, mask=False),
    "NDData of none": lambda: NDData(IMAGE, mask=np.zeros(SHAPE, bool)),
    "CCDData": lambda: CCDData(IMAGE, unit="adu"),
    "Masked": lambda: Masked(IMAGE),
    "HDU": lambda: fits.ImageHDU(IMAGE),
    "compressed HDU": lambda: fits.CompImageHDU(IMAGE, compression_type="GZIP_2", quantize_level=0),
    "pair": lambda: (IMAGE, tan_wcs()),
    "pair with a header": lambda: (IMAGE, tan_wcs().to_header()),
    "Quantity": lambda: IMAGE * u.one,
    "memoryview": lambda: memoryview(IMAGE),
    "big-endian": lambda: IMAGE.astype(">f4"),
    "lists": lambda: IMAGE.astype(float).tolist(),
    "rows": lambda: list(IMAGE),
    "tuple of arrays": lambda: tuple(array.array("f", row.tolist()) for row in IMAGE),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", UNMASKED)
def test_what_holds_an_image(kind: str, door: str) -> None:
    image = IMAGE.astype(float) if kind == "lists" else IMAGE
    np.testing.assert_array_equal(DOORS[door](UNMASKED[kind]()), DOORS[door](image))


def test_all_are_masked() -> None:
    assert np.isnan(by_blot_image(NDData(IMAGE, mask=True))).all()


def flagged(mask: Any) -> Any:
    held = NDData(IMAGE)
    held._mask = mask
    return held


BAD: list[tuple[str, Callable[[], Any], type[Exception], str]] = [
    ("unit", lambda: IMAGE * u.adu, TypeError, "must be plain numbers, got a Quantity in adu"),
    ("masked unit", lambda: Masked(IMAGE * u.adu, mask=MASK), TypeError, "a Quantity in adu"),
    ("rows with a unit", lambda: list(IMAGE * u.adu), TypeError, "got rows with a unit"),
    ("float mask", lambda: flagged(MASK * 1.0), TypeError, "must be of booleans or flags"),
    ("text mask", lambda: flagged("no"), TypeError, "must be of booleans or flags"),
    ("mask's shape", lambda: flagged(MASK.T), ValueError, "must have shape (40, 50), got (50, 40)"),
    ("no image", lambda: fits.PrimaryHDU(), ValueError, "is an HDU that has no image"),
    ("HDUList", lambda: fits.HDUList([fits.PrimaryHDU(IMAGE)]), TypeError, "got a HDUList of HDUs"),
    ("cube", lambda: CCDData(np.ones((2, 3, 4)), unit="adu"), ValueError, "must be 2-D"),
    ("bytes", lambda: b"image", TypeError, "must be of a real type"),
    ("text", lambda: "image.fits", TypeError, "must be an image, got the name of a file"),
    ("flat memoryview", lambda: memoryview(b"abc"), ValueError, "must be 2-D, got shape (3,)"),
    ("array.array", lambda: array.array("f", [1, 2]), ValueError, "must be 2-D, got shape (2,)"),
    ("ragged", lambda: [[1.0, 2.0], [3.0]], ValueError, "must have rows of one length"),
    ("dates", lambda: np.zeros((3, 3), "M8[s]"), TypeError, "must be of a real type"),
    ("no number", lambda: np.zeros((3, 3), "O"), TypeError, "must be of a real type"),
    ("masked complex", lambda: np.ma.MaskedArray(IMAGE * 1j, MASK), TypeError, "of a real type"),
    ("dict", lambda: {"data": IMAGE}, TypeError, "must be of a real type"),
]  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(("make", "kind", "text"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_bad_images(make: Any, kind: type[Exception], text: str, door: str) -> None:
    with pytest.raises(kind, match=re.escape(text)):
        DOORS[door](make())


# ---- WCS


HOLDERS: dict[str, Callable[[], Any]] = {
    "NDData": lambda: NDData(IMAGE, wcs=tan_wcs()),
    "CCDData": lambda: CCDData(IMAGE, wcs=tan_wcs(), unit="adu"),
    "HDU": lambda: fits.ImageHDU(IMAGE, tan_wcs().to_header()),
    "pair": lambda: (IMAGE, tan_wcs()),
    "pair with a header": lambda: (IMAGE, fits.ImageHDU(IMAGE, tan_wcs().to_header()).header),
    "pair of masked": lambda: (np.ma.MaskedArray(HOT, MASK), tan_wcs()),
}


@pytest.mark.parametrize("kind", HOLDERS)
def test_wcs_of_the_source(kind: str) -> None:
    holder = HOLDERS[kind]()
    expected = by_do_blot(BLANK if "masked" in kind else IMAGE, stepsize=None)
    for door in (cblot.do_blot, dask_door):
        found = door(holder, None, BLOT_WCS, 2.0, fillval=-7.0, stepsize=None)
        np.testing.assert_allclose(found, expected, rtol=2e-5)
    other = tan_wcs()
    other.wcs.crpix += 3.0
    given = cblot.do_blot(holder, other, BLOT_WCS, 2.0)  # the one given counts
    assert not np.allclose(given, expected, equal_nan=True)


def dask_door(*arguments: Any, **keywords: Any) -> Any:
    pytest.importorskip("dask.array")
    from cblot.distributed import blot_dask

    return blot_dask(*arguments, **keywords).compute(scheduler="synchronous")


def test_cutout_keeps_its_place() -> None:
    part = CCDData(IMAGE, wcs=tan_wcs(), unit="adu")[5:35, 8:48]
    found = cblot.do_blot(part, None, BLOT_WCS, 2.0, stepsize=None, interp="linear", fillval=-7.0)
    whole = by_do_blot(IMAGE, stepsize=None, interp="linear")
    inside = found != -7.0
    assert 1000 < inside.sum() < 1250
    np.testing.assert_allclose(found[6:30, 10:40], whole[6:30, 10:40], rtol=1e-5)


def test_header_with_lookup_tables() -> None:
    """Of a source, the linear projection is used: tables in other HDUs aren't missed."""
    header = tan_wcs().to_header()
    header["CPDIS1"], header["CPDIS2"], header["DATE-OBS"] = "LOOKUP", "LOOKUP", "2001/02/03"
    hdu = fits.ImageHDU(IMAGE, header)
    before = hdu.header.tostring()
    found = cblot.do_blot(hdu, None, BLOT_WCS, 2.0)
    np.testing.assert_allclose(found, cblot.do_blot(IMAGE, tan_wcs(), BLOT_WCS, 2.0), rtol=2e-5)
    assert hdu.header.tostring() == before


@pytest.mark.parametrize(
    ("source", "kind", "text"),
    [
        (IMAGE, TypeError, "source_wcs may be None only for a source that has a WCS"),
        (IMAGE, TypeError, "an NDData, an HDU or a pair (array, wcs); got ndarray"),
        (NDData(IMAGE), TypeError, "got NDData"),
        (fits.ImageHDU(IMAGE), ValueError, "source_wcs is None, and source's header has no WCS"),
        (fits.ImageHDU(IMAGE, fits.Header([("CTYPE1", "RA---TAN"), ("CTYPE2", "RA---TAN")])),
         ValueError, "source's header can't be used"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("door", [cblot.do_blot, dask_door])
def test_no_wcs(source: Any, kind: type[Exception], text: str, door: Any) -> None:
    with pytest.raises(kind, match=re.escape(text)):
        door(source, None, BLOT_WCS, 2.0)


@pytest.mark.parametrize("shape", [(50, 40), (25, 60)])
@pytest.mark.parametrize("how", ["array", "Mapping", "slices"])
def test_another_shape_than_its_wcs(how: str, shape: tuple[int, int]) -> None:
    """Positions are those of the WCS; the caller's line is warned of, once a call."""
    image = sky_image(shape)
    bare = tan_wcs()
    bare.array_shape = None
    expected = cblot.do_blot(image, bare, BLOT_WCS, 2.0)
    keywords = (
        {"wcsmap": cblot.Mapping(blot_wcs=BLOT_WCS, source_wcs=tan_wcs())}
        if how == "Mapping"
        else {}
    )
    with pytest.warns(UserWarning, match=r"source has shape .*, and source_wcs \(40, 50\)") as said:
        found = cblot.do_blot(
            Slices(image) if how == "slices" else image, tan_wcs(), BLOT_WCS, 2.0, **keywords
        )
    assert [remark.filename for remark in said] == [__file__]
    np.testing.assert_array_equal(found, expected)


def test_another_shape_in_dask() -> None:
    pytest.importorskip("dask.array")
    from cblot.distributed import blot_dask

    with pytest.warns(UserWarning, match="source has shape") as said:
        blot_dask(IMAGE[:30], tan_wcs(), BLOT_WCS, 2.0)
    assert [remark.filename for remark in said] == [__file__]


# ---- positions


@pytest.mark.parametrize("kind", ["numpy.ma", "Masked", "dask", "list", "tuple"])
def test_masked_positions_give_the_fill_value(kind: str) -> None:
    mask = np.zeros(PIXMAP.shape, bool)
    mask[3, 4, 0] = mask[5, 6, 1] = True
    masked = {
        "numpy.ma": lambda: np.ma.MaskedArray(PIXMAP, mask),
        "Masked": lambda: Masked(PIXMAP, mask=mask),
        "dask": lambda: pytest.importorskip("dask.array").from_array(
            np.ma.MaskedArray(PIXMAP, mask)
        ),
        "list": lambda: list(np.ma.MaskedArray(PIXMAP, mask)),
        "tuple": lambda: tuple(Masked(PIXMAP, mask=mask)),
    }[kind]()
    expected = cblot.blot_image(IMAGE, PIXMAP)
    expected[3, 4] = expected[5, 6] = -7.0
    np.testing.assert_array_equal(cblot.blot_image(IMAGE, masked, fillval=-7.0), expected)


def test_lazy_positions_are_computed_once() -> None:
    computed = []

    def told(block: Any) -> Any:
        computed.append(block.shape)
        return block

    whole = pytest.importorskip("dask.array").from_array(PIXMAP, chunks=-1)
    lazy = whole.map_blocks(told, meta=np.empty((0, 0, 0)))
    out = np.empty(PIXMAP.shape[:2])
    np.testing.assert_array_equal(
        cblot.blot_image(IMAGE, lazy, out_img=out), cblot.blot_image(IMAGE, PIXMAP)
    )
    assert computed == [PIXMAP.shape]


class Series:
    """As of pandas, whose `mask` is a method."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)

    def __array__(self, *args: Any, **kw: Any) -> Any:
        return np.array(self.values, *args, **kw)

    def __float__(self) -> float:
        return float(self.values)

    def mask(self) -> None:
        raise AssertionError("not asked for")


def test_a_method_is_no_mask() -> None:
    class InSeries(cblot.WCSMap):
        def forward(self, x: Any, y: Any) -> Any:
            return tuple(map(Series, super().forward(x, y)))

    np.testing.assert_array_equal(
        by_do_blot(IMAGE, wcsmap=InSeries),
        by_do_blot(IMAGE, wcsmap=type("Plain", (cblot.WCSMap,), {})),
    )
    np.testing.assert_array_equal(blot_with(exptime=Series(2.0)), blot_with(exptime=2.0))


def test_units_of_positions() -> None:
    expected = cblot.blot_image(IMAGE, PIXMAP)
    for unit in (u.pix, u.one):
        np.testing.assert_array_equal(cblot.blot_image(IMAGE, PIXMAP * unit), expected)
    text = "pixmap must be plain numbers or in pix, got a Quantity in arcsec"
    with pytest.raises(TypeError, match=text):
        cblot.blot_image(IMAGE, PIXMAP * u.arcsec)


# ---- numbers


def blot_with(**numbers: Any) -> Any:
    return cblot.do_blot(IMAGE, tan_wcs(), BLOT_WCS, **({"exptime": 120.0} | numbers))


def image_with(**numbers: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return cblot.blot_image(IMAGE, PIXMAP, **numbers)


def tblot_with(**numbers: Any) -> Any:
    given: dict[str, Any] = dict.fromkeys(("xmax", "ymax", "misval", "vflag"), 0.0)
    given |= dict.fromkeys(("xmin", "ymin", "scale", "kscale", "xscale", "yscale", "ef"), 1.0)
    given |= {"align": "center", "interp": "linear", "sinscl": 1.0}
    given["callback"] = lambda x, y: (x, y)
    cblot.tblot(IMAGE, np.empty((5, 5), "f4"), **(given | numbers))


NUMBERS = [
    (blot_with, "exptime"), (blot_with, "sinscl"), (blot_with, "fillval"),
    (image_with, "exptime"), (image_with, "pix_ratio"), (image_with, "iscale"),
    (image_with, "fillval"), (image_with, "sinscl"),
    (tblot_with, "xmin"), (tblot_with, "ymin"), (tblot_with, "xscale"), (tblot_with, "misval"),
    (tblot_with, "sinscl"), (tblot_with, "ef"), (tblot_with, "scale"),
]  # fmt: skip
CALLED = {"ef": "exptime", "scale": "pix_ratio", "misval": "fill|misval"}
NO_NUMBERS: list[tuple[Any, type[Exception], str]] = [
    (10**400, ValueError, "a number that float64 holds, got an integer of 1329 bits"),
    (-(10**5000), ValueError, "a number that float64 holds, got an integer of 16610 bits"),
    (Fraction(10**400), ValueError, "a number that float64 holds"),
    ("2.0", TypeError, "must be a number, got '2.0'"),
    (b"2", TypeError, "must be a number, got b'2'"),
    (np.str_("2"), TypeError, "must be a number"),
    (True, TypeError, "must be a number, got True"),
    (np.True_, TypeError, "must be a number"),
    (None, TypeError, "must be a number, got None"),
    (np.array([2.0]), TypeError, r"must be a number, got array\(\[2.\]\)"),
    ([2.0], TypeError, "must be a number"),
    (np.ma.masked, TypeError, "must be a number, got masked"),
    (np.complex128(2), TypeError, "must be a number"),
    (np.timedelta64(2, "s"), TypeError, "must be a number"),
    (2.0 * u.m, TypeError, "must be plain numbers"),
    (Masked(2.0, mask=True), TypeError, "must be a number"),
]


@pytest.mark.parametrize(("call", "name"), NUMBERS, ids=lambda v: getattr(v, "__name__", v))
@pytest.mark.parametrize(("value", "kind", "text"), NO_NUMBERS, ids=lambda v: str(type(v).__name__))
def test_no_numbers(call: Any, name: str, value: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=f"(?s){CALLED.get(name, name)}.*{text}"):
        call(**{name: value})


@pytest.mark.parametrize(("call", "name"), NUMBERS, ids=lambda v: getattr(v, "__name__", v))
@pytest.mark.parametrize(
    "value", [2, np.int16(2), np.float32(2), np.array(2.0), Fraction(2), 2 * u.one, 200 * u.percent]
)
def test_numbers(call: Any, name: str, value: Any) -> None:
    np.testing.assert_array_equal(call(**{name: value}), call(**{name: 2.0}))


@pytest.mark.parametrize("name", ["xmin", "ymin", "xscale", "ef", "scale", "sinscl"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_must_be_finite(name: str, value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        tblot_with(**{name: value})


@pytest.mark.parametrize("value", [2 * u.min, 0.12 * u.ks])
def test_exposure_time_with_a_unit(value: Any) -> None:
    np.testing.assert_allclose(blot_with(exptime=value), blot_with(exptime=120.0), rtol=1e-7)
    np.testing.assert_allclose(image_with(exptime=value), image_with(exptime=120.0), rtol=1e-7)


@pytest.mark.parametrize("ratio", [1e-170, 1e170])
def test_pixel_ratio_without_a_square(ratio: float) -> None:
    with pytest.raises(ValueError, match="pix_ratio"):
        image_with(pix_ratio=ratio)


@pytest.mark.parametrize("step", [True, np.False_])
def test_truth_is_no_step(step: Any) -> None:
    with pytest.raises(TypeError, match="stepsize must be a number"):
        blot_with(stepsize=step)
