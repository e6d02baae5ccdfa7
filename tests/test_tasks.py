"""The file task: every parameter against values worked out by hand."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

import cblot
import task_files as files
from cblot.core import _core
from task_files import BLOTTED, SKY_DATA, SKY_REF, T_DATA, T_REF


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Data, reference, output."""
    data = files.write_data(tmp_path / "med.fits")
    return data, files.write_reference(tmp_path / "flt.fits"), tmp_path / "out.fits"


def values(path: Path) -> tuple[float, float]:
    """Of the covered pixels, all alike, and of those beyond the clean image."""
    pixels, _ = files.read(path)
    covered, beyond = pixels[:, 5:15], pixels[:, -2:]
    assert np.ptp(covered) <= 2e-6 * abs(covered.mean())
    assert np.ptp(beyond) == 0.0
    return float(covered.mean()), float(beyond[0, 0])


@pytest.mark.parametrize(
    ("keywords", "parameters", "rate", "sky"),
    [
        # Exposure time and units.
        ({}, {}, BLOTTED * T_REF, SKY_REF),
        ({}, {"out_units": "counts", "expout": 100.0}, BLOTTED * 100, SKY_REF),
        ({}, {"expout": "100"}, BLOTTED * 100, SKY_REF),
        ({}, {"expout": "INPUT"}, BLOTTED * T_REF, SKY_REF),
        ({}, {"in_units": "counts"}, BLOTTED / T_DATA * T_REF, SKY_REF),
        ({}, {"out_units": "cps"}, BLOTTED, SKY_REF / T_REF),
        ({}, {"in_units": "counts", "out_units": "cps"}, BLOTTED / T_DATA, SKY_REF / T_REF),
        ({}, {"in_units": "COUNTS", "out_units": "cps"}, BLOTTED / T_DATA, SKY_REF / T_REF),
        # A number stands for the reference's exposure time, also for its sky in counts.
        ({}, {"out_units": "cps", "expout": 50}, BLOTTED, SKY_REF / 50),
        ({"ref": {"MDRIZSKY": None}}, {"expout": 50}, BLOTTED * 50, SKY_DATA),
        ({"data": {"EXPTIME": None}}, {}, BLOTTED * T_REF, SKY_REF),
        ({"data": {"EXPTIME": 0.0}}, {}, BLOTTED * T_REF, SKY_REF),
        (
            {"data": {"EXPTIME": None, "DRIZEXPT": 800.0, "TEXPTIME": 5.0}}, {"in_units": "counts"},
            BLOTTED / 800 * T_REF, SKY_REF,
        ),
        (
            {"data": {"EXPTIME": None, "TEXPTIME": 200.0}}, {"in_units": "counts"},
            BLOTTED / 200 * T_REF, SKY_REF,
        ),
        (
            {"data": {"TEXP": 50.0}, "ref": {"TEXP": 25.0}},
            {"expkey": "texp", "in_units": "counts"},
            BLOTTED / 50 * 25, SKY_REF,
        ),
        # The science header wins over the primary one.
        ({"ref": {"EXPTIME": 30.0}}, {}, BLOTTED * 30, SKY_REF),
        # Sky.
        ({}, {"addsky": False}, BLOTTED * T_REF, 0.0),
        ({}, {"addsky": "no", "skyval": 3.5}, BLOTTED * T_REF, 3.5),
        ({}, {"addsky": True, "skyval": 3.5}, BLOTTED * T_REF, SKY_REF),
        ({"ref": {"BUNIT": "ELECTRONS/S"}}, {}, BLOTTED * T_REF, SKY_REF * T_REF),
        ({"ref": {"BUNIT": "electrons/s"}}, {"expout": 50}, BLOTTED * 50, SKY_REF * 50),
        ({"ref": {"BUNIT": "COUNTS/S"}}, {"out_units": "cps"}, BLOTTED, SKY_REF),
        ({"ref": {"BUNIT": None}}, {}, BLOTTED * T_REF, SKY_REF),
        ({"ref": {"MDRIZSKY": 0.0}}, {}, BLOTTED * T_REF, 0.0),
        # drizzlepac copies an exposure's into its median, in the exposure's units as it is.
        ({"ref": {"MDRIZSKY": None}}, {}, BLOTTED * T_REF, SKY_DATA),
        ({"ref": {"MDRIZSKY": None}}, {"out_units": "cps"}, BLOTTED, SKY_DATA / T_REF),
        (
            {"ref": {"MDRIZSKY": None, "BUNIT": "ELECTRONS/S"}}, {},
            BLOTTED * T_REF, SKY_DATA * T_REF,
        ),
        # What drizzlepac 3.11 makes of it.
        ({}, {"legacy": True}, BLOTTED * T_DATA * T_REF, SKY_DATA),
        ({}, {"legacy": "yes", "out_units": "cps"}, BLOTTED * T_DATA, SKY_DATA),
        ({}, {"legacy": True, "in_units": "counts"}, BLOTTED * T_REF, SKY_DATA),
    ],
)  # fmt: skip
def test_values(
    tmp_path: Path, keywords: dict[str, Any], parameters: dict[str, Any], rate: float, sky: float
) -> None:
    data = files.write_data(tmp_path / "med.fits", **keywords.get("data", {}))
    reference = files.write_reference(tmp_path / "flt.fits", **keywords.get("ref", {}))
    (path,) = cblot.blot(data, reference, tmp_path / "out.fits", **parameters)
    assert values(path) == pytest.approx((rate + sky, sky), rel=2e-6)


