"""The other ways in: image objects, the classic C entry, and drizzlepac patched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

import cblot
import task_files as files
from task_files import BLOTTED

EXPTIME = 400.0


class Chip:
    """What a chip of drizzlepac's imageObject has that the step needs, and no more."""

    def __init__(self, version: int, **attributes: Any) -> None:
        self.wcs = WCS(files.reference_hdus(version)["SCI", version].header)
        self._exptime = EXPTIME
        self.computedSky: float | None = 5.0
        self._conversionFactor: Any = 2.0
        self.outputNames = {
            "data": f"flt.fits[sci,{version}]", "blotImage": f"sci{version}_blt.fits",
            "outSci": "s.fits", "outWeight": "w.fits", "outContext": "c.fits",
        }  # fmt: skip
        vars(self).update(attributes)


class Image:
    """The same of an imageObject."""

    def __init__(self, *chips: Chip, inmemory: bool = False) -> None:
        self.scienceExt, self.inmemory, self._chips = "SCI", inmemory, chips
        self.outputNames, self.outputValues = {"outMedian": "med.fits"}, {"texptime": 1600.0}
        self.virtualOutputs: dict[str, Any] = {}

    def returnAllChips(self, extname: str) -> list[Chip]:
        assert extname == self.scienceExt
        return list(self._chips)

    def getOutputName(self, name: str) -> Any:
        value = self.outputNames[name]
        return self.virtualOutputs[value] if self.inmemory else value

    def saveVirtualOutputs(self, outputs: dict[str, Any]) -> None:
        assert self.inmemory
        self.virtualOutputs.update(outputs)


PARAMETERS = {"blot_interp": "poly5", "blot_sinscl": 1.0, "blot_addsky": True, "blot_skyval": 9.0,
              "coeffs": True}  # fmt: skip
RATE = BLOTTED * EXPTIME


@pytest.fixture
def clean(tmp_path: Path, monkeypatch: Any) -> WCS:
    monkeypatch.chdir(tmp_path)
    files.write_data(Path("med.fits"))
    files.write_reference(Path("flt.fits"), chips=2)
    return WCS(files.data_header(), naxis=2)


def levels(pixels: Any) -> tuple[float, float]:
    """Covered, and beyond the clean image."""
    return float(pixels[5, 5]), float(pixels[5, -1])


@pytest.mark.parametrize(
    ("chip", "parameters", "rate", "sky"),
    [
        ({}, {}, RATE / 2, 5.0),
        ({"_conversionFactor": 1}, {}, RATE, 5.0),
        ({"_conversionFactor": np.full(files.SHAPE, 4.0)}, {}, RATE / 4, 5.0),
        ({"_exptime": 1.0}, {}, BLOTTED / 2, 5.0),
        ({"computedSky": None}, {}, RATE / 2, 0.0),
        ({"computedSky": 0.0}, {}, RATE / 2, 0.0),
        ({}, {"blot_addsky": False}, RATE / 2, 9.0),
        ({}, {"blot_interp": "sinc"}, RATE / 2, 5.0),
        ({}, {"coeffs": False, "blot_interp": "linear"}, RATE / 2, 5.0),
        ({}, {"coeffs": "no", "blot_addsky": "no"}, RATE / 2, 9.0),
    ],
)
@pytest.mark.parametrize("inmemory", [False, True])
def test_values(
    clean: WCS, chip: dict[str, Any], parameters: dict[str, Any], rate: float, sky: float,
    inmemory: bool,
) -> None:  # fmt: skip
    made = Chip(2, **chip)
    before = made.wcs.to_header_string(relax=True), made.wcs.sip
    image = Image(made, inmemory=inmemory)
    with fits.open("med.fits") as hdus:
        image.virtualOutputs["med.fits"] = fits.HDUList([hdus[0].copy()])
        cblot.run_blot(image, clean, PARAMETERS | parameters)
    if inmemory:
        assert not Path("sci2_blt.fits").exists()
        pixels = image.virtualOutputs["sci2_blt.fits"][0].data
        pixels *= 1.0  # as the next step does
        assert pixels.dtype == np.float32
    else:
        assert set(image.virtualOutputs) == {"med.fits"}
        pixels = fits.getdata("sci2_blt.fits", ext=0)
    assert levels(pixels) == pytest.approx((rate + sky, sky))
    assert (made.wcs.to_header_string(relax=True), made.wcs.sip) == before
    assert made.outputNames["driz_version"] == f"cblot {cblot.__version__}"


