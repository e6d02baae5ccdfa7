"""What users are told: remarks are values, and warnings point at the caller's line."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cblot
import task_files as files
from task_files import Night


@contextmanager
def silent_log() -> Iterator[None]:
    """Nothing is logged at all, as some hosts have it."""
    logger = logging.getLogger("cblot")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        logger.setLevel(level)


@pytest.mark.parametrize("jobs", [1, 3])
def test_remarks_do_not_go_by_way_of_the_log(night: Night, jobs: int) -> None:
    data, exposures, out = night
    apart = files.write_reference(data.with_name("apart_flt.fits"), CRVAL1=160.0)
    rates = files.write_reference(data.with_name("rate_flt.fits"), BUNIT="COUNTS/S")
    with silent_log():
        result = cblot.blot_exposures(
            data, [*exposures, apart, rates], out, jobs=jobs, outnx=100, skyval=3.0
        )
    told = {o.reference: o.warnings for o in result.outcomes}
    assert [len(told[str(path)]) for path in (exposures[0], apart, rates)] == [1, 2, 2]
    assert "skyval is not used" in told[str(exposures[0])][0]
    assert "covers no pixel of apart_flt.fits[SCI,1]" in told[str(apart)][1]
    assert "it is added as it is, without a gain" in told[str(rates)][1]
    assert ["outnx not used" in text for text in result.warnings] == [True]


def test_a_broken_log_is_no_failure(night: Night) -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError("the log is broken")

    data, exposures, out = night
    logger, handler = logging.getLogger("cblot"), Broken(logging.WARNING)
    logger.addHandler(handler)
    try:
        result = cblot.blot_exposures(data, exposures, out, skyval=3.0)
    finally:
        logger.removeHandler(handler)
    assert result.ok
    assert all(len(outcome.warnings) == 1 for outcome in result.outcomes)


def test_remarks_are_logged_once(night: Night, caplog: pytest.LogCaptureFixture) -> None:
    data, exposures, out = night
    cblot.blot_exposures(data, f"{exposures[0]}[sci,1]", out, outnx=100, skyval=3.0)
    assert caplog.text.count("skyval is not used") == caplog.text.count("outnx not used") == 1


def doors(folder: Path) -> dict[str, Callable[[], Any]]:
    names = {"data": str(folder / "med.fits"), "reference": str(folder / "flt.fits"),
             "outdata": str(folder / "out.fits")}  # fmt: skip
    image, pixmap = np.ones((9, 9), np.float32), np.ones((3, 3, 2))
    return {
        "blot": lambda: cblot.blot(**names, outnx=100),
        "ablot.blot": lambda: cblot.ablot.blot(**names, outnx=100),
        "run": lambda: cblot.ablot.run({**names, "outnx": 100}),
        "blot_image": lambda: cblot.blot_image(image, pixmap, 1.0),
    }


@pytest.mark.parametrize("door", ["blot", "ablot.blot", "run", "blot_image"])
def test_warnings_point_at_the_callers_line(tmp_path: Path, door: str) -> None:
    files.write_data(tmp_path / "med.fits")
    files.write_reference(tmp_path / "flt.fits")
    call = doors(tmp_path)[door]
    with pytest.warns((UserWarning, DeprecationWarning)) as caught:
        call()
    assert [w.filename for w in caught] == [__file__]
    assert caught[0].lineno == call.__code__.co_firstlineno


def test_other_warnings_too(tmp_path: Path) -> None:
    """Each is made at another depth."""
    data = files.write_data(tmp_path / "med.fits", CRVAL1=151.0)
    reference = files.write_reference(tmp_path / "flt.fits")
    with pytest.warns(UserWarning, match="covers no pixel") as caught:
        cblot.blot(data, reference, tmp_path / "out.fits")
    assert [w.filename for w in caught] == [__file__]


def test_warnings_of_patched_calls(tmp_path: Path) -> None:
    ablot = pytest.importorskip("drizzlepac.ablot")
    data, reference = files.write_data(tmp_path / "med.fits"), tmp_path / "flt.fits"
    files.write_reference(reference)
    names = {"data": str(data), "reference": str(reference), "outdata": str(tmp_path / "o.fits")}
    calls = (lambda: ablot.blot(**names, outnx=100), lambda: ablot.run({**names, "outnx": 100}))
    for call in calls:
        with cblot.patch_drizzlepac(), pytest.warns(UserWarning, match="outnx not used") as caught:
            call()
        assert [w.filename for w in caught] == [__file__]


def test_warnings_by_way_of_teal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    teal = pytest.importorskip("stsci.tools.teal")
    monkeypatch.setenv("HOME", str(tmp_path))
    files.write_data(tmp_path / "med.fits")
    files.write_reference(tmp_path / "flt.fits")
    task = teal.load("cblot")
    for key, name in (("data", "med"), ("reference", "flt"), ("outdata", "out")):
        task[key] = str(tmp_path / f"{name}.fits")
    task["User WCS Parameters"]["outnx"] = 100
    with pytest.warns(UserWarning, match="outnx not used") as caught:
        task.run()
    assert [w.filename for w in caught] == [__file__]


INSTEAD = {"data": "source", "reference": "references", "outdata": "outdir"}


@pytest.mark.parametrize("name", INSTEAD)
@pytest.mark.parametrize("value", ["other.fits", "", None])
def test_arguments_of_another_task(night: Night, name: str, value: Any) -> None:
    """By keyword they can only be a mistake: the task's own stand beside them."""
    data, exposures, out = night
    message = f"blot_exposures has no parameter {name}; pass {INSTEAD[name]}"
    with pytest.raises(TypeError, match=message):
        cblot.blot_exposures(data, exposures, out, **{name: value})
    assert not out.exists()


def test_a_configuration_of_one_exposure(night: Night) -> None:
    """Its names are not used, and where they differ that is told."""
    data, exposures, out = night
    same = {"data": str(data), "reference": str(exposures[1]), "outdata": str(out)}
    for config in (same, {"data": "", "reference": "", "outdata": "INDEF"}):
        result = cblot.blot_exposures(data, exposures[:2], out, config)
        assert (result.ok, result.warnings) == (True, [])
    path = out.with_name("my.cfg")
    path.write_text("data = other.fits\nreference = 'x.fits[1]'\noutdata = y.fits\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = cblot.blot_exposures(data, exposures[:1], out, path)
    assert result.ok
    assert result.warnings == [
        "configObj's data, other.fits, is not used: source counts",
        "configObj's reference, x.fits[1], is not used: references counts",
        "configObj's outdata, y.fits, is not used: outdir counts",
    ]
    assert not out.with_name("y.fits").exists()
    assert sorted(out.glob("*")) == sorted([*result.outputs, *out.glob("e1_*")])
