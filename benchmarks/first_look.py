"""`python -m benchmarks.first_look`: do_blot against drizzlepac on an ACS/WFC-sized chip.

Interleaved, best of several, one process. The geometry is the demo's, enlarged to a whole chip.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import numpy as np

import cblot


def best(call: Callable[[], object], rounds: int = 3) -> list[float]:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return times


def main() -> None:
    from astropy.wcs import WCS
    from drizzlepac import ablot

    warnings.simplefilter("ignore")
    blot_wcs, source_wcs = WCS(naxis=2), WCS(naxis=2)
    for wcs, shape, cd in (
        (blot_wcs, (2048, 4096), [[1.29e-5, 5.95e-6], [5.02e-6, -1.264e-5]]),
        (source_wcs, (4237, 4214), [[1.2787e-5, 5.4215e-6], [5.4215e-6, -1.2787e-5]]),
    ):
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.crval = [5.63, -72.05]
        wcs.wcs.crpix = [shape[1] / 2, shape[0] / 2]
        wcs.wcs.cd = cd
        wcs.array_shape = shape
        wcs.wcs.set()
        wcs.pscale = np.hypot(cd[0][0], cd[1][0]) * 3600
    source = np.random.default_rng(0).normal(10, 1, source_wcs.array_shape).astype("f4")
    print(f"{'interpolant':<12}{'cblot ns/px':>12}{'drizzlepac':>12}{'ratio':>8}")
    for interp in cblot.interpolants()[:8]:
        ours, theirs = [], []
        has_peer = interp in ("nearest", "linear", "poly3", "poly5", "sinc")
        for _ in range(3):
            ours += best(
                lambda k=interp: cblot.do_blot(source, source_wcs, blot_wcs, 1.0, interp=k), 1
            )
            if has_peer:
                theirs += best(
                    lambda k=interp: ablot.do_blot(source, source_wcs, blot_wcs, 1.0, interp=k), 1
                )
        pixels = 2048 * 4096
        mine = min(ours) / pixels * 1e9
        peer = min(theirs) / pixels * 1e9 if theirs else float("nan")
        print(f"{interp:<12}{mine:>12.1f}{peer:>12.1f}{peer / mine:>8.1f}")


if __name__ == "__main__":
    main()
