"""What the command line says, and to whom: terminals, pipes, readers that have gone."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import task_files as files

ODD = "a\x1b[31mred\r\n\x07b"  # a name that a terminal obeys
SHOWN = r"a\x1b[31mred\r\n\x07b"


def run(folder: Path, *arguments: Any, **keywords: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "cblot", *arguments], cwd=folder, check=False,
        **({"capture_output": True} | keywords),
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    files.write_data(tmp_path / "med.fits")
    files.write_reference(tmp_path / "flt.fits")
    return tmp_path


@pytest.mark.parametrize("argument", ["--version", "--help", "params", "blot"])
def test_reader_has_gone(folder: Path, argument: str) -> None:
    """Nothing is said of it, and the work is done."""
    arguments = [argument]
    if argument == "blot":
        arguments += ["med.fits", "flt.fits", "-o", "out.fits"]
    reader, writer = os.pipe()
    os.close(reader)
    done = run(folder, *arguments, capture_output=False, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")
    assert argument != "blot" or (folder / "out.fits").exists()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.parametrize("argument", ["--version", "--help", "params"])
def test_output_that_cannot_be_written(folder: Path, argument: str) -> None:
    with open("/dev/full", "wb") as full:
        done = run(folder, argument, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr.startswith(b"cblot")
    assert b"No space left on device" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_without_standard_streams(folder: Path) -> None:
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        command = f"exec {sys.executable} -m cblot blot med.fits flt.fits -o out.fits -v {closed}"
        done = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, check=False)
        assert done.returncode == 0
        assert b"Traceback" not in done.stderr
        assert done.stdout in (b"", b"out.fits\n")
        (folder / "out.fits").unlink()


@pytest.mark.parametrize("how", ["missing", "warning", "log", "usage", "debug", "many"])
def test_names_do_not_reach_the_terminal(folder: Path, command: Any, how: str) -> None:
    odd = folder / f"{ODD}.fits"
    files.write_reference(odd, CRVAL1=160.0, BUNIT="COUNTS/S")
    arguments = {
        "missing": ["med.fits", f"none-{ODD}.fits", "-o", "x.fits"],
        "warning": ["med.fits", odd.name, "-o", "x.fits"],
        "log": ["med.fits", odd.name, "-o", "x.fits", "-v"],
        "usage": ["med.fits", "flt.fits", "-o", "x.fits", f"--{ODD}"],
        "debug": ["med.fits", f"none-{ODD}.fits", "-o", "x.fits", "--debug"],
        "many": ["med.fits", odd.name, f"none-{ODD}.fits", "-o", "d/", "-v"],
    }[how]
    text = command("blot", *arguments).stderr
    assert r"\x1b[31mred" in text
    assert not {c for c in text if not c.isprintable()} - {"\n"}
    if how in ("missing", "warning", "log", "many"):
        assert all(line.startswith("cblot blot: ") for line in text.splitlines())


def test_names_of_outputs(folder: Path) -> None:
    """To a program byte for byte, to a terminal as they may be shown."""
    name = os.fsencode(ODD) + b"\xff"
    command = ["blot", "med.fits", "flt.fits", "-o", name + b".fits"]
    assert run(folder, *command).stdout == name + b".fits\n"
    assert (folder / os.fsdecode(name + b".fits")).exists()
    reader, writer = pty.openpty()
    done = run(folder, *command, capture_output=False, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    shown = os.read(reader, 4096)
    os.close(reader)
    assert done.returncode == 0, done.stderr
    assert shown.rstrip() == f"{SHOWN}\\udcff.fits".encode()


def test_two_dashes_end_the_options(folder: Path, command: Any) -> None:
    (folder / "flt.fits").rename(folder / "-odd.fits")
    (folder / "med.fits").rename(folder / "-1.5")
    done = command("blot", "-o", "x.fits", "--skyval", "-1", "--no-addsky", "--", "-1.5",
               "-odd.fits")  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "x.fits\n", "")
    (folder / "-1.5").rename(folder / "med.fits")
    done = command("blot", "-o", "y.fits", "med.fits", "--", "-odd.fits")
    assert (done.returncode, done.stdout, done.stderr) == (0, "y.fits\n", "")
    (folder / "-odd.fits").rename(folder / "--")
    done = command("blot", "-o", "z.fits", "--", "med.fits", "--")
    assert (done.returncode, done.stdout, done.stderr) == (0, "z.fits\n", "")
    done = command("params", "--", "-o")
    assert done.returncode == 2
    assert "unrecognized arguments: -o" in done.stderr


def test_unknown_instruction_set(folder: Path) -> None:
    """A line, and no traceback; in Python it stays an error of the import."""
    environment = {**os.environ, "CBLOT_ISA": "non\x1b[31msense"}
    script = folder / "cblot"  # as pip makes it
    script.write_text("import sys\nfrom cblot.__main__ import main\nsys.exit(main())\n")
    for command in (["-m", "cblot"], ["-mcblot"], [str(script)]):
        for argument in ("--version", "params"):
            done = subprocess.run(
                [sys.executable, *command, argument], env=environment, capture_output=True,
                text=True, check=False,
            )  # fmt: skip
            assert (done.returncode, done.stdout) == (1, "")
            assert done.stderr.startswith(r"cblot: CBLOT_ISA=non\x1b[31msense: ")
            assert done.stderr.count("\n") == 1
    other = folder / "my.py"
    other.write_text("import cblot\n")
    done = subprocess.run(
        [sys.executable, other], env=environment, capture_output=True, text=True, check=False
    )
    assert "ImportError: CBLOT_ISA=" in done.stderr