def test_result_is_do_blots(pair: tuple[Path, Path, Path]) -> None:
    """With every interpolant and stepsize, of an image that is not flat."""
    data, reference, out = pair
    rng = np.random.default_rng(1)
    with fits.open(data, mode="update") as hdus:
        hdus[0].data += rng.normal(size=files.SOURCE_SHAPE).astype(np.float32)
    with fits.open(data) as source, fits.open(reference) as chip:
        pixels, source_wcs, wcs = source[0].data, WCS(source[0].header), WCS(chip[1].header)
        for options in (
            *({"interp": name} for name in cblot.interpolants()),
            *({"stepsize": step} for step in (None, 0, 1, 2, 10)),
            {"interpol": "sinc", "sinscl": 1.5}, {"coeffs": False}, {"coeffs": "no", "stepsize": 0},
            {"threads": 1},
        ):  # fmt: skip
            cblot.blot(data, reference, out, **options)
            names = {"interpol": "interp"}
            given = {names.get(key, key): value for key, value in options.items()}
            given["coeffs"] = given.get("coeffs", True) is True
            expected = cblot.do_blot(pixels, source_wcs, wcs, T_REF, **given)
            np.testing.assert_array_equal(fits.getdata(out), expected + np.float32(SKY_REF))


def test_threads_reach_the_core(
    pair: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of whose bits tells of them."""
    blot, found = _core.blot, []

    def recorded(*arguments: Any, **options: Any) -> int:
        found.append(options["threads"])
        return blot(*arguments, **options)

    monkeypatch.setattr(_core, "blot", recorded)
    monkeypatch.setenv("CBLOT_NUM_THREADS", "5")
    cblot.blot(*pair, threads=3)
    cblot.blot(*pair)
    assert found == [3, 5]


def test_wcsmap(pair: tuple[Path, Path, Path]) -> None:
    data, reference, out = pair
    cblot.blot(data, reference, out, wcsmap=cblot.IdentityMap)
    assert values(out)[0] == pytest.approx(BLOTTED * T_REF + SKY_REF)
    assert fits.getdata(out)[:, -1] == pytest.approx(BLOTTED * T_REF + SKY_REF)  # covered so


def grid(path: Path) -> tuple[WCS, fits.Header]:
    with fits.open(path) as hdus:
        return WCS(hdus[1].header, hdus), files.read(path)[1]


USER = {
    "outscale": 0.1, "orient": 30.0, "raref": 150.00005, "decref": 2.00003, "xrefpix": 9.0,
    "yrefpix": 8.0, "outnx": 21, "outny": 17,
}  # fmt: skip


def test_user_wcs_without_reference(pair: tuple[Path, Path, Path]) -> None:
    data, _, out = pair
    for reference in (None, ""):
        cblot.blot(data, reference, out, user_wcs=True, expout=1.0, addsky=False, **USER)
        wcs, header = grid(out)
        assert (header["NAXIS1"], header["NAXIS2"]) == (21, 17)
        assert tuple(wcs.wcs.crval) == (150.00005, 2.00003)
        assert tuple(wcs.wcs.crpix) == (9.0, 8.0)
        s, c = math.sin(math.radians(30)) / 36000, math.cos(math.radians(30)) / 36000
        np.testing.assert_allclose(wcs.wcs.cd, [[-c, s], [s, c]], rtol=1e-12)
        assert wcs.sip is None
        # An output pixel of 0.1 arcsec holds (0.1 / 0.04)^2 of the clean image's.
        assert files.read(out)[0][8, 8] == pytest.approx(10.0 * 2.5**2)


@pytest.mark.parametrize("name", [None, *USER])
def test_user_wcs_overrides_one_by_one(pair: tuple[Path, Path, Path], name: str | None) -> None:
    data, reference, out = pair
    given = {} if name is None else {name: USER[name]}
    cblot.blot(data, reference, out, user_wcs=True, **given)
    wcs, header = grid(out)
    assert header["CTYPE1"] == "RA---TAN"
    assert not [key for key in header if key.startswith(("A_", "B_"))]
    found = {
        "outscale": 3600 * math.sqrt(abs(np.linalg.det(wcs.wcs.cd))),
        "orient": math.degrees(math.atan2(wcs.wcs.cd[0, 1], wcs.wcs.cd[1, 1])),
        "raref": wcs.wcs.crval[0], "decref": wcs.wcs.crval[1],
        "xrefpix": wcs.wcs.crpix[0], "yrefpix": wcs.wcs.crpix[1],
        "outnx": header["NAXIS1"], "outny": header["NAXIS2"],
    }  # fmt: skip
    reference_values = {
        "outscale": 0.05, "orient": 0.0, "raref": 150.0, "decref": 2.0, "xrefpix": 20.0,
        "yrefpix": 15.0, "outnx": 40, "outny": 30,
    }  # fmt: skip
    assert found == pytest.approx(reference_values | given, rel=1e-12, abs=1e-12)
    assert header["EXPTIME"] == T_REF


@pytest.mark.filterwarnings("ignore:.*covers no pixel")
def test_user_wcs_of_real_exposure(data_dir: Path, tmp_path: Path) -> None:
    """HST's undistorted scale and orientation, not the CD matrix of the reference pixel."""
    from stwcs.distortion.utils import make_orthogonal_cd

    from conftest import hstwcs

    exposure = data_dir / "acs_wfc_flt.fits.gz"
    with fits.open(exposure) as hdus:
        wcs = hstwcs(hdus, 4)
    data = files.write_data(tmp_path / "med.fits", CRVAL1=wcs.wcs.crval[0], CRVAL2=wcs.wcs.crval[1])
    (path,) = cblot.blot(
        data, f"{exposure}[sci,2]", tmp_path / "o", user_wcs=True, outnx=50, outny=40, addsky=False
    )
    made, _ = grid(path)
    np.testing.assert_allclose(made.wcs.cd, make_orthogonal_cd(wcs).wcs.cd, rtol=1e-12)
    assert made.array_shape == (40, 50)


def test_user_wcs_of_a_skewed_mirrored_reference(pair: tuple[Path, Path, Path]) -> None:
    """Its own CD matrix and frame, turned and scaled; not one that is made up."""
    data, reference, out = pair
    cd = np.array([[1.3e-5, 2.0e-6], [-3.0e-6, 1.5e-5]])
    keywords = {f"CD{i + 1}_{j + 1}": cd[i, j] for i in (0, 1) for j in (0, 1)}
    keywords |= {"RADESYS": "FK5", "EQUINOX": 2000.0, "LTV1": -20.0, "WCSNAMEO": "old",
                 "CRVAL1O": 3.0, "A_DMAX": 1.0}  # fmt: skip
    files.write_reference(reference, **keywords)
    cblot.blot(data, reference, out, user_wcs=True)
    wcs, header = grid(out)
    np.testing.assert_allclose(wcs.wcs.cd, cd, rtol=1e-14)
    assert (wcs.wcs.radesys, wcs.wcs.equinox) == ("FK5", 2000.0)
    assert not {"LTV1", "WCSNAMEO", "CRVAL1O", "A_DMAX", "A_ORDER"} & set(header)
    cblot.blot(data, reference, out, user_wcs=True, **USER)  # all eight
    wcs, _ = grid(out)
    assert wcs.wcs.radesys == "FK5"
    assert np.linalg.det(wcs.wcs.cd) > 0  # mirrored as the reference is
    assert math.degrees(math.atan2(wcs.wcs.cd[0, 1], wcs.wcs.cd[1, 1])) == pytest.approx(30.0)
    cblot.blot(data, reference, out, coeffs=False)
    assert not {"A_DMAX", "A_ORDER"} & set(files.read(out)[1])
    assert files.read(out)[1]["LTV1"] == -20.0


def test_user_wcs_keeps_the_projection(pair: tuple[Path, Path, Path]) -> None:
    """LONPOLE and PV of a reference that is not of HST."""
    data, reference, out = pair
    projection = {"CTYPE1": "RA---ZPN", "CTYPE2": "DEC--ZPN", "LONPOLE": 170.0, "PV2_1": 1.0,
                  "PV2_3": 5.0}  # fmt: skip
    linear = {key: None for key in files.reference_hdus()[1].header if key[:2] in ("A_", "B_")}
    files.write_reference(reference, **projection, **linear)
    with fits.open(reference) as hdus:
        expected = WCS(hdus[1].header)
    cblot.blot(data, reference, out, user_wcs=True)
    for x, y in ((1, 1), (40, 30)):
        sky = grid(out)[0].all_pix2world(x, y, 1)
        np.testing.assert_allclose(expected.wcs_world2pix(*sky, 1), (x, y), atol=1e-8)


@pytest.mark.parametrize(
    ("bunit", "rate"),
    [("ELECTRONS", False), ("electrons/s", True), ("COUNTS/SEC", True), ("DN s-1", True),
     ("e- s^-1", True), ("ELECTRON.S**-1", True), ("adu / second", True), ("cps", True),
     ("CTS", False), ("ELECTRONS S", None), ("erg/s", None), ("Jy", None)],
)  # fmt: skip
def test_units(tmp_path: Path, bunit: str, rate: bool | None) -> None:
    data = files.write_data(tmp_path / "med.fits")
    reference = files.write_reference(tmp_path / "flt.fits", BUNIT=bunit)
    if rate is None:
        with pytest.raises(ValueError, match="neither counts nor counts a second"):
            cblot.blot(data, reference, tmp_path / "out.fits")
    else:
        (path,) = cblot.blot(data, reference, tmp_path / "out.fits")
        assert values(path)[1] == SKY_REF * (T_REF if rate else 1.0)


@pytest.mark.parametrize(
    ("data", "units", "expected"),
    [("ELECTRONS/S", {}, "ELECTRONS"), ("COUNTS/S", {"out_units": "cps"}, "COUNTS/S"),
     (None, {}, "DN"), (None, {"out_units": "cps"}, "DN/S"), ("MJy/sr", {}, "MJy/sr s"),
     ("MJy/sr", {"out_units": "cps"}, "MJy/sr"),
     ("Jy", {"in_units": "counts", "out_units": "cps"}, "Jy/s")],
)  # fmt: skip
def test_bunit_of_the_output(
    tmp_path: Path, data: str | None, units: dict[str, str], expected: str
) -> None:
    source = files.write_data(tmp_path / "med.fits", BUNIT=data)
    reference = files.write_reference(tmp_path / "flt.fits", BUNIT="DN")
    (path,) = cblot.blot(source, reference, tmp_path / "out.fits", addsky=False, **units)
    assert files.read(path)[1]["BUNIT"] == expected


def test_sky_of_another_count_is_told(pair: tuple[Path, Path, Path], caplog: Any) -> None:
    data, reference, out = pair
    cblot.blot(data, reference, out)
    assert not caplog.text
    files.write_reference(reference, BUNIT="COUNTS")
    cblot.blot(data, reference, out)
    assert "MDRIZSKY is of COUNTS and the output of ELECTRONS; it is added as it is" in caplog.text
    cblot.blot(data, reference, out, in_units="counts")
    assert "med.fits: BUNIT is ELECTRONS/S, but in_units is counts; if" in caplog.text
    assert "pass in_units='cps' (--in-units cps)" in caplog.text
    cblot.blot(data, reference, out, skyval=3.0)
    assert "skyval is not used, as addsky is yes" in caplog.text


def test_sky_of_the_data_is_told(pair: tuple[Path, Path, Path], caplog: Any) -> None:
    data, reference, out = pair
    files.write_reference(reference, MDRIZSKY=None)
    cblot.blot(data, reference, out)
    assert "flt.fits[SCI,1]: there is no MDRIZSKY; that of med.fits is added, 7.0" in caplog.text


def test_user_grid_without_reference_has_the_datas_sky(pair: tuple[Path, Path, Path]) -> None:
    data, _, out = pair
    cblot.blot(data, None, out, user_wcs=True, expout=50.0, **USER)
    assert files.read(out)[1]["MDRIZSKY"] == SKY_DATA * 50
    files.write_data(data, BUNIT="ELECTRONS")
    cblot.blot(data, None, out, user_wcs=True, expout=50.0, in_units="counts", **USER)
    assert files.read(out)[1]["MDRIZSKY"] == pytest.approx(SKY_DATA / T_DATA * 50)
    cblot.blot(data, None, out, user_wcs=True, out_units="cps", in_units="counts", **USER)
    assert files.read(out)[1]["MDRIZSKY"] == pytest.approx(SKY_DATA / T_DATA)


@pytest.mark.parametrize("legacy", [False, True])
def test_no_overlap_warns(pair: tuple[Path, Path, Path], legacy: bool) -> None:
    data, reference, out = pair
    files.write_data(data, CRVAL1=151.0)
    with pytest.warns(UserWarning, match=r"out.fits: med.fits covers no pixel of flt.fits\[SCI,1"):
        cblot.blot(data, reference, out, legacy=legacy)
    sky = SKY_DATA if legacy else SKY_REF
    assert (files.read(out)[0] == sky).all()


def test_unused_user_wcs_warns(pair: tuple[Path, Path, Path]) -> None:
    with (
        pytest.warns(UserWarning, match="outscale, outnx not used, as user_wcs is no"),
        pytest.raises(OSError, match="missing"),
    ):
        cblot.blot(pair[0].parent / "missing.fits", *pair[1:], outscale=0.1, outnx=30)
    with pytest.warns(UserWarning, match="outscale, outnx not used, as user_wcs is no"):
        cblot.blot(*pair, outscale=0.1, outnx=30)
    assert grid(pair[2])[0].array_shape == files.SHAPE


def test_nothing_leaks_into_the_next_call(pair: tuple[Path, Path, Path]) -> None:
    data, reference, out = pair
    cblot.blot(data, reference, out)
    first = files.read(out)[0]
    config = {"interpol": "nearest", "Data Scaling Parameters": {"expout": 3}}
    before = repr(config)
    cblot.blot(data, reference, out, config, user_wcs=True, skyval=1, **USER)
    assert repr(config) == before
    cblot.blot(data, reference, out)
    np.testing.assert_array_equal(files.read(out)[0], first)


def test_run_takes_all_from_a_configuration(
    pair: tuple[Path, Path, Path], monkeypatch: Any
) -> None:
    data, reference, out = pair
    config = {"data": str(data), "reference": str(reference), "outdata": str(out), "addsky": "no"}
    before = dict(config)
    assert cblot.ablot.run(config) == [out]
    assert config == before
    assert values(out)[0] == pytest.approx(BLOTTED * T_REF)
    out.unlink()
    # As drizzlepac, a name without an ending gets one; the call's names win over the file's.
    monkeypatch.chdir(out.parent)
    assert cblot.blot(None, "", "other", config) == [Path("other.fits")]
    assert (out.parent / "other.fits").exists()


def test_what_is_missing_is_said() -> None:
    with pytest.raises(TypeError, match="'data', 'reference', and 'outdata'"):
        cblot.ablot.blot()
    with pytest.raises(ValueError, match="nothing to blot without data, reference, outdata"):
        cblot.ablot.run({})
    with pytest.raises(ValueError, match="nothing to blot without reference, outdata"):
        cblot.blot("med.fits", "", None)


@pytest.mark.parametrize(
    ("keywords", "parameters", "message"),
    [
        ({"data": {"EXPTIME": None}}, {"in_units": "counts"},
         r"med.fits: there is no exposure time EXPTIME or DRIZEXPT or TEXPTIME"),
        ({"data": {"EXPTIME": 0.0}}, {"in_units": "counts"}, r"med.fits: EXPTIME .*got 0.0"),
        ({"data": {"EXPTIME": None, "DRIZEXPT": -2.0}}, {"in_units": "counts"},
         r"med.fits: DRIZEXPT .* got -2.0"),
        ({"ref": {"EXPTIME": 0.0}}, {}, r"flt.fits\[SCI,1\]: EXPTIME .* greater than 0, got 0.0"),
        ({"ref": {"EXPTIME": -1}}, {}, r"flt.fits\[SCI,1\]: EXPTIME .* got -1"),
        ({"ref": {"EXPTIME": "NaN"}}, {}, r"flt.fits\[SCI,1\]: EXPTIME .* got 'NaN'"),
        ({"ref": {"EXPTIME": True}}, {}, r"flt.fits\[SCI,1\]: EXPTIME .* got True"),
        ({}, {"expkey": "texp"}, r"flt.fits\[SCI,1\]: there is no exposure time TEXP"),
        ({"ref": {"MDRIZSKY": None}, "data": {"MDRIZSKY": None}}, {},
         r"no MDRIZSKY in flt.fits\[SCI,1\] nor in med.fits; pass addsky=False .--no-addsky."),
        ({"ref": {"MDRIZSKY": "none"}}, {}, r"flt.fits\[SCI,1\]: MDRIZSKY must be a finite number"),
        ({"ref": {"BUNIT": "MJy/sr"}}, {},
         r"flt.fits\[SCI,1\]: MDRIZSKY can't be converted, as BUNIT is 'MJy/sr'"),
        ({}, {"user_wcs": True, "outscale": -1}, "outscale must be greater than 0, got -1"),
        ({"ref": {"CTYPE1": None, "CTYPE2": None}}, {},
         r"flt.fits\[SCI,1\]: its WCS can't be used: .*CTYPE1"),
        ({"data": {"CTYPE1": None, "CTYPE2": None}}, {}, r"med.fits and .* must map to one sky"),
        ({"data": {"CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN"}}, {}, "must map to one sky"),
    ],
)  # fmt: skip
def test_bad_headers(
    tmp_path: Path, keywords: dict[str, Any], parameters: dict[str, Any], message: str
) -> None:
    data = files.write_data(tmp_path / "med.fits", **keywords.get("data", {}))
    reference = files.write_reference(tmp_path / "flt.fits", **keywords.get("ref", {}))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=message):
        cblot.blot(data, reference, tmp_path / "out.fits", **parameters)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_chips_sky_is_not_that_of_the_primary_header(pair: tuple[Path, Path, Path]) -> None:
    data, reference, out = pair
    files.write_data(data, MDRIZSKY=None)
    files.write_reference(reference, MDRIZSKY=None)
    fits.setval(reference, "MDRIZSKY", value=5.0)
    with pytest.raises(ValueError, match="there is no MDRIZSKY in"):
        cblot.blot(data, reference, out)


