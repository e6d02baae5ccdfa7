"""Pickles, copies, forks, threads by the dozen, callbacks that call back, no memory, Ctrl-C."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.wcs import WCS

import cblot
import task_files as files
from conftest import sky_image


def pair() -> tuple[np.ndarray, WCS, WCS]:
    """Source, its WCS, and that of an exposure with SIP polynomials."""
    source_wcs, blot_wcs = WCS(files.data_header()), WCS(files.reference_hdus()[1].header)
    blot_wcs.array_shape = files.SHAPE
    return sky_image(files.SOURCE_SHAPE), source_wcs, blot_wcs


class Half:
    """A mapping of a caller's, which pickle finds by its name."""

    def __init__(self, blot_wcs: WCS, source_wcs: WCS) -> None:
        self.factor = 0.5

    def forward(self, x: np.ndarray, y: np.ndarray) -> Any:
        return self.factor * x, self.factor * y


def general_wcs() -> WCS:
    """Not for the core, which asks astropy."""
    return WCS(files.data_header(CTYPE1="RA---SIN", CTYPE2="DEC--SIN"))


def mappings() -> dict[str, cblot.Mapping]:
    _, source_wcs, blot_wcs = pair()
    general = general_wcs()
    return {
        "nodes": cblot.Mapping(blot_wcs=blot_wcs, source_wcs=source_wcs),
        "exact": cblot.Mapping(blot_wcs=blot_wcs, source_wcs=source_wcs, stepsize=None),
        "classic": cblot.Mapping(blot_wcs=blot_wcs, source_wcs=source_wcs, classic=True),
        "general nodes": cblot.Mapping(blot_wcs=blot_wcs, source_wcs=general),
        "general": cblot.Mapping(blot_wcs=blot_wcs, source_wcs=general, stepsize=0),
        "caller's": cblot.Mapping(blot_wcs=blot_wcs, source_wcs=source_wcs, wcsmap=Half),
    }


