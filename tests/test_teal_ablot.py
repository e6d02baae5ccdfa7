"""`teal.load("ablot")`: drizzlepac's parameters where it is there, else cblot's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import task_files as files
from cblot.tasks import parameters

pytest.importorskip("stsci.tools.teal")

WITHOUT = "import sys; sys.modules['drizzlepac'] = None\n"


def run(folder: Path, code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "HOME": str(folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_drizzlepac(tmp_path: Path) -> None:
    files.write_data(tmp_path / "med.fits")
    files.write_reference(tmp_path / "flt.fits")
    code = f"""{WITHOUT}
import cblot
from stsci.tools import teal
for out, keywords in (("a.fits", {{}}), ("b.fits", {{"defaults": True}})):
    task = teal.load("ablot", **keywords)
    assert task["_task_name_"] == "ablot", task
    assert task["legacy"] is False and task["interpol"] == "poly5", task
    print(cblot.ablot.blot("med.fits", "flt.fits", out, configObj=task)[0])
task = teal.load("ablot")
task["data"], task["reference"], task["outdata"] = "med.fits", "flt.fits", "c.fits"
print(task.run()[0])
assert "cblot" in task.getHelpAsString()
assert teal.load("cblot")["_task_name_"] == "cblot"
"""
    assert run(tmp_path, code).split() == ["a.fits", "b.fits", "c.fits"]


@pytest.mark.slow
@pytest.mark.parametrize("order", ["cblot, drizzlepac.ablot", "drizzlepac.ablot, cblot"])
def test_with_drizzlepac(tmp_path: Path, order: str) -> None:
    pytest.importorskip("drizzlepac.ablot")
    code = f"""
import {order}
from stsci.tools import teal
for task in (teal.load('ablot'), teal.load('ablot', defaults=True)):
    assert 'legacy' not in task, task
    assert task['_task_name_'] == 'ablot', task
print(drizzlepac.ablot.util.getDefaultConfigObj('ablot', None).filename)
"""
    assert "/drizzlepac/" in run(tmp_path, code).strip()


@pytest.mark.parametrize("ending", ["cfg", "cfgspc"])
def test_it_is_the_same_table(ending: str) -> None:
    ours = (parameters.PARS / f"cblot.{ending}").read_text()
    theirs = (parameters.PARS / "ablot" / f"ablot.{ending}").read_text()
    first, *others = theirs.splitlines()
    assert [first.replace("ablot", "cblot"), *others] == ours.splitlines()