def test_stepsize_is_passed_on(clean: WCS) -> None:
    with fits.open("med.fits", mode="update") as hdus:
        hdus[0].data[:] = np.random.default_rng(0).normal(size=files.SOURCE_SHAPE)
    chip = Chip(1, computedSky=None, _conversionFactor=1.0)
    source = fits.getdata("med.fits")
    for given, step in (({}, 10), ({"stepsize": 3}, 3), ({"stepsize": None}, None)):
        cblot.run_blot([Image(chip)], clean, PARAMETERS | given)
        expected = cblot.do_blot(source, clean, chip.wcs, EXPTIME, stepsize=step)
        np.testing.assert_array_equal(fits.getdata("sci1_blt.fits"), expected)


def test_wcsmap_is_passed_on(clean: WCS) -> None:
    cblot.run_blot(Image(Chip(1)), clean, PARAMETERS, wcsmap=cblot.IdentityMap)
    assert fits.getdata("sci1_blt.fits")[:, -1] == pytest.approx(RATE / 2 + 5)


def test_header_and_wcs(clean: WCS) -> None:
    chip = Chip(2)
    chip.wcs.wcs.cd = [[-1.3e-5, 2.0e-6], [3.0e-6, 1.5e-5]]  # not that of the file
    cblot.run_blot(Image(chip), clean, PARAMETERS)
    x, y = np.random.default_rng(1).uniform(1, 30, (2, 50))
    with fits.open("sci2_blt.fits") as hdus:
        header = hdus[0].header
        assert (header["EXPTIME"], header["ROOTNAME"]) == (EXPTIME, "jtest")
        sky = WCS(header).all_pix2world(x, y, 1)
        np.testing.assert_allclose(sky, chip.wcs.all_pix2world(x, y, 1), rtol=0, atol=1e-13)
        assert f"cblot {cblot.__version__} blotted the median" in str(header["HISTORY"])
    cblot.run_blot(Image(Chip(2)), clean, PARAMETERS | {"coeffs": False})
    assert WCS(fits.getheader("sci2_blt.fits")).sip is None
    Path("flt.fits").unlink()  # the exposure's file may be gone
    cblot.run_blot(Image(Chip(2)), clean, PARAMETERS)
    header = fits.getheader("sci2_blt.fits")
    assert WCS(header).wcs.crval == pytest.approx(Chip(2).wcs.wcs.crval)


def test_lookup_tables_are_carried_along(data_dir: Path, tmp_path: Path, monkeypatch: Any) -> None:
    from conftest import hstwcs

    monkeypatch.chdir(tmp_path)
    exposure = data_dir / "acs_wfc_flt.fits.gz"
    with fits.open(exposure) as hdus:
        wcs = hstwcs(hdus, 4)
    pointing = {"CRVAL1": wcs.wcs.crval[0], "CRVAL2": wcs.wcs.crval[1]}
    files.write_data(Path("med.fits"), **pointing)
    chip = Chip(2, wcs=wcs)
    chip.outputNames["data"] = f"{exposure}[sci,2]"
    cblot.run_blot(Image(chip), WCS(files.data_header(**pointing)), PARAMETERS)
    x, y = np.random.default_rng(1).uniform(1, 2000, (2, 50))
    with fits.open("sci2_blt.fits") as hdus:
        sky = WCS(hdus[0].header, hdus).all_pix2world(x, y, 1)
    np.testing.assert_allclose(sky, wcs.all_pix2world(x, y, 1), rtol=0, atol=1e-13)


def test_parameters_as_of_the_file_task(clean: WCS) -> None:
    given = {"blot_interp": "POLY5", "blot_skyval": "INDEF", "stepsize": "INDEF", "coeffs": "yes"}
    cblot.run_blot(Image(Chip(1)), clean, PARAMETERS | given)
    with pytest.raises(ValueError, match="interpol has no value 'poly4'; did you mean poly"):
        cblot.run_blot(Image(Chip(1)), clean, PARAMETERS | {"blot_interp": "poly4"})


@pytest.mark.parametrize("kind", [list, tuple])
def test_many_images(clean: WCS, kind: Any) -> None:
    images = kind([Image(Chip(1), Chip(2)), Image()])
    cblot.run_blot(images, clean, PARAMETERS)
    assert Path("sci1_blt.fits").exists()
    assert Path("sci2_blt.fits").exists()
    cblot.run_blot(kind([]), clean, PARAMETERS)
    cblot.run_blot(iter([Image(Chip(1))]), clean, PARAMETERS)


