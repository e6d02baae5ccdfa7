"""`python -m benchmarks.versus`: cblot against drizzlepac, drizzle, scipy and reproject.

At every roll and scale of the clean image, with detector tables on one axis and on both, from 20 x
20 pixels to 100 million: each call beside its peer's in one process, in turn, on one thread.
Prints tables in Markdown of the peer's time over cblot's, the worst of each row beside the best. A
ratio is the median of the rounds', of processor time; of threads, of time by the clock.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import statistics
import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import cblot

from . import measure, scene
from .cases import POSES, Case, on_one_thread, on_threads
from .shown import Measured, chart, markdown

PEERS = ("drizzlepac", "drizzle", "scipy", "reproject")
QUICK = (200, 300)


def compare(case: Case, rounds: int, *, quick: bool) -> Measured:
    at = scene.at(case.place)
    calls = [partial(case.first, at), partial(case.second, at)]
    peaks: tuple[int | None, ...] = (None, None)
    if not quick:  # which is the first call of each, too: some things are made once
        peaks = tuple(measure.peak_memory(call) for call in calls)
    least = 0.0 if quick else measure.LEAST_SECONDS
    first, second = measure.interleaved(calls, rounds, case.table.clock, least)
    ratios = [a / b for a, b in zip(first, second, strict=True)]
    return Measured(
        case, (statistics.median(first), statistics.median(second)), statistics.median(ratios),
        (min(ratios), max(ratios)), peaks, at.pixels,
    )  # fmt: skip


def machine() -> dict[str, Any]:
    packages = {}
    for name in ("cblot", "numpy", "astropy", *PEERS):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = None
    info = Path("/proc/cpuinfo")
    models = [
        line.split(":", 1)[1].strip()
        for line in (info.read_text().splitlines() if info.exists() else [])
        if line.startswith("model name")
    ]
    return {
        "processor": models[0] if models else platform.processor(),
        "processors": os.cpu_count(), "packages": packages, "build": cblot.build_info(),
        "scene": scene.exposure()[2],
    }  # fmt: skip


def _missing(case: Case) -> str:
    package, file = case.table.package, scene.FILES.get(case.place.tables)
    if package and importlib.util.find_spec(package) is None:
        return f"{package} is not installed"
    if file and file != scene.FILE and not (scene.DATA / file).exists():
        return f"there is no {file} in {scene.DATA}"
    return ""


def chosen(arguments: argparse.Namespace) -> list[Case]:
    cases = on_one_thread() + on_threads(arguments.threads)
    if arguments.quick:
        for k, case in enumerate(cases):
            shape = tuple(min(pair) for pair in zip(case.place.shape, QUICK, strict=True))
            cases[k] = replace(case, place=replace(case.place, shape=shape, around=QUICK))
    left_out = sorted({_missing(case) for case in cases} - {""})
    for reason in left_out:
        print(f"left out: {reason}", file=sys.stderr)
    return [
        case for case in cases
        if not _missing(case)
        and (not arguments.roll or case.place.roll in arguments.roll)
        and any(text in case.name for text in arguments.case)
    ]  # fmt: skip


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.versus", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here, too")
    parser.add_argument("--plot", type=Path, metavar="PNG", help="draw the ratios")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument(
        "--case", action="append", metavar="TEXT",
        help="only cases with this in 'table: row, column'; may be given again",
    )  # fmt: skip
    parser.add_argument(
        "--roll", type=float, action="append", choices=sorted({p.roll for p in POSES}),
        help="only this one, in degrees; may be given again",
    )  # fmt: skip
    parser.add_argument(
        "--quick", action="store_true",
        help=f"one round of {QUICK[0]} x {QUICK[1]} pixels: that all runs, no figures to quote",
    )  # fmt: skip
    parser.add_argument("--threads", type=int, default=max(cblot.build_info()["threads"], 2))
    arguments = parser.parse_args(argv)
    arguments.case = arguments.case or [""]
    if arguments.quick:
        arguments.rounds = 1
    return arguments


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parse(argv)
    warnings.simplefilter("ignore")
    cases = chosen(arguments)
    results = []
    for k, case in enumerate(cases, 1):
        measured = compare(case, arguments.rounds, quick=arguments.quick)
        results.append(measured)
        print(f"{k}/{len(cases)}  {case.name}: {measured.ratio:.3g}", file=sys.stderr, flush=True)
    print(markdown(results))
    about = machine()
    if arguments.json:
        figures = {"machine": about, "results": [m.as_dict() for m in results]}
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
    if arguments.plot:
        chart(results, f"{about['scene']}, on {about['processor']}", arguments.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
