"""Prints how far each interpolant is from the oracle and the peers: `python tests/differences.py`.

Each row: greatest difference over the greatest absolute value of the image, for positions that are
float32 numbers; interior means that the whole kernel is inside the image.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from drizzle import resample
from drizzlepac import cdriz

import cblot
import oracle

REACH = {"nearest": 1, "linear": 1, "poly3": 2, "poly5": 3, "spline3": 2, "sinc": 8,
         "lanczos3": 3, "lanczos5": 5}  # fmt: skip


def drizzlepac(image: np.ndarray, pixmap: np.ndarray, interp: str) -> np.ndarray:
    out = np.zeros(pixmap.shape[:2], dtype="f4")
    rows = iter(pixmap)

    def callback(x: Any, y: Any) -> Any:
        row = next(rows)
        return row[:, 0] + 1.0, row[:, 1] + 1.0

    ny, nx = image.shape
    cdriz.tblot(image, out, 1, nx, 1, ny, 1.0, 1.0, 1.0, 1.0, "center", interp, 1.0, 0.0, 1.0, 1,
                callback)  # fmt: skip
    return out


def main() -> None:
    rng = np.random.default_rng(0)
    image = rng.normal(0.0, 1.0, (64, 56))
    single = image.astype("f4")
    size = np.abs(image).max()
    pixmap = (rng.uniform(0, 1, (200, 100, 2)) * (55.999, 63.999)).astype("f4").astype("f8")
    x, y = pixmap[..., 0], pixmap[..., 1]
    header = ("interpolant", "zone", "float32", "float64", "drizzlepac", "drizzle", "classic bits")
    print(("{:<12}{:<10}" + "{:>13}" * 5).format(*header))
    for interp, reach in REACH.items():
        inner = (x >= reach) & (x < 56 - reach) & (y >= reach) & (y < 64 - reach)
        ours = cblot.blot_image(single, pixmap, interp=interp)
        double = cblot.blot_image(image, pixmap, interp=interp, out_img=np.empty(x.shape))
        truth32 = oracle.blot(single, x, y, interp)
        truth64 = oracle.blot(image, x, y, interp)
        has_peer = interp in ("nearest", "linear", "poly3", "poly5")
        peers = {}
        if has_peer:
            peers = {
                "drizzlepac": drizzlepac(single, pixmap, interp),
                "drizzle": resample.blot_image(single, pixmap, interp=interp),
            }
            classic = cblot.blot_image(single, pixmap, interp=interp, classic=True)
        for zone, where in (("interior", inner), ("edges", ~inner)):
            cells = [
                np.abs(ours - truth32)[where].max() / size,
                np.abs(double - truth64)[where].max() / size,
            ]
            with np.errstate(over="ignore", invalid="ignore"):
                cells += [np.abs(ours - p)[where].max() / size for p in peers.values()]
            text = [f"{c:.1e}" for c in cells] + ["-"] * (4 - len(cells))
            if has_peer:
                bits = (classic.view("i4") != peers["drizzle"].view("i4"))[where].sum()
                text.append(f"{bits}/{where.sum()}")
            else:
                text.append("-")
            print(("{:<12}{:<10}" + "{:>13}" * 5).format(interp, zone, *text))


if __name__ == "__main__":
    main()
