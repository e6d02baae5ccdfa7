"""Many exposures at once: outcomes, bits, resuming, and what is left when something fails."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import pty
import resource
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

import cblot
import task_files as files
from task_files import BLOTTED, SKY_REF, T_REF

EXPECTED = BLOTTED * T_REF + SKY_REF


@pytest.fixture
def night(tmp_path: Path) -> tuple[Path, list[Path], Path]:
    """Data, five exposures of two chips, a folder for outputs."""
    data = files.write_data(tmp_path / "med.fits")
    with fits.open(data, mode="update") as hdus:
        hdus[0].data += np.random.default_rng(3).normal(0, 1, hdus[0].shape).astype(np.float32)
    exposures = [
        files.write_reference(tmp_path / f"e{k}_flt.fits", chips=2, MDRIZSKY=SKY_REF + 10 * k)
        for k in range(5)
    ]
    return data, exposures, tmp_path / "out"


def contents(folder: Path) -> dict[str, bytes]:
    """Of all files, hidden ones among them, without the lines that tell when it was."""
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


def pixels(folder: Path) -> dict[str, bytes]:
    return {p.name: fits.getdata(p).tobytes() for p in sorted(folder.glob("*_blt.fits"))}


@pytest.mark.parametrize("jobs", [None, 1, 2, 16])
def test_every_chip_as_one_by_one(night: tuple[Path, list[Path], Path], jobs: int | None) -> None:
    data, exposures, out = night
    result = cblot.blot_exposures(data, exposures, out, jobs=jobs, interp="sinc")
    assert result.ok
    assert result.outputs == [out / f"e{k}_flt_sci{v}_blt.fits" for k in range(5) for v in (1, 2)]
    assert contents(out).keys() == {path.name for path in result.outputs}
    alone = out.with_name("alone")
    alone.mkdir()
    for exposure in exposures:
        cblot.blot(data, exposure, alone, interp="sinc")
    assert pixels(out) == pixels(alone)
    for k, path in enumerate(result.outputs):
        header = fits.getheader(path)
        assert header["MDRIZSKY"] == SKY_REF + 10 * (k // 2)
        assert header["EXTVER"] == k % 2 + 1


def test_summary(night: tuple[Path, list[Path], Path]) -> None:
    data, exposures, out = night
    path = out.with_name("summary.json")
    result = cblot.blot_exposures(data, [*exposures, "none.fits"], out, jobs=2, summary=path)
    told = json.loads(path.read_text())
    assert told == json.loads(result.to_json()) == result.as_dict()
    assert (told["ok"], told["interrupted"], told["exposures"]) == (False, False, 6)
    assert told["chips"] == {"done": 10, "skipped": 0, "failed": 1}
    assert told["megapixels"] == pytest.approx(10 * np.prod(files.SHAPE) / 1e6)
    assert told["bytes_written"] == sum(p.stat().st_size for p in out.glob("*"))
    assert told["bytes_read"] == 4 * np.prod(files.SOURCE_SHAPE)  # once
    assert told["cblot"] == cblot.__version__
    first, last = told["outcomes"][0], told["outcomes"][-1]
    assert first["output"] == str(out / "e0_flt_sci1_blt.fits")
    assert (first["extension"], first["status"], first["reason"]) == ("SCI,1", "done", "")
    assert (last["reference"], last["status"]) == ("none.fits", "failed")
    assert (last["error"], last["output"]) == ("FileNotFoundError", "")
    assert last["reason"] == "reference: there is no file none.fits"
    assert repr(result).startswith("<cblot summary: 10 done, 0 skipped, 1 failed of 6 exposures")


def test_the_rest_goes_on(night: tuple[Path, list[Path], Path]) -> None:
    """Each failure has its reason, and leaves nothing; one chip's is not the other's."""
    data, exposures, out = night
    folder = data.parent
    (folder / "text_flt.fits").write_text("this is not FITS\n" * 300)
    whole = exposures[0].read_bytes()
    (folder / "short_flt.fits").write_bytes(whole[: len(whole) * 6 // 10])  # in a header
    (folder / "shorter_flt.fits").write_bytes(whole[:8000])  # in pixels
    (folder / "folder_flt.fits").mkdir()
    with fits.open(exposures[1]) as hdus:
        del hdus["SCI", 1].header["CTYPE1"]
        del hdus["SCI", 1].header["MDRIZSKY"]
        hdus.writeto(folder / "half_flt.fits")
    bad = [folder / f"{name}_flt.fits" for name in ("text", "short", "shorter", "folder", "half")]
    with pytest.warns(Warning, match=r"truncated|not multiple"):
        result = cblot.blot_exposures(data, [*bad, *exposures], out, jobs=3)
    reasons = {Path(o.reference).name: o.reason for o in result.outcomes if o.reason}
    assert len(result.outcomes) == 6 + 10
    assert "text_flt.fits can't be read as a FITS file" in reasons["text_flt.fits"]
    assert "short_flt.fits is cut short, in the header of" in reasons["short_flt.fits"]
    assert "shorter_flt.fits is cut short: it has 8000 bytes of" in reasons["shorter_flt.fits"]
    assert "folder_flt.fits can't be read" in reasons["folder_flt.fits"]
    assert "half_flt.fits[SCI,1]" in reasons["half_flt.fits"]
    assert [o.status for o in result.outcomes if "half" in o.reference] == ["failed", "done"]
    names = {f"e{k}_flt_sci{v}_blt.fits" for k in range(5) for v in (1, 2)}
    assert contents(out).keys() == names | {"half_flt_sci2_blt.fits"}


def test_a_clean_image_that_is_cut_short(night: tuple[Path, list[Path], Path]) -> None:
    data, exposures, out = night
    data.write_bytes(data.read_bytes()[:-4000])
    with (
        pytest.warns(Warning, match="truncated"),
        pytest.raises(OSError, match=r"data: .*med.fits is cut short: it has \d+ bytes of \d+"),
    ):
        cblot.blot_exposures(data, exposures, out)


def test_outside_the_mosaic(
    night: tuple[Path, list[Path], Path], caplog: pytest.LogCaptureFixture
) -> None:
    data, exposures, out = night
    apart = files.write_reference(data.with_name("apart_flt.fits"), CRVAL1=160.0)
    result = cblot.blot_exposures(data, [exposures[0], apart], out)
    assert result.ok
    assert [len(outcome.warnings) for outcome in result.outcomes] == [0, 0, 1]
    warning = result.outcomes[-1].warnings[0]
    assert "med.fits covers no pixel of apart_flt.fits[SCI,1]; all are sky alone" in warning
    assert np.all(files.read(out / "apart_flt_sci1_blt.fits")[0] == SKY_REF)


def test_warnings_are_their_chips(
    night: tuple[Path, list[Path], Path], caplog: pytest.LogCaptureFixture
) -> None:
    data, exposures, out = night
    rates = files.write_reference(data.with_name("rate_flt.fits"), BUNIT="COUNTS/S")
    result = cblot.blot_exposures(data, [*exposures, rates], out, jobs=3)
    assert [o.reference for o in result.outcomes if o.warnings] == [str(rates)]
    assert "it is added as it is, without a gain" in result.outcomes[-1].warnings[0]
    assert "without a gain" in caplog.text


def test_same_names(night: tuple[Path, list[Path], Path]) -> None:
    """The first of them is made, by any number of jobs; different chips of one are no clash."""
    data, exposures, out = night
    other = data.parent / "other"
    other.mkdir()
    twin = files.write_reference(other / "e0_flt.fits", chips=2, MDRIZSKY=999.0)
    chips = [f"{exposures[1]}[sci,2]", f"{exposures[1]}[sci,1]"]
    for _ in range(3):
        result = cblot.blot_exposures(data, [exposures[0], twin, *chips], out, jobs=4)
        assert [o.status for o in result.outcomes] == ["done", "done", "failed", "done", "done"]
        reason = f"its output would be e0_flt_sci1_blt.fits, as that of {exposures[0]}"
        assert result.outcomes[2].reason == reason
        assert files.read(out / "e0_flt_sci1_blt.fits")[1]["MDRIZSKY"] == SKY_REF


def test_inputs_are_no_outputs(night: tuple[Path, list[Path], Path]) -> None:
    data, exposures, _ = night
    exposure = exposures[0].rename(data.with_name("x.fits"))
    chip = files.write_reference(data.with_name("x_sci1_blt.fits"))
    before = chip.read_bytes()
    result = cblot.blot_exposures(data, [exposure, chip], data.parent, jobs=1)
    assert [o.status for o in result.outcomes] == ["failed", "done", "done"]
    assert "the output must not be an input" in result.outcomes[0].reason
    assert chip.read_bytes() == before


def test_in_memory(night: tuple[Path, list[Path], Path]) -> None:
    """HDULists as data and references; they are never up to date."""
    data, exposures, out = night
    cblot.blot_exposures(data, exposures[:2], out)
    expected = pixels(out)
    with fits.open(data) as clean, fits.open(exposures[0]) as one, fits.open(exposures[1]) as two:
        for k in range(2):
            again = out.with_name("again")
            result = cblot.blot_exposures(clean, [one, two], again, resume=True)
            assert (result.count("done"), result.count("skipped")) == (4, 0), k
            assert pixels(again) == expected


def test_resume(night: tuple[Path, list[Path], Path]) -> None:
    data, exposures, out = night

    def done(**parameters: Any) -> set[str]:
        result = cblot.blot_exposures(data, exposures, out, resume=True, jobs=2, **parameters)
        assert result.ok
        assert len(result.outputs) == 10
        return {Path(o.output).name for o in result.outcomes if o.status == "done"}

    assert len(done()) == 10
    expected, first = pixels(out), contents(out)
    assert done() == set()
    assert contents(out) == first
    # What is gone, cut short, or another's is made again, and gets the same bits.
    names = sorted(expected)
    (out / names[0]).unlink()
    (out / names[1]).write_bytes(first[names[1]][:-2880])
    (out / names[2]).write_bytes(first[names[3]])
    (out / names[4]).write_bytes(b"")
    assert done() == {names[0], names[1], names[2], names[4]}
    assert pixels(out) == expected
    # So is all of an exposure that changed, and all of other parameters, but for indifferent ones.
    exposures[2] = files.write_reference(exposures[2], chips=2, MDRIZSKY=3.0)
    assert done() == {f"e2_flt_sci{v}_blt.fits" for v in (1, 2)}
    assert len(done(interp="linear")) == 10
    assert done(interp="linear", threads=1, overwrite=True) == set()
    assert len(done()) == 10
    os.utime(data, ns=(0, 0))
    assert len(done()) == 10


def test_without_resume_all_is_made(night: tuple[Path, list[Path], Path]) -> None:
    data, exposures, out = night
    for _ in range(2):
        assert cblot.blot_exposures(data, exposures, out).count("done") == 10
    result = cblot.blot_exposures(data, exposures, out, overwrite=False)
    assert result.count("failed") == 10
    assert "exists, and overwrite is no" in result.outcomes[0].reason


def test_log_lines(night: tuple[Path, list[Path], Path], caplog: pytest.LogCaptureFixture) -> None:
    data, exposures, out = night
    with caplog.at_level(logging.INFO, "cblot.progress"):
        cblot.blot_exposures(data, [*exposures, "none.fits"], out, jobs=1)
        cblot.blot_exposures(data, exposures[:1], out, jobs=1, resume=True)
    lines = [r.getMessage() for r in caplog.records if r.name == "cblot.progress"]
    assert len([line for line in lines if "exposures, " in line and ": made " in line]) == 10
    assert lines[0].startswith("0/6 exposures, ")
    assert lines[0].endswith(f"Mpx/s: made {out / 'e0_flt_sci1_blt.fits'}")
    assert "none.fits failed: reference: there is no file none.fits" in lines
    assert lines[-2].endswith("e0_flt_sci2_blt.fits is up to date")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"jobs": 0}, ValueError, "jobs must be at least 1, got 0"),
        ({"jobs": 1.5}, TypeError, "jobs must be a whole number, got 1.5"),
        ({"references": []}, ValueError, "there is nothing to blot without references"),
        ({"outdir": 3}, TypeError, "outdir must be the name of a folder, got int"),
        ({"source": "none.fits"}, FileNotFoundError, "data: there is no file none.fits"),
        ({"interp": "poly4"}, ValueError, "interpol has no value 'poly4'"),
        ({"nothing": 1}, ValueError, "nothing"),
    ],
)
def test_bad_arguments(
    night: tuple[Path, list[Path], Path], change: dict[str, Any], error: Any, message: str
) -> None:
    data, exposures, out = night
    arguments: dict[str, Any] = {"source": data, "references": exposures, "outdir": out}
    with pytest.raises(error, match=message):
        cblot.blot_exposures(**(arguments | change))
    assert not out.exists()


def test_folder_that_is_a_file(night: tuple[Path, list[Path], Path]) -> None:
    data, exposures, _ = night
    before = data.read_bytes()
    with pytest.raises(NotADirectoryError, match="outdir must be a folder, got the file"):
        cblot.blot_exposures(data, exposures, data)
    assert data.read_bytes() == before


def run(*arguments: Any, **keywords: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **keywords,
    )  # fmt: skip


def test_two_runs_in_one_folder(night: tuple[Path, list[Path], Path]) -> None:
    data, exposures, out = night
    cblot.blot_exposures(data, exposures, out.with_name("expected"))
    command = ("-m", "cblot", "blot", data, *exposures, "-o", f"{out}/", "--jobs", "3")
    for again in ((), ("--resume",)):
        runs = [run(*command, *again) for _ in range(3)]
        for process in runs:
            _, errors = process.communicate(timeout=120)
            assert process.returncode == 0, errors
    assert pixels(out) == pixels(out.with_name("expected"))
    assert contents(out).keys() == pixels(out).keys() | {"cblot_summary.json"}
    assert json.loads((out / "cblot_summary.json").read_text())["ok"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[tuple[Path, list[str]]]:
    """A folder on a disk of 40 kB, and what a process must do first to find it so."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    # Where nothing may be mounted, files may not become large.
    yield folder, [] if mounted else ["limit"]
    if mounted:
        subprocess.run(["umount", str(folder)], check=True)