@pytest.mark.parametrize("missing", ["EXPTIME", "MDRIZSKY"])
def test_nothing_is_written_if_a_later_chip_fails(
    pair: tuple[Path, Path, Path], missing: str
) -> None:
    data, reference, out = pair
    files.write_data(data, MDRIZSKY=None)
    files.write_reference(reference, chips=2, TEXP=3.0)
    fits.delval(reference, "MDRIZSKY" if missing == "MDRIZSKY" else "TEXP", ext=3)
    with pytest.raises(ValueError, match=r"flt.fits\[SCI,2\]"):
        cblot.blot(data, reference, out.parent / "new/", expkey="texp")
    assert sorted(path.name for path in out.parent.iterdir()) == ["flt.fits", "med.fits"]


def test_the_keyword_asked_for_is_written(pair: tuple[Path, Path, Path]) -> None:
    data, reference, out = pair
    files.write_reference(reference, TEXP=25.0)
    cblot.blot(data, reference, out, expkey="texp", expout=50)
    header = files.read(out)[1]
    assert (header["TEXP"], header["EXPTIME"]) == (50.0, 50.0)


def test_incomplete_user_wcs(pair: tuple[Path, Path, Path]) -> None:
    given = {name: value for name, value in USER.items() if name not in ("orient", "outnx")}
    with pytest.raises(ValueError, match="without a reference .* missing: orient, outnx"):
        cblot.blot(pair[0], None, pair[2], user_wcs=True, **given)
    bad = files.write_reference(pair[1], CTYPE1=None, CTYPE2=None)  # whose WCS is not needed
    cblot.blot(pair[0], bad, pair[2], user_wcs=True, **USER)
    pair[2].unlink()
    with pytest.raises(ValueError, match="expout must be a number of seconds where there is no"):
        cblot.blot(pair[0], None, pair[2], user_wcs=True, **USER)
    assert not pair[2].exists()


