"""`patch_drizzlepac`: how far it reaches, drizzlepac's numbers, and its users' names."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

import cblot
import task_files as files
from cblot.tasks import astrodrizzle
from cblot.tasks import parameters as parameters_module
from conftest import sky_image
from task_files import BLOTTED, SKY_REF, T_DATA, T_REF


@pytest.fixture
def pair(tmp_path: Path) -> dict[str, str]:
    data = files.write_data(tmp_path / "med.fits")
    with fits.open(data, mode="update") as hdus:
        hdus[0].data = sky_image(files.SOURCE_SHAPE)
    files.write_reference(tmp_path / "flt.fits")
    named = {"data": "med", "reference": "flt", "outdata": "out"}
    return {key: str(tmp_path / f"{name}.fits") for key, name in named.items()}


def image(path: str) -> np.ndarray:
    with fits.open(path) as hdus:
        return next(hdu.data for hdu in hdus if hdu.data is not None).copy()


def tblot(function: Any, interp: str) -> np.ndarray:
    """All 17 arguments by position, as public callers have them."""
    output = np.zeros((20, 30), np.float32)

    def forward(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return 1.01 * x + 2.3, 0.99 * y + 3.4

    source = sky_image((40, 50))
    function(source, output, 1, 50, 1, 40, 0.8, 1.0, 1.0, 1.0, "center", interp, 7.0, 0.0, 1.0, 1,
             forward)  # fmt: skip
    return output


@pytest.mark.parametrize("interp", ["poly5", "spline3"])
def test_it_reaches_cdriz(interp: str) -> None:
    cdriz = pytest.importorskip("drizzlepac.cdriz")
    own = cdriz.tblot
    with cblot.patch_drizzlepac():
        assert cdriz.tblot is cblot.tblot
        np.testing.assert_array_equal(tblot(cdriz.tblot, interp), tblot(cblot.tblot, interp))
        with cblot.patch_drizzlepac(legacy=True):
            legacy = tblot(cdriz.tblot, interp)
        assert cdriz.tblot is cblot.tblot
    assert cdriz.tblot is own
    # The peer's bits, but for an interpolant that has none here.
    expected = tblot(own if interp == "poly5" else cblot.tblot, interp)
    np.testing.assert_array_equal(legacy, expected)
    assert interp != "poly5" or (legacy != tblot(cblot.tblot, interp)).any()


@pytest.mark.parametrize("first", [False, True])
def test_patches_in_any_order(first: bool) -> None:
    ablot = pytest.importorskip("drizzlepac.ablot")
    own = ablot.do_blot
    outer = cblot.patch_drizzlepac(legacy=first)
    below = ablot.do_blot
    inner = cblot.patch_drizzlepac(legacy=not first)
    assert ablot.do_blot is not below
    outer.undo()
    assert ablot.do_blot is not below
    assert ablot.do_blot is not own
    inner.undo()
    assert ablot.do_blot is own


def test_a_drizzlepac_that_lacks_a_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not half patched, with nothing to undo that."""
    ablot, cdriz = pytest.importorskip("drizzlepac.ablot"), pytest.importorskip("drizzlepac.cdriz")
    own = dict(vars(ablot))
    with monkeypatch.context() as patch:
        patch.delattr(cdriz, "tblot")
        with pytest.raises(AttributeError, match="tblot"):
            cblot.patch_drizzlepac()
        assert dict(vars(ablot)) == own
    with cblot.patch_drizzlepac():
        assert ablot.do_blot is cblot.do_blot
    assert dict(vars(ablot)) == own


def test_what_someone_else_has_put_there_stays() -> None:
    ablot = pytest.importorskip("drizzlepac.ablot")
    own = ablot.do_blot, ablot.run_blot
    others = object()
    with cblot.patch_drizzlepac():
        ablot.do_blot = others
    found = ablot.do_blot, ablot.run_blot
    ablot.do_blot = own[0]
    assert found == (others, own[1])


@pytest.mark.parametrize("door", ["blot", "run"])
def test_legacy_task(pair: dict[str, str], door: str) -> None:
    ablot = pytest.importorskip("drizzlepac.ablot")
    cblot.blot(**pair, legacy=True)
    expected = image(pair["outdata"])
    cblot.blot(**pair)
    assert (image(pair["outdata"]) != expected).all()

    def made(**keywords: Any) -> np.ndarray:
        if door == "blot":
            ablot.blot(**pair, **keywords)
        else:
            ablot.run(parameters_module.settings_of(None, pair | keywords))
        return image(pair["outdata"])

    with cblot.patch_drizzlepac(legacy=True), warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(made(), expected)
        scaled = made(expout=2 * T_REF)
    sky = files.SKY_DATA
    np.testing.assert_allclose(scaled - sky, 2 * (expected - sky), rtol=1e-5)


