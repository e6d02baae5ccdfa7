"""Configurations in every form, and what is wrong with them."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from astropy.extern.configobj.configobj import ConfigObj

import cblot
from cblot.tasks import parameters as parameters_module
from cblot.tasks.parameters import PARS, settings_of

DEFAULTS = {
    "data": "", "reference": "", "outdata": "", "coeffs": True, "interpol": "poly5", "sinscl": 1.0,
    "stepsize": 10, "addsky": True, "skyval": 0.0, "overwrite": True, "threads": None,
    "legacy": False, "in_units": "cps", "out_units": "counts", "expkey": "exptime",
    "expout": "input", "user_wcs": False, "outscale": None, "orient": None, "raref": None,
    "decref": None, "xrefpix": None, "yrefpix": None, "outnx": None, "outny": None,
}  # fmt: skip
NESTED = {
    "interpol": "linear", "stepsize": 0, "addsky": False,
    "Data Scaling Parameters": {"expout": 12.5, "in_units": "counts"},
    "User WCS Parameters": {"user_wcs": True, "outnx": 30.0},
}  # fmt: skip
GIVEN = {"interpol": "linear", "stepsize": 0, "addsky": False, "expout": 12.5, "in_units": "counts",
         "user_wcs": True, "outnx": 30}  # fmt: skip


@pytest.fixture
def teal(tmp_path: Path, monkeypatch: Any) -> Any:
    """The teal of stsci.tools, with a home of its own: it makes a folder there."""
    module = pytest.importorskip("stsci.tools.teal")
    monkeypatch.setenv("HOME", str(tmp_path))
    return module


@pytest.mark.parametrize("config", [None, "", "defaults", " Defaults ", {}])
def test_defaults(config: Any) -> None:
    assert settings_of(config, {}) == DEFAULTS


def test_shipped_file_has_the_defaults() -> None:
    assert settings_of(parameters_module.PARS / "cblot.cfg", {}) == DEFAULTS
    shipped = (parameters_module.PARS / "cblot.cfg").read_text()
    assert shipped == parameters_module.config_text(settings_of(None, {}))


def test_choices_are_the_interpolants() -> None:
    assert parameters_module.table()["interpol"].choices == cblot.interpolants()
    for name in ("cblot.cfgspc", "ablot/ablot.cfgspc"):  # what teal's menu has
        (line,) = re.findall(r"^interpol = .*", (PARS / name).read_text(), re.MULTILINE)
        shown = set(re.findall(r'"(\w+)"(?=[,)])', line.split("default")[0]))
        assert {"nearest", "poly5", "lanczos5"} <= shown <= set(cblot.interpolants())


def forms(folder: Path) -> list[Any]:
    flat = {**{k: v for k, v in NESTED.items() if not isinstance(v, dict)},
            **NESTED["Data Scaling Parameters"], **NESTED["User WCS Parameters"]}  # fmt: skip
    path = folder / "mine.cfg"
    written = ConfigObj(NESTED, indent_type="")
    written.filename = str(path)
    written.write()
    return [NESTED, flat, ConfigObj(NESTED), path, str(path), "$CBLOT_FOLDER/mine.cfg"]


@pytest.mark.parametrize("number", range(6))
def test_forms(tmp_path: Path, monkeypatch: Any, number: int) -> None:
    monkeypatch.setenv("CBLOT_FOLDER", str(tmp_path))
    config = forms(tmp_path)[number]
    before = repr(config)
    assert settings_of(config, {}) == DEFAULTS | GIVEN
    assert settings_of(config, {"interp": "sinc", "outnx": None})["interpol"] == "sinc"
    assert settings_of(config, {"outnx": None})["outnx"] is None
    assert repr(config) == before


def test_text_comes_back(tmp_path: Path) -> None:
    settings = DEFAULTS | GIVEN | {"data": "a b.fits[sci,1]", "orient": -12.3}
    path = tmp_path / "a.cfg"
    path.write_text(parameters_module.config_text(settings))
    assert settings_of(path, {}) == settings


@pytest.mark.parametrize("text", ["yes", "Yes", "y", "True", "on", 1, True])
def test_yes(text: Any) -> None:
    assert settings_of({"legacy": text}, {})["legacy"] is True


@pytest.mark.parametrize("text", ["no", "NO", "n", "False", "off", 0, False])
def test_no(text: Any) -> None:
    assert settings_of({"coeffs": text}, {})["coeffs"] is False


@pytest.mark.parametrize("text", ["INDEF", "", "None", "  ", None])
def test_not_set(text: Any) -> None:
    """What teal writes for it: None where that is a value, else the default."""
    given = dict.fromkeys(DEFAULTS, text)
    assert settings_of(given, {}) == DEFAULTS | {"stepsize": None}


def test_with_teal(teal: Any) -> None:
    loaded = teal.load("cblot")
    assert loaded["interpol"] == "poly5"
    assert loaded["User WCS Parameters"]["outscale"] is None
    assert settings_of(loaded, {}) == DEFAULTS
    loaded["interpol"] = "nearest"
    loaded["Data Scaling Parameters"]["expout"] = "33"
    changed = {"interpol": "nearest", "expout": 33.0}
    assert settings_of(loaded, {}) == DEFAULTS | changed
    saved = Path.home() / "saved.cfg"
    loaded.saveParList(filename=str(saved))
    assert settings_of(saved, {}) == DEFAULTS | changed
    assert settings_of(teal.load(str(saved)), {}) == DEFAULTS | changed
    assert "cblot" in loaded.getHelpAsString()
    with pytest.raises(ValueError, match="nothing to blot without data, reference, outdata"):
        loaded.run()  # as teal's Execute button does
    assert teal.load("cblot", defaults=True) == teal.load("cblot")
    from stsci.tools import cfgpars

    cfgpars.integrityTestTaskCfgFile("cblot")


def test_ablot_of_teal_stays_drizzlepacs(teal: Any) -> None:
    pytest.importorskip("drizzlepac")
    loaded = teal.load("ablot")
    assert loaded["_task_name_"] == "ablot"
    assert "legacy" not in loaded
    # Which serves here too.
    assert settings_of(loaded, {}) == DEFAULTS


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"coefs": True}, "there is no parameter 'coefs'; did you mean coeffs"),
        ({"interpolation": "linear"}, "no parameter 'interpolation'; did you mean interpol"),
        ({"zzz": 1}, "there is no parameter 'zzz'; valid are data, reference, outdata, coeffs"),
        ({3: 1}, "there is no parameter 3"),
        ({"User WCS": {}}, "there is no section 'User WCS'; did you mean User WCS Parameters"),
        ({"interp": "poly4"}, "interpol has no value 'poly4'; did you mean poly"),
        ({"interp": 5}, "interpol has no value 5; valid are nearest"),
        ({"in_units": "electrons"}, "in_units has no value 'electrons'; "),
        ({"interp": "linear", "interpol": "poly3"}, "configObj gives interpol twice, as 'linear'"),
        ({"coeffs": "maybe"}, "coeffs must be yes or no, True or False, got 'maybe'"),
        ({"sinscl": "wide"}, "sinscl must be a finite number, got 'wide'"),
        ({"sinscl": float("nan")}, "sinscl must be a finite number, got nan"),
        ({"sinscl": 0}, "sinscl must be greater than 0, got 0"),
        ({"stepsize": 2.5}, "stepsize must be a whole number, got 2.5"),
        ({"stepsize": -1}, "stepsize must not be negative, got -1"),
        ({"stepsize": True}, "stepsize must be a finite number, got True"),
        ({"threads": 0}, "threads must be greater than 0, got 0"),
        ({"outnx": 0}, "outnx must be greater than 0, got 0"),
        ({"decref": -91}, "decref must be within -90 and 90 degrees, got -91"),
        ({"expout": "output"}, "expout must be 'input' or a number of seconds .*, got 'output'"),
        ({"expout": 0}, "expout must be 'input' or a number of seconds greater than 0, got '0.0'"),
        ({"expout": True}, "expout must be a text, got True"),
        ({"expkey": 7}, "expkey must be a text, got 7"),
        ({"expkey": "exp=time"}, "expkey must be a FITS keyword, got 'exp=time'"),
        ({"expkey": "exposuretime"}, "expkey must be a FITS keyword, got 'exposuretime'"),
        ({"stepsize": 10**30}, r"stepsize must be less than 2\*\*31, got 10"),
        ({"outnx": 10**20}, r"outnx must be less than 2\*\*31, got 10"),
        ({"skyval": [1, 2]}, r"skyval must be a finite number, got \[1, 2\]"),
        ({"_task_name_": "tweakreg"}, "must be of task cblot or ablot, got task 'tweakreg'"),
    ],
)
def test_bad_values(config: dict[Any, Any], message: str) -> None:
    before = repr(config)
    with pytest.raises(ValueError, match=message):
        settings_of(config, {})
    assert repr(config) == before
    if not any(
        str(key).startswith("_") or isinstance(value, dict) for key, value in config.items()
    ):
        with pytest.raises(ValueError, match=message.replace("configObj gives", "the call gives")):
            settings_of(None, config)


def test_bad_configurations(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no configuration file .*none.cfg"):
        cblot.blot("a", "b", "c", tmp_path / "none.cfg")
    for text in ("[unclosed\n", "just words\n", "a = 1\na = 2\n"):
        path = tmp_path / "bad.cfg"
        path.write_text(text)
        with pytest.raises(ValueError, match="bad.cfg is not a configuration file"):
            cblot.blot("a", "b", "c", path)
    (tmp_path / "binary.cfg").write_bytes(b"\x80\x81\xff = 3\n")
    with pytest.raises(ValueError, match="binary.cfg is not a configuration file"):
        cblot.blot("a", "b", "c", tmp_path / "binary.cfg")
    with pytest.raises(TypeError, match="configObj must be None, .* got list"):
        cblot.blot("a", "b", "c", [])


def test_editor_without_a_display(monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(RuntimeError, match="editpars=True needs a display"):
        cblot.blot("a", "b", "c", editpars=True)


def test_help(capsys: Any, tmp_path: Path) -> None:
    text = cblot.ablot.getHelpAsString()
    assert text.startswith(f"cblot {cblot.__version__}\n")
    assert all(f"\n{name} = " in text for name in DEFAULTS)
    assert cblot.ablot.getHelpAsString(show_ver=False).startswith("_task_name_")
    whole = cblot.ablot.getHelpAsString(docstring=True)
    assert "Returns\n-------" in whole
    cblot.ablot.help()
    assert capsys.readouterr().out == whole + "\n"
    path = tmp_path / "help.txt"
    path.write_text("old")
    cblot.ablot.help(file=path)
    assert path.read_text() == whole + "\n"


def test_every_parameter_is_documented() -> None:
    """In `blot`'s docstring: a name alone, or several, before a colon."""
    lines = (cblot.blot.__doc__ or "").splitlines()
    named = [line.split(" : ")[0].replace(" or ", ", ") for line in lines if " : " in line]
    names = {name.strip() for line in named for name in line.split(",")}
    assert set(DEFAULTS) <= names