def test_full_disk(
    night: tuple[Path, list[Path], Path], small_disk: tuple[Path, list[str]]
) -> None:
    """Some chips fit, if any; the others have their reason, and leave nothing."""
    data, exposures, _ = night
    folder, limit = small_disk

    def preexec() -> None:
        if limit:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))

    summary = data.with_name("summary.json")
    process = run(
        "-m", "cblot", "blot", data, *exposures, "-o", f"{folder}/", "--jobs", "2",
        "--summary", summary, preexec_fn=preexec,
    )  # fmt: skip
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "Traceback" not in errors
    told = json.loads(summary.read_text())
    failed = [o for o in told["outcomes"] if o["status"] == "failed"]
    assert len(failed) >= 5
    assert len(told["outcomes"]) == 10
    assert all("No space left" in o["reason"] or "too large" in o["reason"] for o in failed)
    whole = {Path(o["output"]).name for o in told["outcomes"] if o["status"] == "done"}
    assert contents(folder).keys() == whole
    for name in whole:
        assert np.isfinite(fits.getdata(folder / name)).all()


def test_interrupted(night: tuple[Path, list[Path], Path]) -> None:
    """Ctrl-C finishes the chips that are begun, and the summary tells; a second run resumes."""
    data, _, out = night
    exposures = [
        files.write_reference(data.with_name(f"x{k}_flt.fits"), chips=2) for k in range(60)
    ]
    command = ("-m", "cblot", "blot", data, *exposures, "-o", f"{out}/", "--jobs", "2")
    process = run(*command)
    while not list(out.glob("x*_blt.fits")):
        time.sleep(0.005)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in errors
    told = json.loads((out / "cblot_summary.json").read_text())
    assert told["interrupted"]
    assert not told["ok"]
    finished = {Path(o["output"]).name for o in told["outcomes"]}
    assert 0 < len(finished) < 120
    assert contents(out).keys() == finished | {"cblot_summary.json"}
    again = run(*command, "--resume")
    _, errors = again.communicate(timeout=120)
    assert again.returncode == 0, errors
    told = json.loads((out / "cblot_summary.json").read_text())
    assert told["chips"] == {"done": 120 - len(finished), "skipped": len(finished), "failed": 0}


