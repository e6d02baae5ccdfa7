"""What the core must survive: threads at the interpreter's end, arrays resized under it, races."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
import time
import weakref
from typing import Any

import numpy as np
import pytest

import cblot
from cblot.core import _core

OPTIONS: dict[str, Any] = {
    "interp": "linear", "sinscl": 1.0, "exptime": 1.0, "pix_ratio": 1.0, "fillval": 0.0,
    "classic": "", "threads": 1, "isa": cblot.build_info()["isa"],
    "source_place": None, "out_place": None,
}  # fmt: skip
PROJECTION = (5.0, 6.0, 1e-5, 0.0, 0.0, 1e-5, 10.0, 20.0)


def pixmap(shape: tuple[int, int]) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]] * 0.9
    return np.stack([x, y], axis=-1)


def exact(**changes: Any) -> _core.ExactMapping:
    given: dict[str, Any] = {
        "exposure": PROJECTION, "source": PROJECTION, "sip": None, "detector_x": None,
        "detector_y": None, "table_x": None, "table_y": None,
    }  # fmt: skip
    return _core.ExactMapping(**{**given, **changes})


# Daemon threads that are inside the core, or about to be, when the interpreter ends.
DAEMONS = """
import sys, threading, time
import numpy as np
import cblot
from cblot.core import _core
from astropy.io import fits
from astropy.wcs import WCS

how, threads = sys.argv[1], int(sys.argv[2])
image = np.ones((1500, 1500), "f4")
maps = np.broadcast_to(np.array([500.3, 500.7]), (1500, 1500, 2)).copy()
wcs = WCS(naxis=2)
wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
wcs.wcs.cdelt, wcs.wcs.crpix = [-1e-5, 1e-5], [700.0, 700.0]
wcs.array_shape = image.shape

class Forward:
    def __init__(self, *_): pass
    def forward(self, x, y):
        return x + sum(range(100)) * 0.0, y

def tblot(x, y):
    return x, y

calls = {
    "blot_image": lambda: cblot.blot_image(image, maps, interp="poly5", threads=threads),
    "spline3": lambda: cblot.blot_image(image, maps, interp="spline3", threads=threads),
    "do_blot": lambda: cblot.do_blot(image, wcs, wcs, 1.0, threads=threads),
    "callback": lambda: cblot.do_blot(image, wcs, wcs, 1.0, wcsmap=Forward, threads=threads),
    "pixmap": lambda: cblot.Mapping(blot_wcs=wcs, source_wcs=wcs, stepsize=None).pixmap(),
    "nodes": lambda: cblot.Mapping(blot_wcs=wcs, source_wcs=wcs, stepsize=2),
    "read": lambda: _core.read_file_window(fd, 0, 1500, pixels),
}
if how == "read":
    file = open(sys.argv[3], "wb+")
    file.write(image.tobytes())
    file.flush()
    fd, pixels = file.fileno(), np.empty_like(image)
ready = threading.Semaphore(0)

def work():
    while True:
        calls[how]()
        ready.release()

for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
for _ in range(3):
    ready.acquire()
