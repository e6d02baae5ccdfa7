"""Threads, forks, signals, the command line and the C library: what goes by processes."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from benchmarks.faults import files
from benchmarks.faults.scene import write_clean, write_exposure
from benchmarks.faults.verdict import Crashed, Group, Hangs, Nothing, Refused, Wrong

GROUP = Group("Processes")


def run(*command: str, seconds: float = 60.0, **keywords: Any) -> subprocess.CompletedProcess[str]:
    """Run a program; one that never ends, or ends by a signal, is no answer."""
    keywords = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, **keywords}
    process = subprocess.Popen(command, text=True, stderr=subprocess.PIPE, **keywords)
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        process.kill()
        process.communicate()
        raise Hangs(f"it took more than {seconds:g} s") from error
    if process.returncode < 0:
        raise Crashed(f"signal {-process.returncode}")
    return subprocess.CompletedProcess(command, process.returncode, out or "", err or "")


def script(text: str, *arguments: str, **keywords: Any) -> subprocess.CompletedProcess[str]:
    """Run Python that must end well."""
    done = run(sys.executable, "-W", "ignore", "-c", text, *arguments, **keywords)
    if done.returncode:
        raise Crashed((done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1])
    return done


def command(*arguments: str, **keywords: Any) -> subprocess.CompletedProcess[str]:
    """Run cblot's command; a status other than 0 is its refusal."""
    done = run(sys.executable, "-m", "cblot", *arguments, **keywords)
    if "Traceback" in done.stderr:
        raise Wrong(done.stderr.strip().splitlines()[-1])
    if done.returncode:
        raise Refused(RuntimeError(done.stderr.strip() or f"status {done.returncode}"))
    return done


# The packages' entries for pixel maps, as `work(image, pixmap)`.
WORK = """
import sys, threading, time
import numpy as np
package = sys.argv[1]
if package == "cblot":
    import cblot
    def work(image, pixmap):
        cblot.blot_image(image, pixmap, interp=interp)
elif package == "drizzle":
    from drizzle.resample import blot_image
    def work(image, pixmap):
        blot_image(image, pixmap, interp=interp)
else:
    from drizzlepac import cdriz
    def work(image, pixmap):
        result = np.zeros(pixmap.shape[:2], "f4")
        def answer(x, y):
            row = int(y[0]) - 1
            return pixmap[row, :, 0] + 1.0, pixmap[row, :, 1] + 1.0
        ny, nx = image.shape
        cdriz.tblot(image, result, 1, nx, 1, ny, 1.0, 1.0, 1.0, 1.0, "center", interp, 1.0, 0.0,
                    1.0, 1, answer)
"""

AT_EXIT = """
interp = "poly5"
image = np.ones((600, 600), "f4")
pixmap = np.full((1500, 1500, 2), 300.3)
def again():
    while True:
        work(image, pixmap)
for _ in range(3):
    threading.Thread(target=again, daemon=True).start()
time.sleep(0.5)
"""


@GROUP.case("daemon threads inside a call when the interpreter exits", valid=True)
def daemons(package: Any) -> None:
    script(WORK + AT_EXIT, package.name)


RACING = """
interp = "spline3" if package == "cblot" else "poly5"
image = np.ones((300, 300), "f4")
pixmap = np.full((400, 400, 2), 150.3)
stop = False
def change():
    while not stop:
        pixmap[...] = 2.3
        pixmap[::7, ::3] = 295.6
        pixmap[::5] = np.nan
        pixmap[...] = 1e9
        pixmap[...] = 295.6
thread = threading.Thread(target=change)
thread.start()
end = time.monotonic() + 4
try:
    while time.monotonic() < end:
        try:
            work(image, pixmap)
        except Exception:
            pass
finally:
    stop = True
    thread.join()
"""


@GROUP.case("a pixmap that another thread changes, spline3 (elsewhere poly5)", valid=True)
def racing(package: Any) -> None:
    script(WORK + RACING, package.name)