@pytest.mark.parametrize(
    ("chip", "message"),
    [
        ({"_conversionFactor": 0.0}, "flt.fits.sci,1.: _conversionFactor must be finite and not 0"),
        ({"_conversionFactor": np.nan}, "_conversionFactor must be finite and not 0, got nan"),
        ({"_conversionFactor": "gain"}, "_conversionFactor must be finite and not 0, got 'gain'"),
        ({"_conversionFactor": np.ones((2, 3))}, r"or of shape \(30, 40\), got shape \(2, 3\)"),
        ({"_exptime": np.nan}, "flt.fits.sci,1.: _exptime must be an exposure time greater than 0"),
        ({"_exptime": 0.0}, "_exptime must be an exposure time greater than 0, got 0.0"),
        ({"computedSky": np.nan}, "flt.fits.sci,1.: computedSky must be a finite number, got nan"),
        ({"computedSky": "x"}, "computedSky must be a finite number, got 'x'"),
    ],
)
def test_bad_chips(clean: WCS, chip: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cblot.run_blot(Image(Chip(2), Chip(1, **chip)), clean, PARAMETERS)
    assert not list(Path().glob("*_blt.fits"))  # nor of the good one before it


class Steps:
    def __init__(self) -> None:
        self.log: list[Any] = []

    def addStep(self, name: str) -> None:
        self.log.append(("add", name))

    def endStep(self, name: str, **how: Any) -> None:
        self.log.append(("end", name, how))


class Output:
    def __init__(self, wcs: WCS) -> None:
        self.single_wcs = wcs


def config(blot: bool = True, **more: Any) -> dict[str, Any]:
    section = {k: v for k, v in PARAMETERS.items() if k != "coeffs"} | {"blot": blot}
    return {"coeffs": True, "STEP 4: CREATE MEDIAN": {}, "STEP 5: BLOT": section, **more}


def test_runblot(clean: WCS) -> None:
    steps = Steps()
    cblot.ablot.runBlot([Image(Chip(1))], Output(clean), config(), procSteps=steps)
    assert levels(fits.getdata("sci1_blt.fits")) == pytest.approx((RATE / 2 + 5, 5))
    assert steps.log == [("add", "Blot"), ("end", "Blot", {})]
    steps = Steps()
    cblot.ablot.runBlot([Image(Chip(2))], Output(clean), config(False), procSteps=steps)
    assert not Path("sci2_blt.fits").exists()
    assert steps.log == [("add", "Blot")]
    steps = Steps()
    cblot.ablot.runBlot([], Output(clean), config(), procSteps=steps)
    assert steps.log[1] == ("end", "Blot", {"reason": "skipped", "delay_msg": True})
    with pytest.raises(ValueError, match="must have a section 'STEP 5: ...', got"):
        cblot.ablot.runBlot([Image(Chip(1))], Output(clean), {"coeffs": True})
    incomplete = config()
    del incomplete["coeffs"], incomplete["STEP 5: BLOT"]["blot_interp"]
    with pytest.raises(ValueError, match="configObj must have .*; missing: blot_interp, coeffs"):
        cblot.ablot.runBlot([Image(Chip(1))], Output(clean), incomplete)
    with pytest.raises(ValueError, match="paramDict must have .*; missing: blot_interp, "):
        cblot.run_blot([Image(Chip(1))], clean, {"coeffs": True})


def test_parameters_of_the_configuration() -> None:
    assert cblot.ablot.buildBlotParamDict(config()) == PARAMETERS | {"stepsize": 10}
    assert cblot.ablot.buildBlotParamDict(config(stepsize=4))["stepsize"] == 4


def affine(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return 0.9 * x + 0.013 * y + 24.3, -0.011 * x + 1.07 * y + 1.1


def call(function: Any, image: Any, output: Any, callback: Any = affine, **changes: Any) -> Any:
    arguments = {
        "xmin": 1, "xmax": 64, "ymin": 1, "ymax": 56, "scale": 0.9, "kscale": 1.0, "xscale": 1.0,
        "yscale": 1.0, "align": "center", "interp": "poly5", "ef": 3.0, "misval": -7.0,
        "sinscl": 1.0, "vflag": 1,
    }  # fmt: skip
    return function(image, output, *(arguments | changes).values(), callback)


@pytest.mark.parametrize(
    "changes", [{}, {"interp": "linear"}, {"interp": "poly3"}, {"xmin": 2, "ymin": 0},
                {"xscale": 0.5}, {"yscale": 0.5}, {"align": "corner"}, {"scale": 1.3, "ef": -2.5}],
    ids=str,
)  # fmt: skip
def test_tblot_is_the_classic_entry(changes: dict[str, Any]) -> None:
    cdriz = pytest.importorskip("drizzlepac.cdriz")
    image = np.random.default_rng(2).normal(10, 1, (56, 64)).astype(np.float32)
    theirs, ours, classic = (np.zeros((40, 50), np.float32) for _ in range(3))
    call(cdriz.tblot, image, theirs, **changes)
    assert call(cblot.tblot, image, ours, **changes) == 0
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=3e-4)
    assert (ours == -7.0).any() == ("xscale" not in changes)

    def with_classic(*arguments: Any) -> int:
        return cblot.tblot(*arguments, classic=True)

    call(with_classic, image, classic, **changes)
    np.testing.assert_array_equal(classic, theirs)


def test_tblot_asks_for_one_row_a_call() -> None:
    rows = []

    def callback(x: np.ndarray, y: np.ndarray) -> Any:
        assert x.shape == y.shape == (9,)
        np.testing.assert_array_equal(x, 1.0 + np.arange(9))
        rows.extend(set(y))
        return x, y

    image = np.random.default_rng(2).normal(10, 1, (7, 9))
    output = np.zeros((7, 18))[:, ::2]
    call(cblot.tblot, image, output, callback, scale=1.0, ef=1.0)
    assert sorted(rows) == list(range(1, 8))
    np.testing.assert_allclose(output, image, rtol=1e-15)


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"align": "middle"}, ValueError, "align must be 'center' or 'corner', got 'middle'"),
        ({"interp": "cubic"}, ValueError, "cubic"),
        ({"scale": 0.0}, ValueError, "pix_ratio|scale"),
        ({"ef": "much"}, TypeError, "must be a number, got 'much'"),
        ({"callback": 3}, TypeError, "callback must be callable, got int"),
        (
            {"callback": lambda x, y: x},
            ValueError,
            r"callback\(x, y\) must return x and y, each of",
        ),
        ({"image": np.zeros(5)}, ValueError, "image must be 2-D"),
        ({"output": np.zeros(5)}, ValueError, "output must be a 2-D array"),
        ({"output": [[1.0]]}, ValueError, "output must be a 2-D array that is not empty, got list"),
        ({"output": np.zeros((4, 4), int)}, TypeError, "output must be float32 or float64"),
    ],
)
def test_tblot_with_bad_arguments(
    changes: dict[str, Any], kind: type[Exception], message: str
) -> None:
    image, output = changes.pop("image", np.ones((6, 6))), changes.pop("output", np.zeros((4, 4)))
    callback = changes.pop("callback", affine)
    before = np.array(output)
    with pytest.raises(kind, match=message):
        call(cblot.tblot, image, output, callback, **changes)
    np.testing.assert_array_equal(output, before)


