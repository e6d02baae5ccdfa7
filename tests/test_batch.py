"""Many exposures at once: outcomes, bits, resuming, and how it tells of them."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

import cblot
import task_files as files
from cblot.tasks import chip as chips
from task_files import SKY_REF, T_REF, Night, contents, pixels, process


@pytest.mark.parametrize("jobs", [None, 1, 2, 16])
def test_every_chip_as_one_by_one(night: Night, jobs: int | None) -> None:
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
        _, header = files.read(path)
        assert header["MDRIZSKY"] == SKY_REF + 10 * (k // 2)
        assert f"[SCI,{k % 2 + 1}]" in str(header["HISTORY"])


@pytest.mark.parametrize(
    ("jobs", "last", "shares"), [(1, 5, {4}), (2, 5, {2, 4}), (4, 1, {1, 2, 4})]
)
def test_chips_share_the_threads(
    night: Night, monkeypatch: pytest.MonkeyPatch, jobs: int, last: int, shares: set[int]
) -> None:
    """Each has its share of them, and all of them where it is alone."""
    used = []

    def make(job: Any, pixels: Any, wcsmap: Any, threads: int, tag: str = "") -> list[str]:
        used.append(threads)
        return chip(job, pixels, wcsmap, threads, tag)

    chip = chips.make
    monkeypatch.setattr(chips, "make", make)
    data, exposures, out = night
    assert cblot.blot_exposures(data, exposures[:last], out, jobs=jobs, threads=4).ok
    assert set(used) <= shares
    assert max(used) > 1  # of the last chip at the latest
    if jobs <= 2:
        assert used.count(4 // jobs) >= last


def test_summary(night: Night) -> None:
    data, exposures, out = night
    path = out.with_name("summary.json")
    result = cblot.blot_exposures(data, [*exposures, "none.fits"], out, jobs=2, summary=path)
    told = json.loads(path.read_text())
    assert told == json.loads(result.to_json()) == result.as_dict()
    assert (told["ok"], told["interrupted"], told["exposures"]) == (False, False, 6)
    assert told["chips"] == {"done": 10, "skipped": 0, "failed": 1}
    assert told["megapixels"] == pytest.approx(10 * np.prod(files.SHAPE) / 1e6)
    assert told["bytes_written"] == sum(p.stat().st_size for p in out.glob("*"))
    assert told["finished"] == 6
    # Windows, until all of it is less.
    assert told["bytes_read"] < 5 * 4 * np.prod(files.SOURCE_SHAPE)
    assert told["cblot"] == cblot.__version__
    first, last = told["outcomes"][0], told["outcomes"][-1]
    assert first["output"] == str(out / "e0_flt_sci1_blt.fits")
    assert (first["extension"], first["status"], first["reason"]) == ("SCI,1", "done", "")
    assert (last["reference"], last["status"]) == ("none.fits", "failed")
    assert (last["error"], last["output"]) == ("FileNotFoundError", "")
    assert last["reason"] == "reference: there is no file none.fits"
    assert repr(result).startswith("<cblot summary: 10 done, 0 skipped, 1 failed of 6 exposures")


def test_a_mosaic_that_is_replaced(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chips of the old one are not taken for current; the new one's pixels don't get its header."""
    data, exposures, out = night
    newer = files.write_data(data.with_name("newer.fits"), value=99.0)
    make = chips.make

    def replace_after_one(*arguments: Any, **keywords: Any) -> Any:
        remarks = make(*arguments, **keywords)
        if newer.exists():
            newer.replace(data)
        return remarks

    monkeypatch.setattr(chips, "make", replace_after_one)
    first = cblot.blot_exposures(data, exposures[:2], out, jobs=1, resume=True)
    assert first.count("done") == 4
    again = cblot.blot_exposures(data, exposures[:2], out, jobs=1, resume=True)
    assert again.count("done") == 4
    expected = 99.0 / files.RATIO**2 * T_REF
    assert float(np.median(files.read(again.outputs[3])[0])) == pytest.approx(
        expected + SKY_REF + 10
    )


class Moved(cblot.WCSMap):
    """A caller's mapping."""


def test_a_callers_mapping_has_wcs_objects_of_its_own(night: Night) -> None:
    """It may keep or change them, and those of wcslib are not for two threads at once."""
    data, exposures, out = night
    seen: list[Any] = []

    class Keeps(cblot.WCSMap):
        def __init__(self, blot_wcs: Any, source_wcs: Any) -> None:
            seen.extend((blot_wcs, source_wcs))
            super().__init__(blot_wcs, source_wcs)

    assert cblot.blot_exposures(data, exposures, out, wcsmap=Keeps, jobs=2).ok
    assert len({id(wcs) for wcs in seen}) == len(seen) == 20


