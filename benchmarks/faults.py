"""What cblot, drizzlepac and drizzle do with bad input, each case in a process of its own.

``python -m benchmarks.faults`` prints a table; ``--write docs/faults.md`` writes the page.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("cblot", "drizzlepac", "drizzle")
GOOD = ("right", "clear error")

# The image is a plane, which every interpolant of this page but sinc and Lanczos gives back exactly
# wherever it is asked; so what is right is known without any package's help.
PRELUDE = """
import sys, json, warnings
warnings.simplefilter("ignore")
import numpy as np
NY, NX, FILL = 40, 50, -9.0
jj, ii = np.mgrid[:NY, :NX]
plane = lambda x, y: 100.0 + 0.5 * x + 0.25 * y
image = plane(ii, jj).astype("f4")
x, y = 3.3 + 0.8 * ii[:30, :36], 2.6 + 0.9 * jj[:30, :36]
pixmap = np.stack([x, y], axis=-1)
interp, sinscl, exptime, scale, out = "poly5", 1.0, 1.0, 1.0, None
expected, tolerance = None, 2e-3
"""

BLOT = {
    "cblot": """
import cblot
def blot():
    return cblot.blot_image(image, pixmap, out_img=out, fillval=FILL, exptime=exptime,
                            pix_ratio=scale, interp=interp, sinscl=sinscl)
""",
    "drizzle": """
from drizzle import cdrizzle
def blot():
    result = np.zeros(np.shape(pixmap)[:2], "f4") if out is None else out
    cdrizzle.tblot(image, pixmap, result, scale=scale, kscale=1.0, interp=interp, exptime=exptime,
                   misval=FILL, sinscl=sinscl)
    return result
""",
    "drizzlepac": """
with warnings.catch_warnings():
    from drizzlepac import cdriz
def blot():
    shape = np.shape(pixmap)[:2]
    result = np.zeros(shape, "f4") if out is None else out
    def callback(px, py):
        row = int(py[0]) - 1
        return pixmap[row, :, 0] + 1.0, pixmap[row, :, 1] + 1.0
    cdriz.tblot(image, result, 1, 50, 1, 40, scale, 1.0, 1.0, 1.0, "center", interp, exptime, FILL,
                sinscl, 1, callback)
    return result
""",
}

VERDICT = """
try:
    result = blot()
except Exception as error:
    text = " ".join(str(error).split())
    # A message that says what was wrong, not an accident of the code.
    accident = isinstance(error, (IndexError, KeyError, AttributeError, ArithmeticError))
    accident = accident or "ufunc" in text or text.startswith("Invalid ")
    clear = not accident and len(text) > 12
    kind = "clear error" if clear else "unclear error"
    print(json.dumps([kind, f"{type(error).__name__}: {text}"]))
    sys.exit()
if isinstance(expected, str):
    print(json.dumps(["silently wrong", "no error"]))
    sys.exit()
found = np.asarray(result, dtype=float) if np.ndim(result) else np.zeros((1, 1))
if expected is None:
    wanted = np.where((pixmap[..., 0] >= 0) & (pixmap[..., 0] < NX) & (pixmap[..., 1] >= 0)
                      & (pixmap[..., 1] < NY),
                      plane(pixmap[..., 0], pixmap[..., 1]) * exptime / scale**2, FILL)
else:
    wanted = np.asarray(expected, dtype=float)
if found.shape != wanted.shape:
    print(json.dumps(["silently wrong", f"shape {found.shape}, not {wanted.shape}"]))
    sys.exit()
far = ~np.isclose(found, wanted, rtol=0, atol=tolerance, equal_nan=True)
if not far.any():
    print(json.dumps(["right", ""]))
else:
    worst = np.nanmax(np.where(np.isfinite(found), np.abs(found), 0.0))
    garbage = worst > 1e6 or (~np.isfinite(found) & np.isfinite(wanted)).any()
    what = f"{far.sum()} of {far.size} pixels wrong, {found[far][0]:.6g} for {wanted[far][0]:.6g}"
    print(json.dumps(["garbage" if garbage else "silently wrong", what]))