FORKING = """
import importlib, os, sys, threading, time
ablot = importlib.import_module(sys.argv[1] + ".ablot")
keywords = {"addsky": False, "configObj": "defaults"}
ablot.blot("med.fits", "exp.fits[sci,1]", "first.fits", **keywords)
stop = False
def again(name):
    while not stop:
        ablot.blot("med.fits", "exp.fits[sci,1]", name, **keywords)
threads = [threading.Thread(target=again, args=(f"t{k}.fits",)) for k in range(2)]
for thread in threads:
    thread.start()
children = []
for k in range(20):
    time.sleep(0.003 * (k % 7))
    child = os.fork()
    if not child:
        ablot.blot("med.fits", "exp.fits[sci,1]", f"c{k}.fits", **keywords)
        os._exit(0)
    children.append(child)
bad, end = 0, time.monotonic() + 20
for child in children:
    done = 0, 0
    while not done[0] and time.monotonic() < end:
        done = os.waitpid(child, os.WNOHANG)
        time.sleep(0.005)
    if not done[0]:
        os.kill(child, 9)
        os.waitpid(child, 0)
        bad += 1
stop = True
for thread in threads:
    thread.join()
print("stuck", bad)
"""


@GROUP.case("a fork while other threads run the file task", valid=True)
def forking(package: Any) -> None:
    if package.name == "drizzle":
        raise Nothing
    files.write_pair()
    done = script(FORKING, package.name)
    if "stuck 0" not in done.stdout:
        raise Hangs("the child never ends")


@GROUP.case("jobs=10**9")
def many_jobs(package: Any) -> None:
    files.write_pair()
    begun, most, start = [0], 5000, threading.Thread.start

    def counted(thread: threading.Thread) -> None:
        begun[0] += 1
        if begun[0] > most:
            raise RuntimeError("can't start new thread")
        start(thread)

    threading.Thread.start = counted  # type: ignore[method-assign]
    try:
        files._many(package, ["exp.fits"], jobs=10**9)
    finally:
        threading.Thread.start = start  # type: ignore[method-assign]
        if begun[0] > most:
            raise Wrong("it starts threads without end")


KILLED = """
import os, signal
import cblot
os.replace = os.rename = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
cblot.blot_exposures("med.fits", ["exp.fits"], "out", addsky=False, jobs=1)
"""


@GROUP.case("a run after one that was killed while it wrote", valid=True)
def killed(package: Any) -> None:
    package.only("cblot")
    files.write_pair()
    with contextlib.suppress(Crashed):
        script(KILLED)
    if not any(Path("out").iterdir()):
        raise ValueError("the case leaves nothing behind")
    files._many(package, ["exp.fits"], resume=True)
    left = [path.name for path in Path("out").iterdir() if path.name.startswith(".")]
    if left:
        raise Wrong(f"{left[0]} is still there")


@GROUP.case("`cblot params -o` on a disk that is full", must_fail=True)
def full_disk(package: Any) -> None:
    package.only("cblot")

    def no_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    try:
        command("params", "-o", "new.cfg", preexec_fn=no_room, env=_no_bytecode())
    finally:
        if Path("new.cfg").exists():
            raise Wrong("an empty file is left")


def _no_bytecode() -> dict[str, str]:
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}


@GROUP.case("`cblot --version` into a pipe that is closed", valid=True)
def closed_pipe(package: Any) -> None:
    package.only("cblot")
    reader, writer = os.pipe()
    os.close(reader)
    done = run(sys.executable, "-m", "cblot", "--version", stdout=writer)
    os.close(writer)
    if done.stderr.strip():
        raise Wrong(done.stderr.strip().splitlines()[-1])


@GROUP.case("files whose names begin with a dash, after `--`", valid=True)
def dashes(package: Any) -> None:
    package.only("cblot")
    write_clean(Path("-m.fits"))
    write_exposure(Path("-e.fits"))
    command("blot", "--no-addsky", "-o", "out.fits", "--", "-m.fits", "-e.fits[sci,1]")
    files.look_anywhere("out.fits")


@GROUP.case("a file's name with a terminal's escape in it", must_fail=True)
def escapes(package: Any) -> None:
    package.only("cblot")
    files.write_pair()
    Path("e\x1b[31m.fits").write_bytes(b"no FITS" * 1000)
    try:
        command("blot", "med.fits", "e\x1b[31m.fits", "-o", "out.fits")
    except Refused as refused:
        if "\x1b" in str(refused):
            raise Wrong("the escape is printed as it is") from None
        raise