def test_patch() -> None:
    ablot = pytest.importorskip("drizzlepac.ablot")
    names = ("blot", "buildBlotParamDict", "do_blot", "run", "runBlot", "run_blot")
    own = {name: getattr(ablot, name) for name in names}
    ours = {name: getattr(cblot.ablot, name) for name in names}

    def found() -> dict[str, Any]:
        now = {name: getattr(ablot, name) for name in names}
        # In the task's place there is one that warns, around it.
        return {name: getattr(function, "__wrapped__", function) for name, function in now.items()}

    patch = cblot.patch_drizzlepac()
    assert found() == ours
    patch.undo()
    assert found() == own
    patch.undo()
    assert found() == own
    with patch:
        assert found() == ours
        with cblot.patch_drizzlepac():
            assert found() == ours
        assert found() == ours
    assert found() == own
    first, second = cblot.patch_drizzlepac(), cblot.patch_drizzlepac()
    first.undo()
    assert found() == ours
    second.undo()
    assert found() == own
    patch = cblot.patch_drizzlepac()
    ablot.do_blot = len  # someone else's
    patch.undo()
    assert found() == own | {"do_blot": len}
    ablot.do_blot = own["do_blot"]


def test_patch_is_undone_after_an_error() -> None:
    ablot = pytest.importorskip("drizzlepac.ablot")
    own = ablot.do_blot
    with pytest.raises(KeyError, match="mine"), cblot.patch_drizzlepac():
        raise KeyError("mine")
    assert ablot.do_blot is own


def test_patch_without_drizzlepac(monkeypatch: Any) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "drizzlepac.ablot", None)
    with pytest.raises(ImportError, match="drizzlepac"):
        cblot.patch_drizzlepac()