"""


@dataclass(frozen=True)
class Case:
    """A bad or odd input: what it is, and Python that makes it of the good one."""

    name: str
    change: str


CASES = [
    Case("nothing odd", ""),
    Case("big-endian image", "image = image.astype('>f4')"),
    Case("float64 image", "image = image.astype('f8')"),
    Case("int64 image", "image = 100 + 2 * ii + jj; expected = 100 + 2 * x + y"),
    Case("complex image", "image = image.astype('c8'); expected = 'error'"),
    Case("image of strings", "image = image.astype('U6'); expected = 'error'"),
    Case("1-D image", "image = image.ravel(); expected = 'error'"),
    Case("3-D image", "image = image[None]; expected = 'error'"),
    Case("empty image", "image = image[:0]; expected = 'error'"),
    Case("strided image", "image = np.repeat(np.repeat(image, 2, 0), 3, 1)[::2, ::3]"),
    Case("1 x 1 image, poly5",
         "image = image[:1, :1]; NY = NX = 1; pixmap = pixmap[:3, :3] * 0 + 0.4; "
         "expected = np.full((3, 3), 100.0)"),
    Case("image of two rows, poly5",
         "image = image[:2]; NY = 2; pixmap = pixmap.copy(); pixmap[..., 1] = 0.7"),
    Case("nearest within half a pixel of the far edge",
         "interp = 'nearest'; pixmap = pixmap.copy(); pixmap[:] = (NX - 0.3, NY - 0.3); "
         "expected = np.full(pixmap.shape[:2], plane(NX - 1, NY - 1))"),
    Case("poly3 in the last row",
         "interp = 'poly3'; pixmap = pixmap.copy(); pixmap[..., 1] = NY - 1 + 0.5"),
    Case("poly5 near the top",
         "image = (100 + ((ii * 7 + jj * 13) % 11)).astype('f4'); pixmap = pixmap.copy(); "
         "pixmap[..., 0] = 20.0; pixmap[..., 1] = NY - 1.5; a = image[:, 20].astype(float); "
         "c = [3, -25, 150, 150, -25, 3]; "
         "e = lambda k: a[k] if k < NY else 2 * a[NY - 1] - a[2 * NY - 2 - k]; "
         "value = sum(w * e(NY - 4 + k) for k, w in enumerate(c)) / 256; "
         "expected = np.full(pixmap.shape[:2], value)"),
    Case("sinc of a constant",
         "image[:] = 7.0; interp = 'sinc'; expected = np.full(pixmap.shape[:2], 7.0)"),
    Case("sinc at exact pixels",
         "interp = 'sinc'; pixmap = np.rint(pixmap)"),
    Case("lan3 of a constant",
         "image[:] = 7.0; interp = 'lan3'; pixmap = pixmap + 4.0; pixmap %= 30.0; pixmap += 5.0; "
         "expected = np.full(pixmap.shape[:2], 7.0)"),
    Case("lan5 of a constant",
         "image[:] = 7.0; interp = 'lan5'; pixmap = pixmap % 20.0 + 10.0; "
         "expected = np.full(pixmap.shape[:2], 7.0)"),
    Case("spline3", "interp = 'spline3'; tolerance = 0.05; pixmap = pixmap % 20 + 10"),
    Case("unknown interpolant", "interp = 'cubic'; expected = 'error'"),
    Case("sinscl NaN", "interp = 'sinc'; sinscl = float('nan'); expected = 'error'"),
    Case("sinscl 0", "interp = 'sinc'; sinscl = 0.0; expected = 'error'"),
    Case("exposure time NaN", "exptime = float('nan'); expected = 'error'"),
    Case("pixel ratio 0", "scale = 0.0; expected = 'error'"),
    Case("one NaN position", "pixmap = pixmap.copy(); pixmap[4, 5] = np.nan"),
    Case("infinite positions",
         "pixmap = pixmap.copy(); pixmap[4, 5] = np.inf; pixmap[6, 7] = -np.inf; "
         "pixmap[8, 9] = 1e300"),
    Case("positions beyond the image", "pixmap = pixmap - 20.0"),
    Case("position a hair below 0",
         "interp = 'nearest'; pixmap = pixmap.copy(); pixmap[2, 3] = (-0.3, 5.0); "
         "pixmap = np.where("
         "np.isin(pixmap, (-0.3, 5.0)), pixmap, np.rint(pixmap))"),
    Case("big-endian pixmap", "pixmap = pixmap.astype('>f8')"),
    Case("2-D pixmap", "pixmap = pixmap[..., 0]; expected = 'error'"),
    Case("pixmap with a last axis of 1", "pixmap = pixmap[..., :1]; expected = 'error'"),
    Case("pixmap of strings", "pixmap = pixmap.astype('U8'); expected = 'error'"),
    Case("float64 output", "out = np.zeros(pixmap.shape[:2])"),
    Case("int32 output", "out = np.zeros(pixmap.shape[:2], 'i4'); expected = 'error'"),
    Case("strided output", "out = np.zeros((60, 108), 'f4')[::2, ::3]"),
    Case("big-endian output", "out = np.zeros(pixmap.shape[:2], '>f4')"),
    Case("read-only output",
         "out = np.zeros(pixmap.shape[:2], 'f4'); out.flags.writeable = False; expected = 'error'"),
    Case("output of another shape", "out = np.zeros((7, 9), 'f4'); expected = 'error'"),
    Case("output in the source's memory", "out = image[:30, :36]; expected = 'error'"),
    Case("a masked image", "image = np.ma.array(image, mask=False); image[10, 10] = np.ma.masked; "
         "interp = 'nearest'; pixmap = np.full((3, 3, 2), 10.0); "
         "expected = np.full((3, 3), np.nan)"),
]  # fmt: skip


def attempt(case: Case, package: str) -> tuple[str, str]:
    """What a package makes of a case, in a word and in detail."""
    done = subprocess.run(
        [sys.executable, "-c", "\n".join((PRELUDE, BLOT[package], case.change, VERDICT))],
        text=True, capture_output=True, check=False, timeout=300,
    )  # fmt: skip
    if done.returncode < 0:
        return "crash", f"signal {-done.returncode}"
    if done.returncode or not done.stdout.strip():
        return "crash", (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
    verdict, detail = json.loads(done.stdout.strip().splitlines()[-1])
    return str(verdict), str(detail)


def measure(workers: int) -> dict[str, dict[str, tuple[str, str]]]:
    """Verdicts by case and package."""
    with ThreadPoolExecutor(workers) as pool:
        jobs = {(c.name, p): pool.submit(attempt, c, p) for c in CASES for p in PACKAGES}
    return {c.name: {p: jobs[c.name, p].result() for p in PACKAGES} for c in CASES}


def page(results: dict[str, dict[str, tuple[str, str]]]) -> str:
    """The table as a Markdown page."""
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    counts = {p: Counter(row[p][0] for row in results.values()) for p in PACKAGES}
    kinds = ["right", "clear error", "unclear error", "silently wrong", "garbage", "crash"]
    lines = [
        "# Bad input, side by side",
        "",
        f"What {versions} do with odd and bad input: their C entries for drizzlepac and drizzle,",
        "`blot_image` for cblot; each case in a process of its own. Made by `python -m",
        "benchmarks.faults --write docs/faults.md`. What reads memory that is not its own differs",
        "from run to run.",
        "",
        "| | " + " | ".join(kinds) + " |",
        "|---|" + "---|" * len(kinds),
        *(
            f"| {p} | " + " | ".join(str(counts[p][kind]) for kind in kinds) + " |"
            for p in PACKAGES
        ),
        "",
        "| input | " + " | ".join(PACKAGES) + " |",
        "|---|" + "---|" * len(PACKAGES),
    ]
    for name, row in results.items():
        cells = [
            f"**{row[p][0]}**<br>{_cell(row[p][1])}" if row[p][1] else row[p][0] for p in PACKAGES
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text[:110].replace("|", "/").replace("<", "&lt;")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page here")
    parser.add_argument("--workers", type=int, default=2, help="processes at once")
    arguments = parser.parse_args(argv)
    results = measure(arguments.workers)
    text = page(results)
    print(text)
    if arguments.write:
        arguments.write.write_text(text, encoding="utf-8")
    bad: list[Any] = [name for name, row in results.items() if row["cblot"][0] not in GOOD]
    if bad:
        print(f"cblot is neither right nor clear in: {', '.join(bad)}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
