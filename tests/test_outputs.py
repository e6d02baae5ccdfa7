"""Callers' outputs are written where they lie; a footprint tells which pixels were covered."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.utils.masked import Masked

import cblot
from cblot.core import outputs
from conftest import INTERPOLANTS, ROOT, Asked, sky_image
from test_memory import LINUX
from test_windows import CLASSIC, tan

SHAPE = (31, 47)
SOURCE = sky_image((90, 110))
SOURCE_WCS = tan((90, 110), 55.5, 45.5)
BLOT_WCS = tan(SHAPE, 55.5 - 75.3, 45.5 - 60.2, turn=7.0)  # partly beyond the source
PIXMAP = cblot.Mapping(blot_wcs=BLOT_WCS, source_wcs=SOURCE_WCS).pixmap()


def by_do_blot(out: Any = None, source: Any = SOURCE, **keywords: Any) -> Any:
    keywords = {"fillval": -7.0} | keywords
    return cblot.do_blot(source, SOURCE_WCS, BLOT_WCS, 2.0, out=out, **keywords)


def by_callback(out: Any = None, **keywords: Any) -> Any:
    return by_do_blot(out, wcsmap=Asked, **keywords)


def by_blot_image(out: Any = None, source: Any = SOURCE, **keywords: Any) -> Any:
    keywords = {"fillval": -7.0} | keywords
    return cblot.blot_image(source, PIXMAP, out_img=out, **keywords)


def by_tblot(out: Any = None, source: Any = SOURCE, **keywords: Any) -> Any:
    out = np.empty(SHAPE, "f4") if out is None else out
    keywords = {"interp": "poly5"} | keywords
    cblot.tblot(
        source, out, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, "center", keywords.pop("interp"), 1.0,
        -7.0, 1.0, 0, lambda x, y: (x + 75.3, y + 62.6), **keywords,
    )  # fmt: skip
    return out


DOORS: dict[str, Callable[..., Any]] = {
    "do_blot": by_do_blot,
    "callback": by_callback,
    "blot_image": by_blot_image,
    "tblot": by_tblot,
}


def big(dtype: str) -> np.ndarray:
    return np.full((70, 100), 5.0, dtype)


def unaligned(dtype: str) -> np.ndarray:
    size = int(np.prod(SHAPE)) * np.dtype(dtype).itemsize
    return np.zeros(size + 1, "u1")[1:].view(dtype).reshape(SHAPE)


LAYOUTS: dict[str, Callable[[str], np.ndarray]] = {
    "C": lambda dtype: np.full(SHAPE, 5.0, dtype),
    "Fortran": lambda dtype: np.full(SHAPE, 5.0, dtype, order="F"),
    "strided": lambda dtype: big(dtype)[3:65:2, 2:96:2],
    "reversed": lambda dtype: big(dtype)[30::-1, 46::-1],
    "transposed": lambda dtype: big(dtype)[:47, :31].T,
    "unaligned": unaligned,
    "field": lambda dtype: np.zeros(SHAPE, [("flag", "u1"), ("value", dtype)])["value"],
    "matrix": lambda dtype: np.full(SHAPE, 5.0, dtype).view(np.matrix),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("dtype", ["<f4", "<f8", ">f4", ">f8"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_outputs_of_any_layout(
    layout: str, dtype: str, door: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All pixels arrive, in place, and nothing beside them changes."""
    monkeypatch.setattr(outputs, "_BAND", 5 * SHAPE[1])
    out = LAYOUTS[layout](dtype)
    whole = out
    while isinstance(whole.base, np.ndarray):
        whole = whole.base
    before = whole.copy()
    expected = DOORS[door](np.empty(SHAPE, np.dtype(dtype).newbyteorder("=")))
    assert DOORS[door](out) is out
    np.testing.assert_array_equal(np.asarray(out), expected)
    assert (expected == -7.0).any()
    assert (expected != -7.0).any()
    out[...] = 5.0 if layout not in ("unaligned", "field") else 0.0
    assert whole.tobytes() == before.tobytes()