def test_resume_of_a_callers_mapping(night: Night) -> None:
    """Whether it is the same can't be told."""
    data, exposures, out = night
    for _ in range(2):
        result = cblot.blot_exposures(data, exposures, out, wcsmap=Moved, resume=True)
        assert result.count("done") == 10


def test_in_memory(night: Night) -> None:
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


def test_resume(night: Night) -> None:
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


def test_resume_of_another_image_of_one_file(night: Night) -> None:
    """The clean image is told by its extension, too."""
    data, exposures, out = night
    with fits.open(data) as hdus:
        images = [
            fits.ImageHDU(k * hdus[0].data, hdus[0].header, name="SCI", ver=k) for k in (1, 2)
        ]
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(data, overwrite=True)
    for version in (1, 2):
        for made in (2, 0):
            result = cblot.blot_exposures(f"{data}[sci,{version}]", exposures[0], out, resume=True)
            assert (result.count("done"), result.count("skipped")) == (made, 2 - made)


def test_resume_where_a_file_ends_after_an_extension(night: Night) -> None:
    """Cut there it is a FITS file as any other, but not all of the output."""
    data, exposures, out = night
    assert cblot.blot_exposures(data, exposures[:1], out).ok
    path = min(out.glob("*_blt.fits"))
    content = path.read_bytes()
    with fits.open(path) as hdus:
        ends = [hdu.fileinfo()["hdrLoc"] for hdu in hdus[1:]]
    assert ends
    for end in ends:
        path.write_bytes(content[:end])
        assert cblot.blot_exposures(data, exposures[:1], out, resume=True).count("done") == 1
        assert len(path.read_bytes()) == len(content)


def test_without_resume_all_is_made(night: Night) -> None:
    data, exposures, out = night
    for _ in range(2):
        assert cblot.blot_exposures(data, exposures, out).count("done") == 10
    result = cblot.blot_exposures(data, exposures, out, overwrite=False)
    assert (result.count("failed"), result.bytes_written) == (10, 0)
    assert "exists, and overwrite is no" in result.outcomes[0].reason


def test_log_lines(night: Night, caplog: pytest.LogCaptureFixture) -> None:
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


def test_two_runs_in_one_folder(night: Night) -> None:
    data, exposures, out = night
    cblot.blot_exposures(data, exposures, out.with_name("expected"))
    command = ("-m", "cblot", "blot", data, *exposures, "-o", f"{out}/", "--jobs", "3")
    for again in ((), ("--resume",)):
        runs = [process(*command, *again) for _ in range(3)]
        for run in runs:
            _, errors = run.communicate(timeout=120)
            assert run.returncode == 0, errors
    assert pixels(out) == pixels(out.with_name("expected"))
    assert contents(out).keys() == pixels(out).keys() | {"cblot_summary.json"}
    assert json.loads((out / "cblot_summary.json").read_text())["ok"]


def test_command_line(night: Night) -> None:
    data, exposures, out = night
    command = ["-m", "cblot", "blot", data, *exposures[:2], "-o", out]
    paths = [str(out / f"e{k}_flt_sci{v}_blt.fits") for k in range(2) for v in (1, 2)]
    run = process(*command, "-j", "2")
    output, errors = run.communicate(timeout=60)
    assert (run.returncode, output.splitlines()) == (0, paths)
    assert errors.count(": made ") == 4
    run = process(*command, "--resume", "--summary", "-")
    output, _ = run.communicate(timeout=60)
    assert json.loads(output)["chips"] == {"done": 0, "skipped": 4, "failed": 0}
    run = process(*command, "none.fits", "--quiet")
    output, errors = run.communicate(timeout=60)
    assert (run.returncode, output) == (1, "")
    assert errors.splitlines() == [
        "cblot blot: error: none.fits failed: reference: there is no file none.fits",
        "cblot blot: 1 failed, 4 chips are there",
    ]
    run = process("-m", "cblot", "blot", data, f"{exposures[0]}[1]", "-o", "x.fits", "--resume")
    _, errors = run.communicate(timeout=60)
    assert (run.returncode, "--progress need a folder as OUT" in errors) == (2, True)


def test_bar_on_a_terminal(night: Night) -> None:
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
        assert len(stream.read().splitlines()) == 10


def test_a_copied_header_is_not_taken_for_current(night: Night) -> None:
    """A blotted image as the reference of another: its fingerprint is not the other's."""
    data, exposures, out = night
    cblot.blot_exposures(data, exposures[0], out)
    path = out / "e0_flt_sci1_blt.fits"
    expected, kept = pixels(out), path.with_name("kept.fits")
    path.rename(kept)
    cblot.blot(data, kept, path, skyval=7.0, addsky=False, coeffs=False)
    assert "CBLOTKEY" in fits.getheader(kept)
    assert "CBLOTKEY" not in fits.getheader(path)
    again = cblot.blot_exposures(data, exposures[0], out, resume=True)
    assert (again.count("done"), again.count("skipped")) == (1, 1)
    assert pixels(out) == expected
