"""Mosaics and many exposures: the file task beside drizzlepac's, and what a survey costs.

``python -m benchmarks.scale`` prints all; it needs the real geometry of the tests' data folder, the
bench extra, 2 GB of disk and 3 GB of memory (drizzlepac's). One core, unless a row says otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import scene, tasks

MOSAIC = (12_000, 12_000)
CORNER = (3800, 3700)  # of the small median in the mosaic
EXPOSURES = 4
# A survey to plan for.
SURVEY = 100_000

PEAK = r'import re; print(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1])'
# Processes of their own, as users' scripts: their times have the start of the interpreter in them.
ONE = """
import warnings
warnings.simplefilter("ignore")
from {package} import ablot
ablot.blot("mosaic.fits", "e0_flt.fits[sci,1]", "{package}.fits", configObj="defaults")
"""
# drizzlepac is given a process on each core; so many chips each.
THEIRS = """
import sys, time, warnings
warnings.simplefilter("ignore")
from drizzlepac import ablot
start = time.time()
for name in sys.argv[1:]:
    for chip in (1, 2):
        ablot.blot("med.fits", f"{name}[sci,{chip}]", f"d_{name}_{chip}.fits", configObj="defaults")
print(time.time() - start)
"""
OURS = """
import sys, time
import cblot
start = time.time()
result = cblot.blot_exposures("med.fits", sys.argv[1:], "c", jobs=2)
print(time.time() - start)
assert result.count("done") == 8, result
"""
# Has the system drop the mosaic from its cache.
FORGET = """
import os
def forget():
    file = os.open("mosaic.fits", os.O_RDONLY)
    os.fsync(file)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(file)
"""
# Exposure after exposure, the start of the interpreter left out.
CHIPS = (
    FORGET
    + """
import json, resource, sys
import cblot
def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
cold, names = sys.argv[1] == "cold", sys.argv[2:]
cblot.blot_exposures("mosaic.fits", names[:1], "one", jobs=1)
told = [0.0, 0.0, 0, 0]
for name in names:
    if cold:
        forget()
    before = used()
    result = cblot.blot_exposures("mosaic.fits", [name], "one", jobs=1)
    assert result.ok, result.as_dict()
    new = [result.seconds, used() - before, result.bytes_read, result.bytes_written]
    told = [total + value for total, value in zip(told, new)]
print(json.dumps(told))
"""
)
# The same bytes, and nothing else: rows of the window in, a file beside out, flushed, renamed.
BYTES = (
    FORGET
    + """
import sys, time
import numpy as np
from astropy.io import fits
import cblot
path, (y0, y1, x0, x1), count, size = "mosaic.fits", eval(sys.argv[1]), int(sys.argv[2]), 33_621_120
with fits.open(path) as hdus:
    offset, row = hdus[0].fileinfo()["datLoc"], 4 * hdus[0].shape[1]
os.makedirs("b", exist_ok=True)
rows, content, took = bytearray(4 * (x1 - x0)), bytes(size), 0.0
for k in range(count):
    if sys.argv[3] == "cold":
        forget()
    start = time.perf_counter()
    file = os.open(path, os.O_RDONLY)
    for y in range(y0, y1):
        os.preadv(file, [rows], offset + y * row + 4 * x0)
    os.close(file)
    with open(f"b/{k}.tmp", "wb", buffering=0) as out:
        out.write(content)
        os.fsync(out.fileno())
    os.replace(f"b/{k}.tmp", f"b/{k}.fits")
    took += time.perf_counter() - start
