"""Many exposures at once, when something fails: what is told, and what is left."""

from __future__ import annotations

import json
import logging
import re
import resource
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

import cblot
import task_files as files
from cblot.files import images
from task_files import SKY_REF, Night, contents, process


def test_the_rest_goes_on(night: Night) -> None:
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
    assert "folder_flt.fits must be a regular file, and is a folder" in reasons["folder_flt.fits"]
    assert "half_flt.fits[SCI,1]" in reasons["half_flt.fits"]
    assert [o.status for o in result.outcomes if "half" in o.reference] == ["failed", "done"]
    names = {f"e{k}_flt_sci{v}_blt.fits" for k in range(5) for v in (1, 2)}
    assert contents(out).keys() == names | {"half_flt_sci2_blt.fits"}


def test_a_clean_image_that_is_cut_short(night: Night) -> None:
    data, exposures, out = night
    data.write_bytes(data.read_bytes()[:-4000])
    with (
        pytest.warns(Warning, match="truncated"),
        pytest.raises(OSError, match=r"data: .*med.fits is cut short: it has \d+ bytes of \d+"),
    ):
        cblot.blot_exposures(data, exposures, out)


def test_outside_the_mosaic(night: Night, caplog: pytest.LogCaptureFixture) -> None:
    data, exposures, out = night
    apart = files.write_reference(data.with_name("apart_flt.fits"), CRVAL1=160.0)
    result = cblot.blot_exposures(data, [exposures[0], apart], out)
    assert result.ok
    assert [len(outcome.warnings) for outcome in result.outcomes] == [0, 0, 1]
    warning = result.outcomes[-1].warnings[0]
    assert "med.fits covers no pixel of apart_flt.fits[SCI,1]; all are sky alone" in warning
    assert np.all(files.read(out / "apart_flt_sci1_blt.fits")[0] == SKY_REF)


def test_warnings_are_their_chips(night: Night, caplog: pytest.LogCaptureFixture) -> None:
    data, exposures, out = night
    rates = files.write_reference(data.with_name("rate_flt.fits"), BUNIT="COUNTS/S")
    result = cblot.blot_exposures(data, [*exposures, rates], out, jobs=3)
    assert [o.reference for o in result.outcomes if o.warnings] == [str(rates)]
    assert "it is added as it is, without a gain" in result.outcomes[-1].warnings[0]
    assert "without a gain" in caplog.text


def test_same_names(night: Night) -> None:
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


def test_inputs_are_no_outputs(night: Night) -> None:
    data, exposures, _ = night
    exposure = exposures[0].rename(data.with_name("x.fits"))
    chip = files.write_reference(data.with_name("x_sci1_blt.fits"))
    before = chip.read_bytes()
    result = cblot.blot_exposures(data, [exposure, chip], data.parent, jobs=1)
    assert [o.status for o in result.outcomes] == ["failed", "done", "done"]
    assert "the output must not be an input" in result.outcomes[0].reason
    assert chip.read_bytes() == before