@pytest.mark.parametrize(
    ("interp", "classic"), [*((i, False) for i in INTERPOLANTS), *((i, True) for i in CLASSIC)]
)
def test_outputs_in_bands(interp: str, classic: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """An array that is made some rows at a time has the bits of one that is made at once."""
    monkeypatch.setattr(outputs, "_BAND", 4 * SHAPE[1])
    for door in (by_do_blot, by_callback, by_blot_image):
        out = unaligned("f4")
        door(out, interp=interp, classic=classic)
        np.testing.assert_array_equal(out, door(interp=interp, classic=classic))


@pytest.mark.parametrize("dtype", ["f4", ">f8"])
def test_memory_map(dtype: str, tmp_path: Path) -> None:
    out = np.memmap(tmp_path / "out", dtype, "w+", offset=40, shape=SHAPE)
    assert by_do_blot(out) is out
    out.flush()
    stored = np.fromfile(tmp_path / "out", dtype, offset=40).reshape(SHAPE)
    np.testing.assert_array_equal(stored, by_do_blot(np.empty(SHAPE, dtype)))


IN_PLACE = """
import sys
import numpy as np
import cblot
from benchmarks.measure import peak_memory
from benchmarks.scene import plain

side = 6000
s = plain(side**2)
peaks = []
for make in (
    lambda: np.zeros((side, side), "f4"),
    lambda: np.zeros((side, side), ">f4"),
    lambda: np.zeros((side, side), "f4", order="F"),
    lambda: np.zeros(4 * side**2 + 1, "u1")[1:].view("f4").reshape(side, side),
    lambda: np.memmap(sys.argv[1], "f4", "w+", shape=(side, side)),
):
    out = make()
    out[...] = 1.0  # its pages are there
    call = lambda: cblot.do_blot(s.source, s.source_wcs, s.blot_wcs, 1.0, out=out)
    peaks.append(peak_memory(call))
    assert (np.asarray(out) != 1.0).any()
print(*peaks)
"""


@LINUX
def test_no_second_copy(tmp_path: Path) -> None:
    """An image of 144 MB is written where it lies."""
    done = subprocess.run(
        [sys.executable, "-c", IN_PLACE, str(tmp_path / "out")],
        cwd=ROOT, capture_output=True, text=True, check=False, env=os.environ.copy(),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for peak in done.stdout.split():
        assert int(peak) < 72_000_000, done.stdout


def overlapping_itself() -> np.ndarray:
    return np.lib.stride_tricks.as_strided(np.zeros(47, "f4"), SHAPE, (0, 4))


REFUSED: list[tuple[str, Callable[[], Any], type[Exception], str]] = [
    ("numpy.ma", lambda: np.ma.zeros(SHAPE, "f4"), TypeError, "plain NumPy array, got MaskedArray"),
    ("Masked", lambda: Masked(np.zeros(SHAPE, "f4")), TypeError, "array, got MaskedNDArray"),
    ("Quantity", lambda: np.zeros(SHAPE, "f4") * u.adu, TypeError, "NumPy array, got Quantity"),
    ("itself", overlapping_itself, ValueError, "must not overlap itself in memory"),
    ("longdouble", lambda: np.zeros(SHAPE, "g"), TypeError, "must be float32 or float64"),
]  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("make", "kind", "text"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_refused_outputs(make: Any, kind: type[Exception], text: str, door: str) -> None:
    with pytest.raises(kind, match=text):
        DOORS[door](make())


def held_by(memory: np.ndarray) -> dict[str, Any]:
    from astropy.nddata import CCDData

    class Slices:
        shape, dtype = memory.shape, memory.dtype

        def __getitem__(self, key: Any) -> Any:
            return memory[key]

    return {
        "array": memory,
        "memoryview": memoryview(memory),
        "NDData": CCDData(memory, unit="adu"),
        "masked": np.ma.MaskedArray(memory, memory > 1e9),
        "slices": Slices(),
    }


@pytest.mark.parametrize("door", ["do_blot", "blot_image", "tblot"])
@pytest.mark.parametrize("kind", ["array", "memoryview", "NDData", "masked", "slices"])
def test_output_over_the_source(kind: str, door: str) -> None:
    memory = SOURCE.copy()
    with pytest.raises(ValueError, match="must not overlap the source image in memory"):
        DOORS[door](memory[59:, 63:], source=held_by(memory)[kind])
    np.testing.assert_array_equal(memory, SOURCE)


def test_output_between_the_pixels_of_the_source() -> None:
    """What shares no pixel is apart, however it is interleaved."""
    memory = np.zeros((90, 220), "f4")
    source, out = memory[:, ::2], memory[:31, 1:95:2]
    source[...] = SOURCE
    by_do_blot(out, source=source)
    np.testing.assert_array_equal(out, by_do_blot())
    np.testing.assert_array_equal(source, SOURCE)


def test_output_over_the_pixmap() -> None:
    pixmap = PIXMAP.copy()
    with pytest.raises(ValueError, match="out_img must not overlap the pixmap in memory"):
        cblot.blot_image(SOURCE, pixmap, out_img=pixmap[..., 0])
    big_endian = PIXMAP.astype(">f8")  # of which the core reads a copy
    with pytest.raises(ValueError, match="out_img must not overlap the pixmap in memory"):
        cblot.blot_image(SOURCE, big_endian, out_img=big_endian[..., 1])
    np.testing.assert_array_equal(pixmap, PIXMAP)
    np.testing.assert_array_equal(big_endian, PIXMAP)


def test_two_maps_of_one_file(tmp_path: Path) -> None:
    SOURCE.tofile(tmp_path / "pixels")
    os.link(tmp_path / "pixels", tmp_path / "link")
    source = np.memmap(tmp_path / "pixels", "f4", "r", shape=SOURCE.shape)
    out = np.memmap(tmp_path / "link", "f4", "r+", offset=4000, shape=SHAPE)
    for given in (source, source[5:, :]):
        with pytest.raises(ValueError, match="out must not overlap the source image in memory"):
            by_do_blot(out, source=given if given is source else np.asarray(source))
    np.testing.assert_array_equal(source, SOURCE)
    with open(tmp_path / "pixels", "ab") as file:
        file.write(bytes(4 * SHAPE[0] * SHAPE[1]))
    behind = np.memmap(tmp_path / "link", "f4", "r+", offset=SOURCE.nbytes, shape=SHAPE)
    by_do_blot(behind, source=source)
    np.testing.assert_array_equal(behind, by_do_blot())


@pytest.mark.parametrize(
    "wrong",
    [{"interp": "cubic"}, {"threads": 0}, {"fillval": "x"}, {"exptime": None}, {"stepsize": -1},
     {"wcsmap": 3}, {"source": np.zeros(3)}, {"source_wcs": None}, {"sinscl": -1.0}],
    ids=lambda wrong: next(iter(wrong)),
)  # fmt: skip
def test_arguments_are_checked_before_the_output_is_touched(wrong: dict[str, Any]) -> None:
    out = np.full(SHAPE, 5.0)
    given = {"source": SOURCE, "source_wcs": SOURCE_WCS, "blot_wcs": BLOT_WCS, "exptime": 1.0}
    with pytest.raises((TypeError, ValueError)):
        cblot.do_blot(**(given | {"out": out} | wrong))
    assert (out == 5.0).all()


# ---- footprint


@pytest.mark.parametrize("fillval", [0.0, 1.0, 2.0, np.nan, np.inf])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i2"])
@pytest.mark.parametrize("interp", INTERPOLANTS)
def test_footprint_is_what_is_not_filled(interp: str, dtype: str, fillval: float) -> None:
    """Whatever the values are: those of the source may be NaN, or the fill value itself."""
    source = np.ones((90, 110), dtype)
    if dtype != "i2":
        source[::7, ::5] = np.nan
    out = np.empty(SHAPE)
    doors = [
        (by_do_blot, {"out": out}),
        (by_callback, {}),
        (by_blot_image, {"out": out}),
    ]
    for door, given in doors:
        expected = door(source=np.ones((90, 110)), interp="nearest", fillval=-9.0) != -9.0
        keywords: dict[str, Any] = {"source": source, "interp": interp, "fillval": fillval}
        result, footprint = door(return_footprint=True, **keywords, **given)
        assert (result is out) == bool(given)
        assert footprint.dtype == result.dtype
        np.testing.assert_array_equal(footprint, expected)
        made = result.copy()
        np.testing.assert_array_equal(made, door(**keywords, **given))


def test_footprint_at_the_edges() -> None:
    """Inside is 0 <= x < nx, to the last bit."""
    nx, ny = 110.0, 90.0
    x = np.array([-1e-300, 0.0, 0.4, nx - 0.5, np.nextafter(nx, 0), nx, np.nan, np.inf, -np.inf])
    y = np.array([-1e-300, 0.0, 0.4, ny - 0.5, np.nextafter(ny, 0), ny, np.nan, np.inf, -np.inf])
    pixmap = np.stack(np.meshgrid(x, y), axis=-1)
    expected = np.zeros((9, 9), bool)
    expected[1:5, 1:5] = True
    for interp in INTERPOLANTS:
        result, footprint = cblot.blot_image(
            SOURCE, pixmap, interp=interp, fillval=np.nan, return_footprint=True
        )
        np.testing.assert_array_equal(footprint, expected)
        np.testing.assert_array_equal(~np.isnan(result), expected)


@pytest.mark.parametrize("interp", CLASSIC)
@pytest.mark.parametrize("door", [by_do_blot, by_blot_image])
def test_footprint_of_classic(interp: str, door: Any) -> None:
    """Each of the peers' interpolants has its own rule: position nx is inside for some."""
    out, footprint = door(interp=interp, classic=True, return_footprint=True)
    np.testing.assert_array_equal(footprint, out != -7.0)
    y, x = np.mgrid[:30, :31].astype(float)
    pixmap = np.stack([x * 4 - 5, y * 4 - 5], axis=-1)
    blank = cblot.blot_image(SOURCE, pixmap, interp=interp, classic=True, fillval=np.nan)
    _, footprint = cblot.blot_image(
        SOURCE, pixmap, interp=interp, classic=True, return_footprint=True
    )
    np.testing.assert_array_equal(footprint, ~np.isnan(blank))
    wcs = tan((90, 110), 55.5, 45.5)

    class Edge(cblot.IdentityMap):
        def forward(self, x: Any, y: Any) -> Any:
            return x + 1.0, y  # the last column falls on position nx

    image, footprint = cblot.do_blot(
        SOURCE, SOURCE_WCS, wcs, 1.0, wcsmap=Edge, interp=interp, classic=True, fillval=-7.0,
        return_footprint=True,
    )  # fmt: skip
    np.testing.assert_array_equal(footprint, image != -7.0)
    assert footprint[:, -1].all() == (interp in ("poly3", "poly5"))


def test_footprint_with_a_callback_that_remembers() -> None:
    """Positions are asked for once, for the image and its footprint."""

    class Moving(cblot.IdentityMap):
        calls = 0

        def forward(self, x: Any, y: Any) -> Any:
            Moving.calls += 1
            return x + 60.0 + 10.0 * Moving.calls, y

    result, footprint = by_do_blot(wcsmap=Moving, return_footprint=True)
    np.testing.assert_array_equal(footprint, result != -7.0)
    assert 0 < footprint.sum() < footprint.size


def test_footprint_of_a_window() -> None:
    """No more of the source is read."""

    class Slices:
        shape, dtype = SOURCE.shape, SOURCE.dtype
        boxes: list[Any] = []  # noqa: RUF012

        def __getitem__(self, key: Any) -> Any:
            self.boxes.append(key)
            return SOURCE[key]

    result, footprint = by_do_blot(source=Slices(), return_footprint=True)
    expected, whole = by_do_blot(return_footprint=True)
    np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(footprint, whole)
    assert len(Slices.boxes) == 1
    far = tan((9, 9), 900.0, 900.0)
    assert not cblot.do_blot(SOURCE, SOURCE_WCS, far, 1.0, return_footprint=True)[1].any()


def test_footprint_is_named_as_in_reproject() -> None:
    reproject = pytest.importorskip("reproject")
    expected = reproject.reproject_interp((SOURCE, SOURCE_WCS), BLOT_WCS, SHAPE, order=0)[1]
    found = by_do_blot(return_footprint=True, stepsize=None, interp="nearest")[1]
    # reproject's pixels reach from -0.5 to n - 0.5, cblot's from 0 to n.
    differ = np.argwhere(expected != found)
    assert differ.size < 0.15 * found.size
    assert re.fullmatch("float(32|64)", str(found.dtype))
    assert set(np.unique(found)) == set(np.unique(expected)) == {0.0, 1.0}