HIDDEN = """
import importlib.abc, sys
class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "drizzlepac":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
import cblot
"""
TEAL = """
from stsci.tools import teal
print("interpol", teal.load("ablot")["interpol"])
"""


@GROUP.case("`teal.load('ablot')` where drizzlepac is not installed", valid=True)
def teal(package: Any) -> None:
    if package.name == "drizzle":
        raise Nothing
    done = script((HIDDEN if package.name == "cblot" else "") + TEAL)
    if "interpol poly5" not in done.stdout:
        raise Wrong(done.stdout[:80])


HEAD = """
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cblot/blot.h>
static float source[40 * 50], out[30 * 36];
static double x[30 * 36], y[30 * 36];
static cblot_image image(void* data, int type, long ny, long nx) {
    cblot_image made = {data, type, ny, nx, nx, 1};
    return made;
}
int main(void) {
    for (int k = 0; k < 40 * 50; ++k) source[k] = 7.0f;
    for (int k = 0; k < 30 * 36; ++k) x[k] = y[k] = 12.3;
    cblot_mapping mapping;
    cblot_default_mapping(&mapping);
    mapping.kind = CBLOT_PIXMAP;
    mapping.x = image(x, CBLOT_DOUBLE, 30, 36);
    mapping.y = image(y, CBLOT_DOUBLE, 30, 36);
    cblot_image from = image(source, CBLOT_FLOAT, 40, 50), to = image(out, CBLOT_FLOAT, 30, 36);
    cblot_options options, *given = &options;
    cblot_default_options(given);
    char message[200] = "";
"""
TAIL = """
    int status = cblot_blot(&from, &mapping, &to, given, 0, message, sizeof message);
    printf("%d %s", status, message);
    return 0;
}
"""


def _c_program(package: Any, change: str) -> str:
    """Build and run a program with cblot's C library: what it printed."""
    import cblot

    package.only("cblot")
    compiler = shutil.which("gcc") or shutil.which("cc")
    library = Path(cblot.__file__).parent / "lib" / "libcblot.a"
    if compiler is None or not library.exists():
        raise Nothing
    Path("host.c").write_text(HEAD + change + TAIL)
    flags = ["-fsanitize=address,undefined"] if "asan" in os.environ.get("LD_PRELOAD", "") else []
    plain = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
    built = run(compiler, *flags, "host.c", "-o", "host", f"-I{cblot.get_include()}", str(library),
                "-lstdc++", "-lm", "-lpthread", env=plain)  # fmt: skip
    if built.returncode:
        raise ValueError(built.stderr)
    done = run("./host", env=plain)
    if done.returncode:
        raise Crashed((done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1])
    return done.stdout


def _refused(printed: str) -> None:
    status, _, message = printed.partition(" ")
    if status != "0":
        raise Refused(RuntimeError(message))


@GROUP.case("C: a pixel map, nothing odd", valid=True)
def c_plain(package: Any) -> None:
    _refused(_c_program(package, ""))


@GROUP.case("C: options whose size is that of much more memory than there is")
def c_size(package: Any) -> None:
    at_the_end = """
    long page = sysconf(_SC_PAGESIZE);
    char* two = mmap(0, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(two + page, page, PROT_NONE);
    given = (cblot_options*)(two + page - sizeof options);
    memcpy(given, &options, sizeof options);
    given->size = 1u << 20;
    """
    _refused(_c_program(package, at_the_end))


@GROUP.case("C: an output in the source's memory", must_fail=True)
def c_overlap(package: Any) -> None:
    _refused(_c_program(package, "to.data = source + 100;"))


@GROUP.case("C: options of an instruction set that there is not", must_fail=True)
def c_isa(package: Any) -> None:
    _refused(_c_program(package, "options.isa = 99;"))


@GROUP.case("the usual port of a cluster's dashboard is taken, warnings are errors", valid=True)
def port_taken(package: Any) -> None:
    """One of the tests that start a cluster."""
    import socket

    package.only("cblot")
    root = Path(__file__).resolve().parents[2]
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # someone has it
            taken.bind(("", 8787))
            taken.listen()
        done = run(
            sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider",
            "tests/test_distributed.py", "-k", "same_outputs or one_machine or bits", cwd=root,
        )  # fmt: skip
    if done.returncode:
        raise Wrong((done.stdout.strip().splitlines() or ["no tests"])[-1])
