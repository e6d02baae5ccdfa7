"""The tasks beside drizzlepac's: file to file, and the blot step inside AstroDrizzle.

``python -m benchmarks.tasks`` prints both; it needs the real geometry of the tests' data folder,
and the bench extra. One core, unless ``--threads`` says otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import scene

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("CBLOT_TEST_DATA", ROOT.parent / "shared" / "data"))

# A process of its own each, as a user's script: its time has the start of the interpreter in it.
# (Its peak is not getrusage's, in which Linux has what the parent held.)
TASK = """
import re, warnings
warnings.simplefilter("ignore")
from {package} import ablot
ablot.blot("med.fits", "flt.fits[sci,1]", "{package}.fits", configObj="defaults")
print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""


def overrides(folder: Path, threads: int) -> dict[str, str]:
    """A home of its own, where drizzlepac's task can't find anyone's parameters."""
    count = str(threads)
    return {"HOME": str(folder), "CBLOT_NUM_THREADS": count, "OMP_NUM_THREADS": count}


def environment(folder: Path, threads: int) -> dict[str, str]:
    """The process's, with those."""
    return {**os.environ, **overrides(folder, threads)}


def write_pair(folder: Path) -> None:
    from astropy.io import fits

    from cblot import geometry

    chip = scene.chip()
    header = fits.Header({"EXPTIME": 1600.0, "MDRIZSKY": 1.0, "BUNIT": "ELECTRONS/S"})
    header.update(geometry.linear_keywords(chip.source_wcs))
    fits.PrimaryHDU(chip.source, header).writeto(folder / "med.fits")
    with fits.open(DATA / scene.FILE) as hdus:
        for hdu in hdus:
            if hdu.name == "SCI":
                hdu.header["MDRIZSKY"] = 40.0
                hdu.data = np.zeros(hdu.shape, np.float32)
        hdus.writeto(folder / "flt.fits")


def file_to_file(rounds: int, threads: int) -> dict[str, Any]:
    """Seconds and megabytes of each package's task on one ACS/WFC chip."""
    seconds: dict[str, list[float]] = {"drizzlepac": [], "cblot": []}
    peak: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_pair(folder)
        for k in range(rounds + 1):
            for package, times in seconds.items():
                start = time.perf_counter()
                done = subprocess.run(
                    [sys.executable, "-c", TASK.format(package=package)],
                    cwd=folder, env=environment(folder, threads), text=True,
                    capture_output=True, check=True,
                )  # fmt: skip
                if k:  # the first is for the file system's cache
                    times.append(time.perf_counter() - start)
                peak[package] = int(done.stdout.split()[-1]) / 1024.0
    return {"seconds": seconds, "megabytes": peak}


def _timed(function: Any, *arguments: Any, **keywords: Any) -> float:
    start = time.perf_counter()
    function(*arguments, **keywords)
    return time.perf_counter() - start


def blot_step(rounds: int, threads: int, chips: dict[int, tuple[int, int]]) -> dict[str, Any]:
    """Seconds of AstroDrizzle's blot step, before and after `patch_drizzlepac`.

    AstroDrizzle runs up to that step; then both do it in turn, on its image objects.
    """
    sys.path.insert(0, str(ROOT / "tests"))  # where the scene is
    from drizzlepac import ablot

    import astrodrizzle_scene
    import cblot

    seconds: dict[str, list[float]] = {"drizzlepac": [], "cblot": []}
    own = ablot.runBlot

    def step(*arguments: Any, procSteps: Any = None, **keywords: Any) -> None:  # noqa: N803
        for _ in range(rounds):
            seconds["drizzlepac"].append(_timed(own, *arguments, **keywords))
            with cblot.patch_drizzlepac():
                seconds["cblot"].append(_timed(ablot.runBlot, *arguments, **keywords))

    before = Path.cwd()
    os.environ.update(overrides(before, threads))
    with tempfile.TemporaryDirectory() as name:
        os.environ["HOME"] = name
        os.chdir(name)
        ablot.runBlot = step
        try:
            names = astrodrizzle_scene.make_exposures(
                DATA, Path(name), "WFC", shape=(2048, 4096), corners=chips
            )
            astrodrizzle_scene.run_astrodrizzle(names, driz_cr=False)
        finally:
            ablot.runBlot = own
            os.chdir(before)
    return {"seconds": seconds}


def _row(title: str, result: dict[str, Any]) -> str:
    theirs, ours = (statistics.median(result["seconds"][name]) for name in ("drizzlepac", "cblot"))
    text = f"{title:<40} drizzlepac {theirs:.2f} s, cblot {ours:.2f} s: {theirs / ours:.1f} x"
    if "megabytes" in result:
        memory = result["megabytes"]
        text += f"; peak {memory['drizzlepac']:.0f} MB, {memory['cblot']:.0f} MB: "
        text += f"{memory['cblot'] / memory['drizzlepac']:.2f}"
    return text


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tasks", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here, too")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=1, help="default: %(default)s")
    parser.add_argument(
        "--only", choices=("file", "step"), help="file to file, or AstroDrizzle's step, alone"
    )
    arguments = parser.parse_args(argv)
    if not (DATA / scene.FILE).exists():
        parser.error(f"there is no {scene.FILE} in {DATA}; set CBLOT_TEST_DATA")
    results = {}
    if arguments.only != "step":
        name = "file to file, one ACS/WFC chip"
        results[name] = file_to_file(arguments.rounds, arguments.threads)
        print(_row(name, results[name]), flush=True)
    if arguments.only != "file":
        name = "AstroDrizzle's step, 4 x 2 x 4096 x 2048"
        whole = {1: (0, 0), 2: (0, 0)}
        results[name] = blot_step(arguments.rounds, arguments.threads, whole)
        print(_row(name, results[name]))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