print(took)
"""
)


def _run(folder: Path, code: str, *arguments: str, threads: int = 1) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=folder, text=True, capture_output=True,
        env=tasks.environment(folder, threads), check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    answer = call()
    return time.perf_counter() - start, answer


def write_scene(folder: Path) -> None:
    """A median of some 4200 x 4200 pixels, a mosaic around it, and exposures of two chips."""
    from astropy.io import fits

    tasks.write_pair(folder)
    with fits.open(folder / "med.fits", memmap=False) as hdus:
        image, header = hdus[0].data, hdus[0].header.copy()
    mosaic = np.empty(MOSAIC, np.float32)
    mosaic[:] = np.random.default_rng(1).random((1, MOSAIC[1]), dtype=np.float32)
    (y, x), (ny, nx) = CORNER, image.shape
    mosaic[y : y + ny, x : x + nx] = image
    header["CRPIX1"] += x
    header["CRPIX2"] += y
    fits.PrimaryHDU(mosaic, header).writeto(folder / "mosaic.fits")
    for k in range(EXPOSURES):
        shutil.copy(folder / "flt.fits", folder / f"e{k}_flt.fits")


def names() -> list[str]:
    return [f"e{k}_flt.fits" for k in range(EXPOSURES)]


def one_chip(folder: Path, rounds: int) -> dict[str, Any]:
    """Seconds and megabytes of each package's task on one ACS chip, from the mosaic."""
    seconds: dict[str, list[float]] = {"drizzlepac": [], "cblot": []}
    memory: dict[str, float] = {}
    for k in range(rounds + 1):
        for package, times in seconds.items():
            took, told = _timed(lambda p=package: _run(folder, ONE.format(package=p) + PEAK))
            if k:  # the first is for the file system's cache
                times.append(took)
            memory[package] = int(told.split()[-1]) / 1024.0
    return {"seconds": seconds, "megabytes": memory}


def eight_chips(folder: Path, rounds: int) -> dict[str, Any]:
    """Seconds for eight chips from one median on two cores, start-up included and not."""
    half = EXPOSURES // 2
    shares = (names()[:half], names()[half:])

    def theirs() -> float:
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", THEIRS, *share], cwd=folder, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, text=True, env=tasks.environment(folder, 1),
            )
            for share in shares
        ]  # fmt: skip
        told = [process.communicate()[0] for process in processes]
        return max(float(text.split()[-1]) for text in told)

    calls: dict[str, Callable[[], float]] = {
        "drizzlepac": theirs,
        "cblot": lambda: float(_run(folder, OURS, *names(), threads=2).split()[-1]),
    }
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    inside: dict[str, list[float]] = {name: [] for name in calls}
    for k in range(rounds + 1):
        for name, call in calls.items():
            took, alone = _timed(call)
            if k:
                seconds[name].append(took)
                inside[name].append(alone)
    return {"seconds": seconds, "without_start": inside}


def share_of_bytes(folder: Path, rounds: int) -> dict[str, Any]:
    """Seconds of a chip, and of its bytes alone, with the mosaic in the system's cache and not."""
    chips = 2 * EXPOSURES
    result: dict[str, Any] = {}
    for state in ("cached", "cold"):
        whole, alone, cpu = [], [], []
        for k in range(rounds + 1):
            told = json.loads(_run(folder, CHIPS, state, *names()))
            # A window of as many bytes as cblot read for a chip, as wide as the chip is.
            rows = told[2] // chips // (4 * 4200)
            box = f"({CORNER[0]}, {CORNER[0] + rows}, {CORNER[1]}, {CORNER[1] + 4200})"
            bytes_alone = float(_run(folder, BYTES, box, str(chips), state).split()[-1])
            if k:
                whole.append(told[0] / chips)
                cpu.append(told[1] / chips)
                alone.append(bytes_alone / chips)
        result[state] = {
            "seconds": whole, "cpu": cpu, "bytes_alone": alone,
            "read": told[2] / chips, "written": told[3] / chips,
        }  # fmt: skip
    return result


CLUSTER = """
import json, logging, sys
import cblot
from cblot.distributed import blot_exposures
from distributed import Client, LocalCluster
if __name__ == "__main__":
    count = int(sys.argv[1])
    with LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=":0",
                      silence_logs=logging.ERROR) as cluster, Client(cluster) as client:
        names = sys.argv[2:]
        blot_exposures("mosaic.fits", names[:count], "w", client=client)  # workers have imported
        result = blot_exposures("mosaic.fits", names, "w", client=client)
        assert result.ok, result.as_dict()
        print(result.seconds)
"""