@pytest.mark.xdist_group("peers")
@pytest.mark.parametrize(
    ("interp", "units"),
    [("poly5", {}), ("poly3", {"in_units": "counts"}), ("linear", {"out_units": "cps"})],
)
def test_legacy_is_drizzlepac_to_the_bit(
    data_dir: Path, tmp_path: Path, monkeypatch: Any, interp: str, units: dict[str, str]
) -> None:
    drizzlepac = pytest.importorskip("drizzlepac")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with fits.open(data_dir / "hrc_47tuc_drz.fits") as hdus:
        hdus[1].header["MDRIZSKY"] = 5.5
        hdus[0].header["EXPTIME"] = hdus[1].header["EXPTIME"] = 60.0
        hdus.writeto("drz.fits")
    reference = f"{data_dir / 'hrc_47tuc_flt.fits'}[sci,1]"
    options = {"interpol": interp, **units}
    import astrodrizzle_scene as scene

    with scene.quietly():
        drizzlepac.ablot.blot("drz.fits[1]", reference, "dp.fits", configObj="defaults", **options)
    cblot.blot("drz.fits[1]", reference, "cb.fits", legacy=True, **options)
    theirs, ours = fits.getdata("dp.fits", 1), fits.getdata("cb.fits")
    same = ours == theirs
    if interp == "poly3":  # drizzlepac's reads memory that is not the image's in its last row
        assert same.mean() > 0.9999
    else:
        assert same.all()