def test_inputs_by_other_names(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one's home, through a link, or opened before: what is read is not written."""
    data, exposures, _ = night
    home = data.parent
    monkeypatch.setenv("HOME", str(home))
    exposures[0].rename(home / "x.fits")
    chip = files.write_reference(home / "x_sci1_blt.fits")
    before = chip.read_bytes()
    result = cblot.blot_exposures("~/med.fits", ["~/x.fits", "~/x_sci1_blt.fits"], "~")
    assert [o.status for o in result.outcomes] == ["failed", "done", "done"]
    with fits.open(home / "x.fits") as one, fits.open(chip) as two:
        result = cblot.blot_exposures(data, [one, two], home)
    assert [o.status for o in result.outcomes] == ["failed", "done", "done"]
    (home / "link.fits").symlink_to(chip)
    result = cblot.blot_exposures(data, [home / "x.fits", home / "link.fits"], home)
    assert [o.status for o in result.outcomes] == ["failed", "done", "done"]
    assert chip.read_bytes() == before


@pytest.mark.parametrize("ending", [".fit", ".fits.gz", ".fits.fz"])
def test_same_names_but_for_the_ending(night: Night, ending: str) -> None:
    data, exposures, out = night
    twin = exposures[0].with_name(f"e0_flt{ending}")
    files.reference_hdus(chips=2, MDRIZSKY=999.0).writeto(twin)
    for given in (twin, fits.open(twin)):
        result = cblot.blot_exposures(data, [exposures[0], given], out, jobs=3)
        assert [o.status for o in result.outcomes] == ["done", "done", "failed"]
        assert "its output would be e0_flt_sci1_blt.fits, as that of" in result.outcomes[2].reason
        assert files.read(out / "e0_flt_sci2_blt.fits")[1]["MDRIZSKY"] == SKY_REF
    given.close()


def test_a_clean_image_without_a_wcs_has_a_summary(night: Night) -> None:
    """One that can be read, but not used: the run failed, and that is what stands there."""
    data, exposures, out = night
    with fits.open(data, mode="update") as hdus:
        hdus[0].header["CTYPE1"] = "WAVE"
    path = data.parent / "summary.json"
    with pytest.raises(ValueError, match=r"med\.fits"):
        cblot.blot_exposures(data, exposures, out, summary=path)
    told = json.loads(path.read_text())
    assert (told["ok"], told["outcomes"]) == (False, [])
    assert out.is_dir()


def test_summary_is_no_input_and_no_folder(night: Night) -> None:
    data, exposures, out = night
    before = {path: path.read_bytes() for path in (data, *exposures)}
    for path, error, message in [
        (data, ValueError, "the output must not be an input: .*med.fits"),
        (exposures[2], ValueError, "the output must not be an input: .*e2_flt.fits"),
        (data.parent, IsADirectoryError, "the summary .* is a folder"),
        (data.parent / "no" / "s.json", FileNotFoundError, "there is no folder .* s.json in"),
        (out / "e0_flt_sci1_blt.fits", ValueError, "the summary is JSON, and .* of a FITS file"),
        ("~/no/s.json", FileNotFoundError, "there is no folder [^~]*/no to write s.json in"),
        (3, TypeError, "summary must be the name of a file, got int"),
    ]:
        with pytest.raises(error, match=message):
            cblot.blot_exposures(data, exposures, out, summary=path)
    assert {path: path.read_bytes() for path in before} == before
    assert list(out.iterdir()) == []


def test_a_broken_log_loses_no_chip(night: Night) -> None:
    """Nothing that goes wrong in telling is a failure of the work, or ends it."""

    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError("the terminal is gone")

    data, exposures, out = night
    logger, handler = logging.getLogger("cblot.progress"), Broken()
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        result = cblot.blot_exposures(data, [*exposures, "none.fits"], out, jobs=2)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert (result.count("done"), result.count("failed"), result.finished) == (10, 1, 6)


def test_unused_values_are_told(night: Night, caplog: pytest.LogCaptureFixture) -> None:
    data, exposures, out = night
    cblot.blot_exposures(data, exposures[:1], out, outnx=100)
    assert "outnx not used, as user_wcs is no" in caplog.text


def test_a_quiet_run_has_its_warnings_in_the_summary(night: Night) -> None:
    data, exposures, out = night
    apart = files.write_reference(data.with_name("apart_flt.fits"), CRVAL1=160.0)
    for quiet in ((), ("-q",)):
        run = process("-m", "cblot", "blot", data, exposures[0], apart, "-o", f"{out}/", *quiet)
        _, errors = run.communicate(timeout=60)
        assert run.returncode == 0
        told = json.loads((out / "cblot_summary.json").read_text())
        assert [len(o["warnings"]) for o in told["outcomes"]] == [0, 0, 1]
        assert errors.count("covers no pixel") == (0 if quiet else 1)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"jobs": 0}, ValueError, "jobs must be at least 1, got 0"),
        ({"jobs": 1.5}, TypeError, "jobs must be a whole number, got 1.5"),
        ({"references": []}, ValueError, "there is nothing to blot without references"),
        ({"references": None}, TypeError, "references must be exposures, got NoneType"),
        ({"outdir": 3}, TypeError, "outdir must be the name of a folder, got int"),
        ({"outdir": None}, TypeError, "outdir must be the name of a folder, got NoneType"),
        ({"source": "none.fits"}, FileNotFoundError, "data: there is no file none.fits"),
        ({"interp": "poly4"}, ValueError, "interpol has no value 'poly4'"),
        ({"nothing": 1}, ValueError, "nothing"),
    ],
)
def test_bad_arguments(night: Night, change: dict[str, Any], error: Any, message: str) -> None:
    data, exposures, out = night
    arguments: dict[str, Any] = {"source": data, "references": exposures, "outdir": out}
    with pytest.raises(error, match=message):
        cblot.blot_exposures(**(arguments | change))
    assert not out.exists()


def test_folder_that_is_a_file(night: Night) -> None:
    data, exposures, _ = night
    before = data.read_bytes()
    with pytest.raises(NotADirectoryError, match="outdir must be a folder, got the file"):
        cblot.blot_exposures(data, exposures, data)
    assert data.read_bytes() == before


