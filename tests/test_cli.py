"""The command line: in a process of its own where that matters, else in this one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cblot
import task_files as files
from cblot.cli import run as run_module
from cblot.cli.run import main
from cblot.files import images
from task_files import BLOTTED, SKY_REF, T_REF

EXPECTED = BLOTTED * T_REF + SKY_REF
# A grid that needs no exposure.
GRID = [
    "--outscale", "0.1", "--orient", "0", "--raref", "150", "--decref", "2", "--xrefpix", "9",
    "--yrefpix", "8", "--outnx", "20", "--outny", "16", "--user-wcs", "--expout", "1",
    "--no-addsky",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files.write_data(tmp_path / "med.fits")
    files.write_reference(tmp_path / "one_flt.fits")
    files.write_reference(tmp_path / "two_flt.fits", chips=2)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


def process(*arguments: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cblot", *map(str, arguments)], text=True, capture_output=True,
        check=False,
    )  # fmt: skip


def level(path: Path) -> float:
    return float(np.median(files.read(path)[0]))


def test_one_chip(folder: Path) -> None:
    done = process("blot", "med.fits", "two_flt.fits[sci,2]", "-o", "out.fits")
    assert (done.returncode, done.stdout, done.stderr) == (0, "out.fits\n", "")
    assert level(folder / "out.fits") == pytest.approx(EXPECTED + 1)


def test_a_reference_is_opened_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found, opened = [], images.opened

    def observed(source: Any, what: str) -> Any:
        found.append(what)
        return opened(source, what)

    monkeypatch.setattr(images, "opened", observed)
    monkeypatch.chdir(folder)
    arguments = ["blot", "med.fits", "--outnx", "9", "-o"]
    assert main([*arguments, "out.fits", "one_flt.fits"]) == 0
    assert found == ["data", "reference"]
    assert main([*arguments, "new", "two_flt.fits"]) == 0
    assert (folder / "new" / "two_flt_sci2_blt.fits").exists()
    assert capsys.readouterr().err.count("outnx not used") == 1  # of many it is logged


def test_an_input_of_a_later_call_is_not_overwritten(folder: Path, command: Any) -> None:
    (folder / "d").mkdir()
    later = files.write_reference(folder / "d" / "one_flt_sci1_blt.fits")
    before = later.read_bytes()
    done = command("blot", "med.fits", "one_flt.fits", "d/one_flt_sci1_blt.fits", "-o", "d")
    assert done.returncode == 1
    assert "the output must not be an input: d/one_flt_sci1_blt.fits" in done.stderr
    assert later.read_bytes() == before


def test_order_of_arguments(folder: Path, command: Any) -> None:
    files.write_reference(folder / "one_flt.fits", CTYPE1="RA---TAN", CTYPE2="DEC--TAN")
    options = ["--no-addsky", "--skyval", "-1.5e-3", "--expout", "1"]
    done = command("blot", "med.fits", "-o", "out.fits", "one_flt.fits", *options)
    assert (done.returncode, done.stdout, done.stderr) == (0, "out.fits\n", "")
    assert level(folder / "out.fits") == pytest.approx(BLOTTED - 1.5e-3)
    assert command("blot", "-o", "new/", "med.fits", "one_flt.fits").stdout == (
        "new/one_flt_sci1_blt.fits\n"
    )


def test_more_chips_go_to_a_folder(folder: Path, command: Any) -> None:
    done = command("blot", "med.fits", "one_flt.fits", "two_flt.fits", "-o", "new/deep", "-v")
    names = ["one_flt_sci1_blt.fits", "two_flt_sci1_blt.fits", "two_flt_sci2_blt.fits"]
    assert done.returncode == 0
    assert done.stdout.split() == [f"new/deep/{name}" for name in names]
    assert done.stderr.count("wrote") == 3
    levels = [level(folder / "new" / "deep" / name) for name in names]
    assert levels == pytest.approx([EXPECTED, EXPECTED, EXPECTED + 1])


def test_options_and_configuration(folder: Path, command: Any) -> None:
    (folder / "my.cfg").write_text("interpol = nearest\naddsky = no\n[Data Scaling Parameters]\n"
                                   "expout = 3\n")  # fmt: skip
    done = command("blot", "med.fits", "one_flt.fits", "-o", "a.fits", "--config", "my.cfg", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert level(folder / "a.fits") == pytest.approx(BLOTTED * 3)
    history = str(files.read(folder / "a.fits")[1]["HISTORY"])
    assert "interpol = nearest" in history
    options = ["--interp", "linear", "--skyval=-1.5", "--out-units", "cps", "--stepsize", "None"]
    command("blot", "med.fits", "one_flt.fits", "-o", "a.fits", "--config", "my.cfg", *options)
    assert level(folder / "a.fits") == pytest.approx(BLOTTED - 1.5)
    history = str(files.read(folder / "a.fits")[1]["HISTORY"])
    assert "interpol = linear" in history
    assert "stepsize = None" in history
    paths = "data = med.fits\nreference = 'one_flt.fits[1]'\noutdata = conf.fits\n"
    (folder / "all.cfg").write_text(paths + (folder / "my.cfg").read_text())
    assert command("blot", "--config", "all.cfg").stdout == "conf.fits\n"
    assert level(folder / "conf.fits") == pytest.approx(BLOTTED * 3)
    done = command("blot", "med.fits", "-o", "user.fits", *GRID)
    assert done.returncode == 0, done.stderr
    assert files.read(folder / "user.fits")[0][8, 8] == pytest.approx(10 * 2.5**2)


def test_every_parameter_is_an_option(folder: Path, command: Any) -> None:
    text = command("blot", "--help").stdout
    from cblot.tasks.parameters import table

    for name in set(table()) - {"data", "reference", "outdata"}:
        assert f"--{name.replace('_', '-')}" in text


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["blot", "med.fits", "one_flt.fits"], 2, "-o OUT is needed, the file or folder"),
        (["blot", "-o", "x"], 2, "DATA is needed, the clean image"),
        (["blot", "med.fits", "-o", "x"], 2, "a REFERENCE is needed, or --user-wcs and all of its"),
        (["blot", "med.fits", "-o", "x.fits", *GRID, "--summary", "s.json"], 2,
         "--jobs, --resume, --summary and --progress need a REFERENCE"),
        (["blot", "med.fits", "one_flt.fits", "-o", "x", "--interp", "poly4"], 2,
         "interpol has no value 'poly4'; did you mean poly"),
        (["blot", "med.fits", "one_flt.fits", "-o", "x", "--nothing"], 2, "unrecognized arguments"),
        (["blot", "med.fits", "two_flt.fits", "-o", "out.fits"], 2,
         "OUT must be a folder for more than one chip, got out.fits"),
        ([], 2, "arguments are required: command"),
        (["blot", "none.fits", "one_flt.fits", "-o", "x"], 1, "data: there is no file none.fits"),
        (["blot", "med.fits", "none.fits", "-o", "x"], 1, "reference: there is no file none.fits"),
        (["blot", "med.fits", "one_flt.fits", "-o", "x", "--config", "no.cfg"], 1,
         "there is no configuration file no.cfg"),
        (["blot", "med.fits", "one_flt.fits", "-o", "med.fits"], 1, "must not be an input"),
        (["blot", "med.fits", "one_flt.fits", "-o", "x", "--expkey", "texp"], 1,
         "one_flt.fits[SCI,1]: there is no exposure time TEXP in its headers"),
        (["params", "--config", "no.cfg"], 1, "there is no configuration file no.cfg"),
    ],
)  # fmt: skip
def test_failures(
    folder: Path, command: Any, arguments: list[str], status: int, message: str
) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    done = command(*arguments)
    assert done.returncode == status
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert message in last
    if status == 1:
        assert done.stderr.count("\n") == 1
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("where", ["parsed", "import_module"])
def test_interrupted_while_modules_are_imported(
    where: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run_module, where, interrupt)
    assert main(["params"]) == 130
    assert capsys.readouterr() == ("", "cblot: interrupted\n")


def test_debug_shows_the_traceback(folder: Path, command: Any) -> None:
    done = command("blot", "none.fits", "one_flt.fits", "-o", "x", "--debug")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_warnings_are_lines(folder: Path, command: Any) -> None:
    arguments = ["blot", "med.fits", "one_flt.fits", "-o", "x.fits", "--outscale", "0.1"]
    done = command(*arguments)
    assert done.returncode == 0
    assert done.stderr == (
        "cblot blot: warning: outscale not used, as user_wcs is no; pass user_wcs=True "
        "(--user-wcs) to use it\n"
    )
    assert command(*arguments, "-q").stderr == ""
    done = command("blot", "med.fits", "one_flt.fits", "-o", "x.fits", "--in-units", "counts")
    assert done.stderr.startswith("cblot blot: warning: med.fits: BUNIT is ELECTRONS/S, but in_un")


def test_params(folder: Path, command: Any) -> None:
    text = command("params").stdout
    assert text == cblot.ablot.getHelpAsString(show_ver=False)
    assert command("params", "-o", "new.cfg").returncode == 0
    assert (folder / "new.cfg").read_text() == text
    done = command("params", "-o", "new.cfg")
    assert done.returncode == 1
    assert done.stderr == "cblot params: new.cfg exists, and is left as it is\n"
    (folder / "new.cfg").write_text(text.replace("poly5", "linear"))
    shown = command("params", "--config", "new.cfg").stdout
    assert 'interpol = "linear" #' in shown


def test_version(folder: Path) -> None:
    text = process("--version").stdout
    assert text.startswith(f"cblot {cblot.__version__}\n")
    assert f"instruction set {cblot.build_info()['isa']}" in text
    for name in ("numpy", "astropy", "stwcs"):
        assert f"{name} " in text


def test_version_with_a_bad_environment(folder: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("CBLOT_NUM_THREADS", "many")
    done = process("--version")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "CBLOT_NUM_THREADS must be a whole number" in done.stderr