def test_documented_examples(data_dir: Path, tmp_path: Path) -> None:
    """Those of drizzlepac's page on ablot, with cblot in the place of drizzlepac."""
    script = f"""
import pathlib, warnings
from astropy.io import fits
with fits.open({str(data_dir / "hrc_47tuc_drz.fits")!r}) as hdus:
    header = hdus[1].header
    header["MDRIZSKY"] = 1.0
    fits.PrimaryHDU(hdus[1].data, header).writeto("adriz_aligned_wcs_f814w_med.fits")
with fits.open({str(data_dir / "hrc_47tuc_flt.fits")!r}) as hdus:
    hdus.writeto("j8c0d1bwq_flc.fits", output_verify="silentfix")

from cblot import ablot
from stsci.tools import teal
blotobj = teal.load('cblot')  # get default values
ablot.blot('adriz_aligned_wcs_f814w_med.fits',
           'j8c0d1bwq_flc.fits[sci,1]',
           'aligned_f814w_sci1_blt.fits',
           configObj=blotobj)
try:
    ablot.blot()
except TypeError as error:
    print(error)
"""
    (tmp_path / "home").mkdir()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], cwd=tmp_path, text=True,
        capture_output=True, env={**os.environ, "HOME": str(tmp_path / "home")}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (
        "missing 3 required positional arguments: 'data', 'reference', and 'outdata'" in done.stdout
    )
    with fits.open(tmp_path / "aligned_f814w_sci1_blt.fits") as hdus:
        assert hdus[1].data.shape == (1024, 1024)
        assert np.isfinite(hdus[1].data).all()