# The command line where a disk takes two chips, and says so when a third one is flushed.
TAKES_TWO = """
import errno, os, sys
from cblot.files import replace
from cblot.__main__ import main

flush, room = replace._flush, [1, 1]

def flush_if_there_is_room(path):
    if not room:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    room.pop()
    flush(path)

replace._flush = flush_if_there_is_room
sys.exit(main())
"""


@pytest.mark.parametrize("when", ["written", "flushed"])
def test_full_disk(night: Night, when: str) -> None:
    """What fits is there; the others have their reason, and leave nothing."""
    data, exposures, out = night
    with fits.open(exposures[0], mode="update") as hdus:
        for hdu in hdus[1:]:
            hdu.data = hdu.data[:8]
    small = cblot.blot_exposures(data, exposures[:1], out.with_name("small")).outputs
    limit = max(path.stat().st_size for path in small)

    def preexec() -> None:
        """No file may become larger than the first exposure's: the kernel cuts it off."""
        if when == "written":
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    run = process(
        *(("-m", "cblot") if when == "written" else ("-c", TAKES_TWO)), "blot", data, *exposures,
        "-o", f"{out}/", "--jobs", "2", "--summary", "-", preexec_fn=preexec,
    )  # fmt: skip
    output, errors = run.communicate(timeout=120)
    assert run.returncode == 1
    assert "Traceback" not in errors
    told = json.loads(output)
    assert told["chips"] == {"done": 2, "skipped": 0, "failed": 8}
    for outcome in told["outcomes"]:
        if outcome["status"] == "failed":
            assert re.search("No space left|too large|no room for it", outcome["reason"])
    whole = {Path(o["output"]).name for o in told["outcomes"] if o["status"] == "done"}
    assert contents(out).keys() == whole
    for name in whole:
        assert np.isfinite(fits.getdata(out / name)).all()


def interrupted_after_a_file(command: tuple[Any, ...], out: Path, presses: int) -> Any:
    run = process(*command)
    while not list(out.glob("x*_blt.fits")):
        time.sleep(0.005)
        assert run.poll() is None
    for _ in range(presses):
        run.send_signal(signal.SIGINT)
        time.sleep(0.005)
    return run


def many_command(night: Night) -> tuple[Any, ...]:
    data, _, out = night
    exposures = [
        files.write_reference(data.with_name(f"x{k}_flt.fits"), chips=2) for k in range(60)
    ]
    return ("-m", "cblot", "blot", data, *exposures, "-o", f"{out}/", "--jobs", "2")


def test_interrupted_again_and_again(night: Night) -> None:
    """However impatient: what is there is whole."""
    out, command = night[2], many_command(night)
    run = interrupted_after_a_file(command, out, 4)
    run.communicate(timeout=60)
    assert run.returncode != 0
    there = list(out.glob("*_blt.fits"))
    assert 0 < len(there) < 120
    assert all(images.made_of(path) for path in there)


def test_interrupted(night: Night) -> None:
    """Ctrl-C finishes the chips that are begun, and the summary tells; a second run resumes."""
    out, command = night[2], many_command(night)
    run = interrupted_after_a_file(command, out, 1)
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "Traceback" not in errors
    assert re.search(r"cblot blot: interrupted after \d+ of 60 exposures", errors)
    told = json.loads((out / "cblot_summary.json").read_text())
    assert told["interrupted"]
    assert not told["ok"]
    finished = {Path(o["output"]).name for o in told["outcomes"]}
    assert 0 < len(finished) < 120
    assert contents(out).keys() == finished | {"cblot_summary.json"}
    again = process(*command, "--resume")
    _, errors = again.communicate(timeout=120)
    assert again.returncode == 0, errors
    told = json.loads((out / "cblot_summary.json").read_text())
    assert told["chips"] == {"done": 120 - len(finished), "skipped": len(finished), "failed": 0}


def test_jobs_without_end(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more threads than there are chips to make, nor than 1024."""
    data, exposures, out = night
    started: list[int] = []
    start = threading.Thread.start

    def counted(thread: threading.Thread) -> None:
        started.append(1)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", counted)
    result = cblot.blot_exposures(data, exposures, out, jobs=10**9, threads=10**9)
    assert (result.ok, result.jobs) == (True, 1024)
    assert 1 <= len(started) <= 15
    started.clear()
    assert cblot.blot_exposures(data, exposures, out, jobs=3).ok
    assert 1 <= len(started) <= 3
    started.clear()
    assert cblot.blot_exposures(data, exposures[:1], out, jobs=3).ok
    assert 1 <= len(started) <= 3
