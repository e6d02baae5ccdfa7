"""`python -m benchmarks.versus`: cblot against drizzlepac, drizzle, scipy and reproject.

Interleaved in one process, best of several rounds. Ratios are the peer's time over cblot's.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import warnings
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import cblot

from . import cases, measure
from .scene import chip, plain

PEERS = ("drizzlepac", "drizzle", "scipy", "reproject")
MEGAPIXELS = (1, 4, 16, 100)


def compare(case: cases.Case, rounds: int, threads: int) -> dict[str, Any]:
    calls = [case.peer, lambda: case.ours(1), lambda: case.ours(threads)]
    times = measure.interleaved(calls, rounds)
    peer, one, all_ = (min(t) for t in times)
    pixels = chip().pixels
    row: dict[str, Any] = {
        "case": case.name, "against": case.against, "note": case.note,
        "ns_per_pixel": one / pixels * 1e9, "ns_per_pixel_threads": all_ / pixels * 1e9,
        "seconds": one, "seconds_threads": all_, "threads": threads,
        "scaling": one / all_, "peak_bytes": measure.peak_memory(calls[1]),
    }  # fmt: skip
    if case.against:
        row |= {
            "peer_seconds": peer, "peer_ns_per_pixel": peer / pixels * 1e9,
            "ratio": peer / one, "ratio_threads": peer / all_,
            "median_ratio": statistics.median(
                a / b for a, b in zip(times[0], times[1], strict=True)
            ),
            "peer_peak_bytes": measure.peak_memory(calls[0]),
        }  # fmt: skip
    return row


def scaling(rounds: int, threads: int) -> list[dict[str, Any]]:
    """Cost a pixel of poly5 as images grow, one thread and several."""
    scenes = [plain(m * 10**6) for m in MEGAPIXELS]
    calls = [
        lambda s=s, n=n: cblot.do_blot(s.source, s.source_wcs, s.blot_wcs, 1.0, threads=n)
        for s in scenes
        for n in (1, threads)
    ]
    best = [min(t) for t in measure.interleaved(calls, rounds)]
    rows = []
    for k, scene in enumerate(scenes):
        one, several = best[2 * k : 2 * k + 2]
        rows.append(
            {
                "megapixels": scene.pixels / 1e6,
                "ns_per_pixel": one / scene.pixels * 1e9,
                "ns_per_pixel_threads": several / scene.pixels * 1e9,
                "scaling": one / several,
                "over_smallest": one / scene.pixels / (best[0] / scenes[0].pixels),
                "peak_bytes_beyond_output": (measure.peak_memory(calls[2 * k]) or 0)
                - 4 * scene.pixels,
            }
        )
    return rows


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
        "scene": chip().name,
    }  # fmt: skip


def _megabytes(row: dict[str, Any], key: str) -> str:
    return "" if row.get(key) is None else f"{row[key] / 1e6:.0f}"


def print_table(rows: Sequence[dict[str, Any]], threads: int) -> None:
    print(f"{'':26}{'':12}{'ns a pixel':>24}{'':4}{'ratio':>14}{'peak MB':>14}")
    print(
        f"{'case':<26}{'against':<12}{'peer':>8}{'cblot':>8}{f'x{threads}':>8}"
        f"{'1 thread':>10}{f'{threads}':>8}{'peer':>8}{'cblot':>6}  note"
    )
    for r in rows:
        peer = f"{r['peer_ns_per_pixel']:8.1f}" if r["against"] else f"{'':8}"
        ratios = f"{r['ratio']:10.1f}{r['ratio_threads']:8.1f}" if r["against"] else f"{'':18}"
        print(
            f"{r['case']:<26}{r['against']:<12}{peer}{r['ns_per_pixel']:8.2f}"
            f"{r['ns_per_pixel_threads']:8.2f}{ratios}{_megabytes(r, 'peer_peak_bytes'):>8}"
            f"{_megabytes(r, 'peak_bytes'):>6}  {r['note']}".rstrip()
        )


def print_scaling(rows: Sequence[dict[str, Any]], threads: int) -> None:
    print(
        f"\n{'poly5, Mpx':<12}{'ns a pixel':>12}{f'x{threads}':>8}{'1 over ' + str(threads):>10}"
        f"{'over 1 Mpx':>12}{'MB beyond output':>18}"
    )
    for r in rows:
        print(
            f"{r['megapixels']:<12.1f}{r['ns_per_pixel']:12.2f}{r['ns_per_pixel_threads']:8.2f}"
            f"{r['scaling']:10.2f}{r['over_smallest']:12.2f}"
            f"{r['peak_bytes_beyond_output'] / 1e6:18.1f}"
        )


def plot(rows: Sequence[dict[str, Any]], threads: int, path: Path) -> None:
    """Bar chart of the ratios."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    shown = [r for r in rows if r["against"]][::-1]
    figure, axes = plt.subplots(figsize=(8.5, 0.32 * len(shown) + 1.2), layout="constrained")
    at = range(len(shown))
    axes.barh([y - 0.2 for y in at], [r["ratio_threads"] for r in shown], 0.4,
              color="#9ecae1", label=f"cblot, {threads} threads")  # fmt: skip
    axes.barh([y + 0.2 for y in at], [r["ratio"] for r in shown], 0.4,
              color="#08519c", label="cblot, one thread")  # fmt: skip
    for y, r in zip(at, shown, strict=True):
        axes.text(r["ratio"] * 1.04, y + 0.2, f"{r['ratio']:.1f}", va="center", fontsize=7)
        axes.text(r["ratio_threads"] * 1.04, y - 0.2, f"{r['ratio_threads']:.1f}", va="center",
                  fontsize=7, color="#555555")  # fmt: skip
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set_yticks(list(at), [f"{r['case']}  ({r['against']})" for r in shown], fontsize=8)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("times faster than the peer on the same machine")
    axes.set_title(f"4096 x 2048 pixels of {chip().name}", fontsize=9)
    axes.legend(fontsize=8, loc="upper right")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.versus", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here, too")
    parser.add_argument("--plot", type=Path, metavar="PNG", help="draw the ratios")
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--only", default="", help="only cases whose name or peer has this in it")
    parser.add_argument("--no-scaling", action="store_true", help="leave out the growing images")
    parser.add_argument("--threads", type=int, default=cblot.build_info()["threads"])
    arguments = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    rows = []
    for group in cases.GROUPS:
        try:
            found = list(group())
        except ImportError as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        for case in found:
            if arguments.only in f"{case.name} {case.against}":
                print(f"\r{case.name:<40}", end="", file=sys.stderr, flush=True)
                rows.append(compare(case, arguments.rounds, arguments.threads))
    print("\r" + " " * 40 + "\r", end="", file=sys.stderr)
    print_table(rows, arguments.threads)
    grown = [] if arguments.no_scaling else scaling(arguments.rounds, arguments.threads)
    if grown:
        print_scaling(grown, arguments.threads)
    if arguments.json:
        figures = {"machine": machine(), "rows": rows, "scaling": grown}
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
    if arguments.plot:
        plot(rows, arguments.threads, arguments.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