def test_command_line(night: tuple[Path, list[Path], Path]) -> None:
    data, exposures, out = night
    command = ["-m", "cblot", "blot", data, *exposures[:2], "-o", out]
    paths = [str(out / f"e{k}_flt_sci{v}_blt.fits") for k in range(2) for v in (1, 2)]
    process = run(*command, "-j", "2")
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output.split()) == (0, paths)
    assert errors.count(": made ") == 4
    process = run(*command, "--resume", "--summary", "-")
    output, _ = process.communicate(timeout=60)
    assert json.loads(output)["chips"] == {"done": 0, "skipped": 4, "failed": 0}
    process = run(*command, "none.fits", "--quiet")
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (1, "")
    assert "none.fits: reference: there is no file none.fits" in errors
    process = run("-m", "cblot", "blot", data, f"{exposures[0]}[1]", "-o", "x.fits", "--resume")
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, "--resume and --summary need a folder" in errors) == (2, True)


def test_bar_on_a_terminal(night: tuple[Path, list[Path], Path]) -> None:
    data, exposures, out = night
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "cblot", "blot", str(data), *map(str, exposures), "-o", f"{out}/"],
        stderr=writer, stdout=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "120"},
    )  # fmt: skip
    os.close(writer)
    shown = b""
    while True:
        try:
            piece = os.read(reader, 4096)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    assert process.wait(timeout=60) == 0
    os.close(reader)
    assert b"5/5" in shown
    assert b"Mpx/s" in shown
    assert b": made " not in shown
    assert process.stdout is not None
    with process.stdout as stream:
        assert len(stream.read().split()) == 10