COPIES = {
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("kind", mappings())
def test_mappings_are_copied(kind: str, how: str) -> None:
    mapping = mappings()[kind]
    made = COPIES[how](mapping)
    assert made is not mapping
    assert repr(made) == repr(mapping)
    assert (made.shape, made.pix_ratio, made.coeffs, made.classic) == (
        mapping.shape, mapping.pix_ratio, mapping.coeffs, mapping.classic,
    )  # fmt: skip
    x, y = np.random.default_rng(0).uniform(1, 30, (2, 40))
    # astropy's pickles of its WCS objects, which some ask, are rounded.
    digits = 1e-12 if how == "pickle" and kind.startswith(("classic", "general")) else 0
    np.testing.assert_allclose(made.forward(x, y), mapping.forward(x, y), rtol=digits)
    np.testing.assert_array_equal(made.pixmap(), mapping.pixmap())
    source, source_wcs, blot_wcs = pair()
    if kind.startswith("general"):
        source_wcs = general_wcs()
    results = [cblot.do_blot(source, source_wcs, blot_wcs, 1.0, wcsmap=m) for m in (made, mapping)]
    np.testing.assert_array_equal(*results)


def test_a_copy_and_its_mapping_take_turns() -> None:
    """A caller's object that both ask may keep what it works on."""

    class Own:
        def __init__(self, *_: Any) -> None:
            self.x = np.empty(0)

        def forward(self, x: np.ndarray, y: np.ndarray) -> Any:
            self.x = x
            time.sleep(0.001)
            return self.x, y

    _, source_wcs, blot_wcs = pair()
    mapping = cblot.Mapping(blot_wcs=blot_wcs, source_wcs=source_wcs, wcsmap=Own)

    def ask(made: cblot.Mapping, value: float) -> bool:
        positions = np.full(5, value)
        return all((made.forward(positions, positions)[0] == value).all() for _ in range(50))

    with ThreadPoolExecutor(2) as pool:
        assert all(pool.map(ask, [mapping, copy.copy(mapping)], [3.0, 4.0]))


@pytest.mark.parametrize("how", COPIES)
def test_real_mapping_is_copied(acs_wcs: Any, how: str) -> None:
    chip, _, clean = acs_wcs
    small = chip.deepcopy()
    small.array_shape = (64, 4096)
    for step in (10, None):
        mapping = cblot.Mapping(blot_wcs=small, source_wcs=clean, stepsize=step)
        np.testing.assert_array_equal(COPIES[how](mapping).pixmap(), mapping.pixmap())


@pytest.mark.parametrize("how", COPIES)
def test_maps_are_copied(how: str) -> None:
    _, source_wcs, blot_wcs = pair()
    x, y = np.random.default_rng(0).uniform(1, 30, (2, 40))
    for thing in (
        cblot.WCSMap(blot_wcs, source_wcs), cblot.IdentityMap(None, None),
        cblot.LinearMap(1.0, 2.0, 30.0, 0.5),
    ):  # fmt: skip
        np.testing.assert_allclose(
            COPIES[how](thing).forward(x, y), thing.forward(x, y), rtol=1e-13
        )
    for function in (cblot.do_blot, cblot.blot, cblot.ablot.run_blot, cblot.blot_image):
        assert COPIES[how](function) is function


def blot_with_threads(seed: int) -> np.ndarray:
    image = np.random.default_rng(seed).normal(size=(600, 600)).astype("f4")
    y, x = np.mgrid[:600, :600] * 0.99
    return cblot.blot_image(image, np.stack([x, y], axis=-1), threads=4)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_after_threads_were_used(method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system can't {method}")
    expected = [blot_with_threads(seed) for seed in range(3)]
    with multiprocessing.get_context(method).Pool(2) as pool:
        found = pool.map(blot_with_threads, range(3))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_mapping_in_another_process() -> None:
    mapping = mappings()["exact"]
    x, y = np.random.default_rng(0).uniform(1, 30, (2, 40))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.apply(mapping.forward, (x, y))
    np.testing.assert_array_equal(found, mapping.forward(x, y))


def test_64_threads_at_once() -> None:
    source, source_wcs, blot_wcs = pair()
    expected = cblot.do_blot(source, source_wcs, blot_wcs, 2.0)
    start = threading.Barrier(64)
    failures: list[Any] = []

    def task() -> None:
        try:
            start.wait(30)
            for _ in range(5):
                result = cblot.do_blot(source, source_wcs, blot_wcs, 2.0, threads=2)
                np.testing.assert_array_equal(result, expected)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=task) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_callback_that_calls_back() -> None:
    """do_blot from a mapping of do_blot, five deep, and with threads."""
    source, source_wcs, blot_wcs = pair()

    class Deep:
        depth = 0

        def __init__(self, *_: Any) -> None:
            pass

        def forward(self, x: np.ndarray, y: np.ndarray) -> Any:
            if Deep.depth < 5:
                Deep.depth += 1
                inner = cblot.do_blot(source, source_wcs, blot_wcs, 1.0, wcsmap=Deep, threads=3)
                assert inner.shape == files.SHAPE
            return x, y

    result = cblot.do_blot(source, source_wcs, blot_wcs, 1.0, wcsmap=Deep, threads=3)
    identity = cblot.do_blot(source, source_wcs, blot_wcs, 1.0, wcsmap=cblot.IdentityMap)
    assert Deep.depth == 5
    np.testing.assert_array_equal(result, identity)


def test_a_callback_without_end_is_a_recursion_error() -> None:
    source, source_wcs, blot_wcs = pair()

    class Endless:
        calls = 0

        def __init__(self, *_: Any) -> None:
            pass

        def forward(self, x: np.ndarray, y: np.ndarray) -> Any:
            Endless.calls += 1
            return cblot.do_blot(source, source_wcs, blot_wcs, 1.0, wcsmap=Endless), y

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(200)
    try:
        with pytest.raises(RecursionError):
            cblot.do_blot(source, source_wcs, blot_wcs, 1.0, wcsmap=Endless)
    finally:
        sys.setrecursionlimit(limit)
    assert 1 < Endless.calls < 100, "once at each depth"


NO_MEMORY = """
import resource
import numpy as np
import cblot
from cblot.core import _core
image = np.ones((50, 50), "f4")
cblot.blot_image(image, np.zeros((9, 9, 2)))
wide = 30_000_000
out = np.zeros((1, wide), "f4")
options = dict(interp="linear", sinscl=1.0, exptime=1.0, pix_ratio=1.0, fillval=0.0, classic="",
               threads=1, isa=cblot.build_info()["isa"], source_place=None, out_place=None)
size, used = (int(text) * 4096 for text in open("/proc/self/statm").read().split()[:2])
resource.setrlimit(resource.RLIMIT_AS, (size + (200 << 20), size + (200 << 20)))
# What the core needs for a row that a function is asked for, 480 MB; and an output, 240 MB.
for call in (
    lambda: _core.blot(image, out, _core.CallbackMapping(lambda *a: None, wide), **options),
    lambda: cblot.blot_image(image, np.broadcast_to(np.zeros(2), (2, wide, 2))),
):
    try:
        call()
    except MemoryError as error:
        print("MemoryError", str(error).startswith("std::bad_alloc"))
left = int(open("/proc/self/statm").read().split()[1]) * 4096
print(left - used < 1 << 24)
print(cblot.blot_image(image, np.zeros((9, 9, 2)), threads=8).sum())
"""


def test_no_memory_is_a_memory_error_and_all_is_freed() -> None:
    if not Path("/proc/self/statm").exists():
        pytest.skip("this system does not tell how much memory a process has")
    if "libasan" in str(Path("/proc/self/maps").read_text()):
        pytest.skip("AddressSanitizer needs the address space that this takes away")
    done = subprocess.run(
        [sys.executable, "-c", NO_MEMORY], text=True, capture_output=True, check=False
    )
    expected = ["MemoryError", "True", "MemoryError", "False", "True", "81.0"]
    assert done.stdout.split() == expected, done.stdout + done.stderr


CTRL_C = """
import os, signal, sys, threading, time
import numpy as np
import cblot
image = np.ones((3000, 3000), "f4")
out = np.empty((6000, 6000), "f4")
maps = np.broadcast_to(np.array([1500.3, 1500.7]), (6000, 6000, 2))
sent = []
def interrupt():
    time.sleep(0.3)
    sent.append(time.process_time())
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    # A kernel so slow that the whole call would take half a minute and more.
    cblot.blot_image(image, maps, interp="sinc", sinscl=1.5, out_img=out, threads=1)
except KeyboardInterrupt:
    print(time.process_time() - sent[0])
"""


def test_ctrl_c_stops_soon() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CTRL_C], text=True, capture_output=True, check=False
    )
    # The processor's, whatever else it has to do; 0.2 in earnest.
    assert float(done.stdout) < 5.0


def test_interruption_of_the_file_task_leaves_the_old_output(tmp_path: Path) -> None:
    data, out = tmp_path / "med.fits", tmp_path / "out.fits"
    files.write_data(data)
    files.write_reference(tmp_path / "flt.fits")
    out.write_text("precious")
    code = (
        "import cblot, time\n"
        "class Slow:\n"
        "    def __init__(self, *a): print('mapping', flush=True)\n"
        "    def forward(self, x, y): time.sleep(60); return x, y\n"
        "cblot.blot('med.fits', 'flt.fits', 'out.fits', wcsmap=Slow)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=30)
    assert "KeyboardInterrupt" in error
    assert out.read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["flt.fits", "med.fits", "out.fits"]