def test_legacy_do_blot() -> None:
    ablot = pytest.importorskip("drizzlepac.ablot")
    shape, source_shape = files.SHAPE, files.SOURCE_SHAPE
    from stwcs.wcsutil import HSTWCS

    def wcs(header: fits.Header) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return HSTWCS(fits.HDUList([fits.PrimaryHDU(np.zeros(shape_of(header)), header)]))

    def shape_of(header: fits.Header) -> tuple[int, int]:
        return source_shape if "EXPTIME" in header else shape

    clean = wcs(files.data_header())
    exposure = wcs(files.tan_header(shape, files.SCALE))
    source = sky_image(source_shape)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "IDCSCALE is missing")  # drizzlepac's
        expected = ablot.do_blot(source, clean, exposure, 30.0)
    ours = cblot.do_blot(source, clean, exposure, 30.0)
    assert (ours != expected).any()
    with cblot.patch_drizzlepac(legacy=True):
        classic = ablot.do_blot(source, clean, exposure, 30.0)
        lanczos = ablot.do_blot(source, clean, exposure, 30.0, interp="lanczos3")
        own = ablot.do_blot(source, clean, exposure, 30.0, classic=False)
        with pytest.raises(ValueError, match="poly4"):
            ablot.do_blot(source, clean, exposure, 30.0, interp="poly4")
    np.testing.assert_array_equal(
        classic, cblot.do_blot(source, clean, exposure, 30.0, classic=True)
    )
    np.testing.assert_allclose(classic, expected, rtol=2e-5, atol=1e-3)
    np.testing.assert_array_equal(own, ours)
    np.testing.assert_array_equal(
        lanczos, cblot.do_blot(source, clean, exposure, 30.0, interp="lanczos3")
    )


@pytest.mark.parametrize("door", ["blot", "run"])
def test_a_numeric_exposure_time_is_told_once(tmp_path: Path, door: str) -> None:
    """A pipeline that makes up for drizzlepac's second exposure time."""
    ablot = pytest.importorskip("drizzlepac.ablot")
    files.write_data(tmp_path / "med.fits")
    files.write_reference(tmp_path / "flt.fits")
    named = {"data": "med", "reference": "flt", "outdata": "out"}
    pair = {key: str(tmp_path / f"{name}.fits") for key, name in named.items()}

    def call(**keywords: Any) -> None:
        if door == "blot":
            ablot.blot(**pair, **keywords)
        else:
            ablot.run(parameters_module.settings_of(None, pair | keywords))

    with cblot.patch_drizzlepac():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            call()
            call(expout=2.0, out_units="cps", addsky=False)
            call(expout=2.0, legacy=True)
        with pytest.warns(UserWarning, match="expout, 0.25 s, is .* applied once") as caught:
            call(expout=T_REF / T_DATA)
        assert [w.filename for w in caught] == [__file__]
        assert np.median(image(pair["outdata"])) == pytest.approx(BLOTTED * 0.25 + SKY_REF)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            call(expout=3.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cblot.blot(**pair, expout=3.0)  # whose users know no other


PREFIXED = {"blot_interp": "sinc", "blot_sinscl": 0.7, "blot_addsky": False, "blot_skyval": 3.5}
MEANT = {"interpol": "sinc", "sinscl": 0.7, "addsky": False, "skyval": 3.5}


@pytest.mark.parametrize("how", ["keywords", "flat", "sections", "file"])
def test_names_with_blot(tmp_path: Path, how: str) -> None:
    """As AstroDrizzle has them, and drizzlepac's documentation of the task."""
    given = PREFIXED | {"blot_expout": 3.0}
    config: Any = None
    if how == "flat":
        config = given
    elif how == "sections":
        config = {**PREFIXED, "Data Scaling Parameters": {"blot_expout": "3"}}
    elif how == "file":
        config = tmp_path / "my.cfg"
        config.write_text("\n".join(f"{key} = {value}" for key, value in given.items()))
    settings = parameters_module.settings_of(config, given if how == "keywords" else {})
    assert settings == parameters_module.settings_of(None, MEANT | {"expout": 3.0})


def test_names_with_blot_and_without(pair: dict[str, str]) -> None:
    cblot.blot(**pair, blot_addsky=False, blot_skyval=3.5)
    first = image(pair["outdata"])
    cblot.ablot.run({**pair, "blot_addsky": "no", "skyval": 3.5, "blot_skyval": 3.5})
    np.testing.assert_array_equal(image(pair["outdata"]), first)
    assert first.min() == 3.5  # where there is no source
    with pytest.raises(ValueError, match="the call gives skyval twice, as 3.5 and as 3"):
        cblot.blot(**pair, blot_skyval=3.5, skyval=3)
    with pytest.raises(ValueError, match="configObj gives interpol twice"):
        cblot.ablot.run({**pair, "interp": "sinc", "blot_interp": "linear"})
    with pytest.raises(ValueError, match="no parameter 'blot_sinscale'; did you mean .*sinscl"):
        cblot.blot(**pair, blot_sinscale=1)


class Steps:
    """AstroDrizzle's record of steps."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def addStep(self, name: str) -> None:
        self.told.append(f"add {name}")

    def endStep(self, name: str, **_: Any) -> None:
        self.told.append(f"end {name}")


class Output:
    single_wcs = None


@pytest.mark.parametrize("legacy", [False, True])
def test_an_empty_configuration_is_the_defaults(legacy: bool, monkeypatch: Any) -> None:
    defaults = {
        "blot_interp": "poly5", "blot_sinscl": 1.0, "blot_addsky": True, "blot_skyval": 0.0,
        "coeffs": True, "stepsize": 10,
    }  # fmt: skip
    assert cblot.ablot.buildBlotParamDict({}) == defaults
    ablot, steps, seen = pytest.importorskip("drizzlepac.ablot"), Steps(), []
    settings_of_step = astrodrizzle.settings_of_step

    def observed(parameters: Any, **others: Any) -> Any:
        seen.append(dict(parameters))
        return settings_of_step(parameters, **others)

    monkeypatch.setattr(astrodrizzle, "settings_of_step", observed)
    with cblot.patch_drizzlepac(legacy=legacy):
        ablot.runBlot([], Output(), procSteps=steps)
        ablot.runBlot([], Output(), configObj={})
    assert seen == [defaults, defaults]
    assert steps.told[0] == "add Blot"
