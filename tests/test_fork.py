"""A process that forks while another of its threads is at work: the child works too."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import task_files as files

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")

# Threads do what the argument says in a loop; children of forks in between do it once.
FORKS = """
import faulthandler, logging, os, pathlib, sys, threading, time, traceback, warnings
import numpy as np
import cblot
from cblot.forks.silence import quietly

warnings.simplefilter("ignore", DeprecationWarning)  # of Python 3.12, on forks with threads
folder = pathlib.Path(sys.argv[1])

def wcs(shape):
    from astropy.wcs import WCS
    made = WCS(naxis=2)
    made.wcs.ctype = "RA---TAN", "DEC--TAN"
    made.wcs.crpix, made.wcs.cdelt, made.wcs.crval = (20, 20), (-1e-5, 1e-5), (150, 2)
    made.array_shape = shape
    return made

mapping = cblot.Mapping(
    blot_wcs=wcs((200, 200)), source_wcs=wcs((220, 220)), wcsmap=type("Own", (cblot.WCSMap,), {})
)
grid = np.meshgrid(np.arange(1.0, 400), np.arange(1.0, 400))

def file_task(name):
    cblot.blot(folder / "med.fits", folder / "flt.fits", folder / name, threads=1)

def many(name):
    cblot.blot_exposures(folder / "med.fits", folder / "flt.fits", folder / name, jobs=2)

def shared_mapping(name):
    mapping.forward(*grid)

def silence(name):
    assert logging.getLogger("astropy").level == LEVEL, "what a thread silenced stays silent"
    with quietly():
        time.sleep(0.01)

LEVEL = logging.getLogger("astropy").level
work = {"blot": file_task, "blot_exposures": many, "Mapping": shared_mapping,
        "silence": silence, "locks": file_task}[sys.argv[2]]
stop = False

def again_and_again(name):
    while not stop:
        if work is silence:
            with quietly():
                time.sleep(0.01)
        else:
            work(name)

if sys.argv[2] == "locks":  # all that a thread might hold while it writes its first file
    import tempfile
    from astropy.io.fits.file import _File
    from astropy.time import core
    from astropy.units.core import UnitBase
    from astropy.utils import misc
    held = [tempfile._once_lock, misc.LOCALE_LOCK, core._LEAP_SECONDS_LOCK]
    held += [lock for lock in (
        getattr(vars(UnitBase)["_hash"], "lock", None),  # until Python 3.12
        vars(_File)["_mmap_available"]._lock,
    ) if lock]
    def hold(name):
        for lock in held:
            lock.acquire()
    threads = [threading.Thread(target=hold, args=("",))]
    threads[0].start()
    threads[0].join()
    threads = []
else:
    threads = [threading.Thread(target=again_and_again, args=(f"t{k}",)) for k in range(2)]
for thread in threads:
    thread.start()
children = []
for k in range(20):
    time.sleep(0.003 * (k % 7))
    child = os.fork()
    if not child:
        status = 1
        faulthandler.dump_traceback_later(40)  # of one that hangs
        try:
            work(f"c{k}")
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    children.append(child)
bad, deadline = 0, time.monotonic() + 60
for child in children:
    done = 0, 0
    while not done[0]:
        done = os.waitpid(child, os.WNOHANG)
        if time.monotonic() > deadline:
            break
        time.sleep(0.01)
    if not done[0]:
        os.kill(child, 9)
        os.waitpid(child, 0)
    bad += not done[0] or done[1] != 0
stop = True
for thread in threads:
    thread.join()
print(bad, "of", len(children), "children failed or never ended")
"""


# Nothing is imported before cblot that has hooks of its own, as logging has.
FIRST = """
import faulthandler, os, sys, threading, time
import cblot
faulthandler.dump_traceback_later(60, exit=True)
assert "astropy" not in sys.modules
thread = threading.Thread(target=lambda: cblot.blot)
thread.start()
children = 0
while thread.is_alive():
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    children += 1
    time.sleep(0.005)
assert children
print("done")
"""


def test_forks_while_names_are_first_asked_for() -> None:
    run: Any = files.process("-c", FIRST)
    output, errors = run.communicate(timeout=100)
    assert (run.returncode, output, errors) == (0, "done\n", "")


@pytest.mark.parametrize("what", ["blot", "blot_exposures", "Mapping", "silence", "locks"])
def test_children_of_a_busy_process(tmp_path: Path, what: str) -> None:
    files.write_data(tmp_path / "med.fits")
    files.write_reference(tmp_path / "flt.fits", chips=1)
    run: Any = files.process("-c", FORKS, tmp_path, what)
    output, errors = run.communicate(timeout=200)
    assert run.returncode == 0, errors
    assert output == "0 of 20 children failed or never ended\n", errors