def test_signatures() -> None:
    """drizzlepac's, with its names of arguments."""
    ablot = cblot.ablot
    expected = {
        ablot.blot: "data, reference, outdata, configObj=None, wcsmap=None, editpars=False, "
        "**input_dict",
        ablot.run: "configObj, wcsmap=None",
        ablot.run_blot: "imageObjectList, output_wcs, paramDict, wcsmap=None",
        ablot.runBlot: "imageObjectList, output_wcs, configObj={}, wcsmap=None, procSteps=None",
        ablot.help: "file=None",
        ablot.getHelpAsString: "docstring=False, show_ver=True",
        ablot.buildBlotParamDict: "configObj",
        cblot.tblot: "image, output, xmin, xmax, ymin, ymax, scale, kscale, xscale, yscale, align, "
        "interp, ef, misval, sinscl, vflag, callback, *, classic=False, threads=None",
    }
    for function, text in expected.items():
        signature = inspect.signature(function)
        parameters = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
        assert str(inspect.Signature(parameters)) == f"({text})"
    assert cblot.blot is ablot.blot
    assert cblot.run_blot is ablot.run_blot
    assert cblot.do_blot is ablot.do_blot
    assert (ablot.STEP_NUM, ablot.PROCSTEPS_NAME) == (5, "Blot")