def workers(folder: Path, rounds: int) -> dict[str, Any]:
    """Chips a second of 1, 2 and 4 dask workers of one thread on this machine."""
    script = folder / "cluster.py"
    script.write_text(CLUSTER)
    many = names() * 4
    for k, name in enumerate(many):
        if not (folder / f"m{k}_flt.fits").exists():
            os.link(folder / name, folder / f"m{k}_flt.fits")
    exposures = [f"m{k}_flt.fits" for k in range(len(many))]
    rates: dict[str, list[float]] = {}
    for _ in range(rounds):
        for count in (1, 2, 4):
            done = subprocess.run(
                [sys.executable, str(script), str(count), *exposures], cwd=folder, text=True,
                capture_output=True, env=tasks.environment(folder, 1), check=False,
            )  # fmt: skip
            if done.returncode:
                raise RuntimeError(done.stderr)
            rate = 2 * len(exposures) / float(done.stdout.split()[-1])
            rates.setdefault(str(count), []).append(rate)
    return rates


def _median(values: Sequence[float]) -> float:
    return float(statistics.median(values))


def _pair(result: dict[str, Any], key: str = "seconds") -> tuple[float, float]:
    return _median(result[key]["drizzlepac"]), _median(result[key]["cblot"])


def print_plan(cost: dict[str, Any], rates: dict[str, list[float]]) -> None:
    """What SURVEY exposures of two chips cost, by what was measured."""
    chip = cost["cached"]
    cpu, read, written = _median(chip["cpu"]), chip["read"], chip["written"]
    print(f"a chip: {cpu:.3f} CPU s, {read / 1e6:.1f} MB read, {written / 1e6:.1f} MB written")
    one, cores = _median(rates["1"]), os.cpu_count() or 1
    for count in (1, 2, 4):
        model = one * min(count, cores)
        found = _median(rates[str(count)])
        print(f"{count} workers on {cores} cores: {found:.1f} chips/s, by the model {model:.1f}")
    chips = 2 * SURVEY
    volume = chips * (read + written)
    print(f"{SURVEY:,} exposures: {chips * cpu / 3600:.1f} CPU h, {volume / 1e12:.1f} TB moved")
    print("workers   hours   GB/s of the file system")
    for count in (1, 10, 100, 1000):
        rate = count * one
        print(f"{count:>7} {chips / rate / 3600:>7.2f} {rate * (read + written) / 1e9:>8.2f}")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here, too")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary one)")
    parser.add_argument("--only", choices=("one", "eight", "share", "workers"), action="append")
    arguments = parser.parse_args(argv)
    if not (tasks.DATA / scene.FILE).exists():
        parser.error(f"there is no {scene.FILE} in {tasks.DATA}; set CBLOT_TEST_DATA")
    wanted = arguments.only or ["one", "eight", "share", "workers"]
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        write_scene(folder)
        if "one" in wanted:
            results["one"] = one_chip(folder, arguments.rounds)
            theirs, ours = _pair(results["one"])
            memory = results["one"]["megabytes"]
            print(
                f"one chip from {MOSAIC[0]} x {MOSAIC[1]}: drizzlepac {theirs:.2f} s, cblot "
                f"{ours:.2f} s: {theirs / ours:.1f} x; peak {memory['drizzlepac']:.0f} MB, "
                f"{memory['cblot']:.0f} MB: {memory['drizzlepac'] / memory['cblot']:.1f} x less",
                flush=True,
            )
        if "eight" in wanted:
            results["eight"] = eight_chips(folder, arguments.rounds)
            for key, what in (("seconds", "all"), ("without_start", "without start-up")):
                theirs, ours = (8 / seconds for seconds in _pair(results["eight"], key))
                print(
                    f"8 chips, two cores, {what}: drizzlepac {theirs:.2f} chips/s, cblot "
                    f"{ours:.2f}: {ours / theirs:.1f} x",
                    flush=True,
                )
        if "share" in wanted:
            results["share"] = share_of_bytes(folder, arguments.rounds)
            for state, found in results["share"].items():
                whole, alone = _median(found["seconds"]), _median(found["bytes_alone"])
                print(
                    f"a chip, {state}: {whole:.3f} s, its bytes alone {alone:.3f} s: "
                    f"{100 * (whole - alone) / whole:.0f} % in everything else",
                    flush=True,
                )
        if "workers" in wanted:
            results["workers"] = workers(folder, max(1, arguments.rounds // 2))
            if "share" in wanted:
                print_plan(results["share"], results["workers"])
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