time.sleep(0.02 * int(sys.argv[4]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "how", ["blot_image", "spline3", "do_blot", "callback", "pixmap", "nodes", "read"]
)
def test_a_daemon_thread_inside_a_call_at_exit(how: str, tmp_path: Any) -> None:
    for k, threads in enumerate((1, 3, 1)):
        done = subprocess.run(
            [sys.executable, "-c", DAEMONS, how, str(threads), str(tmp_path / "pixels"), str(k)],
            text=True, capture_output=True, check=False, timeout=120,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("which", ["source", "base of source", "out", "base of out", "answer"])
def test_arrays_stay_where_they_are_for_a_call(which: str) -> None:
    """A callback can't resize what the core reads and writes, not even without a check."""
    big, result = np.ones((300, 300), "f4"), np.zeros((600, 300), "f4")
    refused: list[str] = []

    def fill(begin: int, end: int, x: np.ndarray, y: np.ndarray) -> None:
        x[...], y[...] = 150.5, 150.5
        array = {"source": big, "base of source": big, "answer": x}.get(which, result)
        try:
            array.resize((1, 1), refcheck=False)
        except ValueError as error:
            refused.append(str(error))

    source = big[:, :200] if which == "base of source" else big
    out = result[:, :] if which == "base of out" else result
    covered = _core.blot(source, out, _core.CallbackMapping(fill, 300), **OPTIONS)
    assert len(refused) >= 2
    assert "cannot resize" in refused[0]
    assert covered == out.size
    assert (out == 1.0).all()
    big.resize((1, 1), refcheck=False)  # afterwards it can be
    assert big.shape == (1, 1)


@pytest.mark.parametrize("kind", ["pixmap", "nodes"])
def test_arrays_of_mappings_stay_where_they_are_for_a_call(kind: str) -> None:
    """Another thread can't resize them."""
    array = np.full((1500, 1500, 2) if kind == "pixmap" else (152, 152), 20.5)
    mapping: Any = (
        _core.PixmapMapping(array) if kind == "pixmap" else _core.NodeMapping(array, array, 10)
    )
    source, out = np.ones((50, 50), "f4"), np.zeros((1500, 1500), "f4")
    slow = {**OPTIONS, "interp": "sinc", "sinscl": 1.5}
    thread = threading.Thread(target=_core.blot, args=(source, out, mapping), kwargs=slow)
    thread.start()
    refused = False
    while thread.is_alive() and not refused:
        if weakref.getweakrefcount(array) > 0:
            with pytest.raises(ValueError, match="cannot resize"):
                array.resize((1, 1), refcheck=False)
            refused = True
    thread.join()
    assert refused
    np.testing.assert_allclose(out, 1.0, rtol=1e-5)


@pytest.mark.parametrize("how", ["array", "memoryview", "frombuffer", "capsule"])
def test_a_source_that_a_callback_resizes_or_lets_go_of(how: str) -> None:
    """By whichever way its memory came to be the source's; where it can't be held, a copy is."""
    own = np.ones((300, 300), "f4")
    source = {
        "array": lambda: own,
        "memoryview": lambda: np.asarray(memoryview(own)),
        "frombuffer": lambda: np.frombuffer(own, "f4").reshape(300, 300),
        "capsule": lambda: np.from_dlpack(own),
    }[how]()
    refused, other = [], []

    def fill(begin: int, end: int, x: np.ndarray, y: np.ndarray) -> None:
        x[...], y[...] = 150.5, 150.5
        try:
            own.resize((1, 1), refcheck=False)
        except ValueError:
            refused.append(begin)
        other.extend(np.full((30, 300), 9.0, "f4") for _ in range(10))  # there, if it is free

    out = np.zeros((600, 300), "f4")
    assert _core.blot(source, out, _core.CallbackMapping(fill, 300), **OPTIONS) == out.size
    assert (out == 1.0).all()
    assert bool(refused) == (how != "capsule")


def test_a_callback_mapping_of_another_width() -> None:
    mapping = _core.CallbackMapping(lambda *_: None, 4000)
    source, out = np.ones((50, 50), "f4"), np.zeros((50, 50), "f4")
    isa = OPTIONS["isa"]
    for call in (
        lambda: _core.blot(source, out, mapping, **OPTIONS),
        lambda: _core.source_box(
            mapping, shape=(50, 50), region=(0, 50, 0, 50), source_shape=(50, 50), isa=isa
        ),
        lambda: _core.positions(mapping, np.zeros((50, 50, 2)), origin=0.0, isa=isa),
    ):
        with pytest.raises(ValueError, match="rows have 4000 columns, the output's 50"):
            call()
    placed = {**OPTIONS, "out_place": (0, 0, 50, 4000)}  # the frame's columns are the mapping's
    assert _core.blot(source, out, mapping, **placed) >= 0


def test_arrays_of_items_of_no_bytes() -> None:
    nothing = np.empty((3, 3), "V0")
    with pytest.raises(TypeError, match="SIP coefficients has an unexpected dtype"):
        exact(sip=(nothing, np.zeros((3, 3)), (1.0, 1.0)))
    mapping = _core.PixmapMapping.__new__(_core.PixmapMapping)
    mapping.__setstate__((nothing,))
    with pytest.raises(TypeError, match="pixmap has an unexpected dtype"):
        _core.blot(np.ones((3, 3)), np.ones((3, 3)), mapping, **OPTIONS)


def test_arrays_of_a_pickle_may_lie_anywhere() -> None:
    odd = np.frombuffer(bytes(range(8)) + b"x" * (5 * 5 * 2 * 8), np.uint8)[1:]
    odd = odd[: 5 * 5 * 2 * 8].view("f8").reshape(5, 5, 2)
    mapping = _core.PixmapMapping.__new__(_core.PixmapMapping)
    mapping.__setstate__((odd,))
    assert _core.blot(np.ones((3, 3)), np.ones((5, 5)), mapping, **OPTIONS) >= 0


@pytest.mark.parametrize("n", [0, -1])
def test_roughness_of_no_step(n: int) -> None:
    for down in (False, True):
        with pytest.raises(ValueError, match=f"n must be at least 1, got {n}"):
            _core.greatest_roughness(np.ones((4, 4), "f4"), n, down)


@pytest.mark.parametrize("name", ["", "reserved", "kernel"])
def test_a_keyword_that_is_no_option(name: str) -> None:
    given: dict[str, Any] = {name: 1}
    with pytest.raises(TypeError, match=f"there is no option {name}"):
        _core.validate(**given)


def test_sizes_of_node_grids() -> None:
    assert [_core.node_count(10, n) for n in (1, 9, 10, 2048)] == [2, 2, 3, 206]
    assert [_core.patch_size(10, n) for n in (1, 9, 10, 2048)] == [2, 10, 10, 10]
    assert _core.node_count(0, 5) == _core.patch_size(0, 5) == 0


def test_a_mapping_and_its_pickled_copy_have_what_it_was_made_with() -> None:
    values, a, b = np.full((64, 64), 0.25, "f4"), np.zeros((3, 3)), np.zeros((3, 3))
    table = (values, (1.0, 1.0), (1.0, 1.0), (2.0, 2.0))
    mapping = exact(sip=(a, b, (1.0, 1.0)), table_x=table)
    values[...], a[...], b[...] = 7.0, 7.0, 7.0
    for each in (mapping, pickle.loads(pickle.dumps(mapping))):
        x, y = np.full(9, 3.0), np.full(9, 3.0)
        each.positions_at(x, y, isa=OPTIONS["isa"])
        np.testing.assert_allclose(x, 2.25, atol=1e-9)
        np.testing.assert_allclose(y, 2.0, atol=1e-9)
    state = mapping.__getstate__()
    with pytest.raises(ValueError, match="cannot resize"):
        state[5][0].resize((1, 1), refcheck=False)


def test_a_table_resized_after_the_mapping_was_made() -> None:
    values = np.full((64, 64), 0.25, "f4")
    mapping = exact(table_x=(values, (1.0, 1.0), (1.0, 1.0), (2.0, 2.0)))
    values.resize((1, 1), refcheck=False)
    x, y = np.full((2, 9), 3.0)
    x, y = x.copy(), y.copy()
    mapping.positions_at(x, y, isa=OPTIONS["isa"])
    np.testing.assert_allclose(x, 2.25, atol=1e-9)


def test_read_only_arrays_are_not_written() -> None:
    mapping = exact()
    for frozen in (0, 1):
        arrays = np.zeros((5, 5)), np.zeros((5, 5))
        arrays[frozen].flags.writeable = False
        name = "xy"[frozen]
        with pytest.raises(ValueError, match=f"{name} is read-only"):
            mapping.nodes(*arrays, step=3, threads=1, isa=OPTIONS["isa"])
        with pytest.raises(ValueError, match="writeable|read-only"):
            mapping.positions_at(*arrays, isa=OPTIONS["isa"])
        assert not arrays[0].any()
        assert not arrays[1].any()
    out = np.zeros((4, 4), "f4")
    out.flags.writeable = False
    for call in (
        lambda: _core.blot(np.ones((4, 4), "f4"), out, mapping, **OPTIONS),
        lambda: _core.positions(
            mapping, np.broadcast_to(np.zeros(2), (4, 4, 2)), origin=0.0, threads=1,
            isa=OPTIONS["isa"],
        ),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="is read-only"):
            call()


def test_output_in_the_memory_of_the_source_or_of_the_positions() -> None:
    image, maps = np.ones((20, 40)), pixmap((20, 20))
    mapping = _core.PixmapMapping(maps)
    with pytest.raises(_core.CoreError, match="out must not overlap source in memory"):
        _core.blot(image[:, :20], image[:, 19:39], mapping, **OPTIONS)
    with pytest.raises(_core.CoreError, match="out must not overlap pixmap x in memory"):
        _core.blot(image, maps[:, :, 0], mapping, **OPTIONS)
    # Beside each other, or in turn, in one array's memory.
    left, right = image[:, :20], image[:, 20:]
    expected = _core.blot(left.copy(), np.zeros((20, 20)), mapping, **OPTIONS)
    assert _core.blot(left, right, mapping, **OPTIONS) == expected
    both = np.ones((20, 20), complex)
    assert _core.blot(both.real, both.imag, mapping, **OPTIONS) == expected
    assert (both.imag == 1.0).all()


# What is done with the core where Python itself is not as usual.
ODD = """
import _thread, ctypes, os, signal, sys, threading, time
import numpy as np
import cblot
from cblot.core import _core

source, out = np.ones((2000, 2000), "f4"), np.zeros((3000, 3000), "f4")
mapping = _core.PixmapMapping(np.full((3000, 3000, 2), 700.5))
options = dict(
    interp="sinc", sinscl=1.5, exptime=1.0, pix_ratio=1.0, fillval=0.0, classic="", threads=1,
    isa=cblot.build_info()["isa"], source_place=None, out_place=None,
)
"""


def run_odd(script: str, before: str = "") -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-c", before + ODD + script], text=True, capture_output=True,
        check=False, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


INTERRUPTED = """
if os.fork() == 0:
    time.sleep(0.2)
    os.kill(os.getppid(), signal.SIGINT)
    os._exit(0)
try:
    for _ in range(50):
        begin = time.monotonic()
        _core.blot(source, out, mapping, **options)
        whole = time.monotonic() - begin
except KeyboardInterrupt:
    print("interrupted", (out == 0.0).any())
"""


@pytest.mark.parametrize("importer", ["main", "another"])
def test_ctrl_c_ends_a_call_in_the_interpreters_first_thread(importer: str) -> None:
    """Also where `threading` was imported in another, which it takes for the main thread then."""
    first = "import _thread, sys, time\nassert 'threading' not in sys.modules\n"
    if importer == "another":
        first += (
            "def work():\n    import threading\n"
            "_thread.start_new_thread(work, ())\ntime.sleep(0.2)\n"
        )
    code, text, errors = run_odd(INTERRUPTED, first)
    assert (code, text, errors) == (0, "interrupted True\n", "")


def test_a_call_as_the_interpreter_ends() -> None:
    script = """
import builtins

mapping = _core.PixmapMapping(np.ones((9, 9, 2)))

class Last:
    def __del__(self, blot=_core.blot, out=out[:9, :9]):
        os.write(1, str(blot(source, out, mapping, **options)).encode())

builtins.last = Last()
"""
    assert run_odd(script) == (0, "81", "")


@pytest.mark.parametrize("gil", ["held", "released"])
def test_a_callback_that_ends_its_thread(gil: str) -> None:
    """The others go on."""
    script = f"""
library = ctypes.{"PyDLL" if gil == "held" else "CDLL"}(None)

def end(begin, end, x, y):
    print("ends", flush=True)
    library.pthread_exit(None)

def work():
    _core.blot(source, out, _core.CallbackMapping(end, 3000), **options)

threading.Thread(target=work, daemon=True).start()
time.sleep(0.5)
print("goes on", flush=True)
os._exit(0)
"""
    assert run_odd(script) == (0, "ends\ngoes on\n", "")


def test_positions_that_another_thread_changes() -> None:
    """spline3 reads them twice; it makes an image or says so, sooner or later."""
    maps = np.full((700, 700, 2), 20.5)
    source, stop = np.ones((700, 700), "f4"), threading.Event()

    def race() -> None:
        while not stop.is_set():
            maps[...] = 600.5
            maps[...] = 20.5

    message, end = "", time.monotonic() + 60.0
    thread = threading.Thread(target=race)
    thread.start()
    try:
        while not message and time.monotonic() < end:
            try:
                result = cblot.blot_image(source, maps, interp="spline3", threads=2)
            except ValueError as error:
                message = str(error)
            else:
                np.testing.assert_allclose(result, 1.0, rtol=1e-5)
    finally:
        stop.set()
        thread.join()
    assert message == "the mapping's positions changed while they were used"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"exposure": (*PROJECTION[:6], np.nan, 20.0)}, "CRVAL1 of the exposure must be finite"),
        ({"exposure": (5.0, 6.0, 0.0, 0.0, 0.0, 0.0, 10.0, 20.0)}, "CD matrix of the exposure"),
        (
            {"table_y": (np.ones((2, 2), "f4"), (1.0, 1.0), (1.0, 1.0), (np.nan, 1.0))},
            "CDELT1 of table_y must be finite, got nan",
        ),
    ],
)
def test_coefficients_that_make_no_positions(changes: dict[str, Any], message: str) -> None:
    x, y = np.ones(3), np.ones(3)
    with pytest.raises(_core.CoreError, match=message):
        exact(**changes).positions_at(x, y, isa=OPTIONS["isa"])
    assert (x == 1.0).all()


@pytest.mark.parametrize("classic", ["", "drizzlepac"])
def test_scales_whose_square_is_no_number(classic: str) -> None:
    options: dict[str, Any] = {"interp": "linear", "sinscl": 1.0, "exptime": 1.0}
    for pix_ratio in (1e-170, 1e170):
        with pytest.raises(_core.CoreError, match="pix_ratio must be such that .* its square"):
            _core.validate(**options, pix_ratio=pix_ratio, classic=classic)
    options["exptime"] = 1e300
    with pytest.raises(_core.CoreError, match="exptime must be such that"):
        _core.validate(**options, pix_ratio=1e-10, classic=classic)
