"""The file task, in a folder of its own: what is written, and what must not be."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.faults.interfaces import _ablot
from benchmarks.faults.scene import (
    SHAPE,
    SHIFT,
    SOURCE_SHAPE,
    blotted,
    plane,
    wcs,
    write_clean,
    write_exposure,
)
from benchmarks.faults.verdict import Group, Hangs, Lost, Refused, Wrong, compare, refusals

GROUP = Group("Files")
CHIP = "exp.fits[sci,1]"


def write_pair(**keywords: Any) -> None:
    write_clean(Path("med.fits"))
    write_exposure(Path("exp.fits"), **keywords)


def look(path: str | Path, hdu: int = 1, wanted: Any = None) -> None:
    from astropy.io import fits

    if not Path(path).is_file():
        raise Wrong(f"there is no {path}")
    found = fits.getdata(path, hdu)
    compare(found, blotted() if wanted is None else wanted, 1.0)


@contextlib.contextmanager
def limited(seconds: float = 20.0) -> Iterator[None]:
    """End what never returns."""

    def end(*_: Any) -> None:
        raise Hangs(f"it took more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def kept(*paths: str | Path) -> Iterator[None]:
    """Look whether files are still what they were, whatever becomes of a call."""

    def state(path: str | Path) -> Any:
        kind = stat.S_IFMT(os.lstat(path).st_mode) if os.path.lexists(path) else 0
        return kind, Path(path).read_bytes() if stat.S_ISREG(kind) else b""

    before = [state(path) for path in paths]
    try:
        yield
    finally:
        for path, was in zip(paths, before, strict=True):
            if state(path) != was:
                raise Lost(f"{Path(path).name} was replaced")


def naming(call: Callable[[], Any], *words: str) -> None:
    """Ask of an error that it names what is wrong."""
    try:
        call()
    except Refused as refused:
        refused.words = words
        raise


@GROUP.case("a clean image and an exposure, nothing odd", valid=True)
def plain(package: Any) -> None:
    write_pair()
    package.blot_file("med.fits", CHIP, "out.fits")
    from astropy.io import fits

    with fits.open("out.fits") as hdus:
        image = next(k for k, hdu in enumerate(hdus) if hdu.data is not None)
    look("out.fits", image)


@GROUP.case("the output, read as `fits.open(f)[1].data`", valid=True)
def layout(package: Any) -> None:
    from astropy.io import fits
    from astropy.wcs import WCS

    write_pair()
    package.blot_file("med.fits", CHIP, "out.fits")
    with fits.open("out.fits") as hdus:
        if len(hdus) < 2 or hdus[0].data is not None:
            raise Wrong("the image is in the primary HDU")
        if hdus[1].name != "SCI" or "FLAVOUR" not in hdus[0].header:
            raise Wrong(f"[1] is {hdus[1].name}, or the exposure's primary header is lost")
        at = WCS(hdus[1].header).wcs_pix2world([[10.0, 10.0]], 1)[0]
    if not np.allclose(at, (150.0, 2.0), atol=1e-9):
        raise Wrong(f"[1] has another WCS: {at}")
    look("out.fits")


@GROUP.case("exposure in FK4 of B1950, clean image in ICRS, from file to file")
def fk4(package: Any) -> None:
    write_pair(RADESYS="FK4", EQUINOX=1950.0)
    # It is a degree away, beyond the clean image.
    package.blot_file("med.fits", CHIP, "out.fits")
    from astropy.io import fits

    with fits.open("out.fits") as hdus:
        found = next(hdu.data for hdu in hdus if hdu.data is not None)
    compare(found, np.zeros(SHAPE), 1.0)


@GROUP.case("`blot_skyval` for `skyval`, AstroDrizzle's name of it", valid=True)
def other_names(package: Any) -> None:
    write_pair()
    package.blot_file("med.fits", CHIP, "out.fits", blot_skyval=1000.0)
    from astropy.io import fits

    with fits.open("out.fits") as hdus:
        found = next(hdu.data for hdu in hdus if hdu.data is not None)
    compare(found, blotted() + 1000.0, 1.0)


@GROUP.case('the folder `Path("blots/")`, which is not there yet')
def folder_as_path(package: Any) -> None:
    write_pair()
    package.blot_file("med.fits", CHIP, Path("blots/"))
    if not Path("blots").is_dir():
        raise Wrong("it writes blots.fits")
    if not list(Path("blots").glob("*.fits")):
        raise Wrong("there is nothing in blots/")


@GROUP.case("an output whose name has 250 bytes", valid=True)
def long_name(package: Any) -> None:
    write_pair()
    name = "x" * 245 + ".fits"
    package.blot_file("med.fits", CHIP, name)
    if not Path(name).is_file():
        raise Wrong("there is no output")


def _special(make: Callable[[str], Any], package: Any, what: str = "out.fits") -> None:
    """Try to write over what is no file."""
    write_pair()
    with contextlib.suppress(Refused):  # whatever has to be imported is imported
        package.blot_file("missing.fits", CHIP, "nothing.fits")
    make(what)
    with kept(what), limited():
        package.blot_file("med.fits", CHIP, what)


def _device(name: str) -> None:
    """Make the null device of another name, or a pipe where that isn't allowed."""
    try:
        os.mknod(name, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except OSError:
        os.mkfifo(name)


@GROUP.case("an output that is a pipe", must_fail=True)
def pipe_as_output(package: Any) -> None:
    _special(os.mkfifo, package)


@GROUP.case("an output that is a device", must_fail=True)
def device_as_output(package: Any) -> None:
    _special(_device, package)


@GROUP.case("an output that is a link to a device", must_fail=True)
def link_to_device(package: Any) -> None:
    def make(name: str) -> None:
        _device("device")
        os.symlink("device", name)

    _special(make, package)


@GROUP.case("an output that is a socket", must_fail=True)
def socket_as_output(package: Any) -> None:
    def make(name: str) -> None:
        socket.socket(socket.AF_UNIX).bind(name)

    _special(make, package)


@GROUP.case("a summary written to a device", valid=True)
def summary_to_device(package: Any) -> None:
    import cblot

    package.only("cblot")
    write_pair()
    _device("null")
    if stat.S_ISFIFO(os.stat("null").st_mode):
        return
    with kept("null"):
        result = refusals(cblot.blot_exposures)("med.fits", ["exp.fits"], "out", summary="null",
                                                addsky=False)  # fmt: skip
    if not result.ok:
        raise Wrong("a chip failed")


def _endless(package: Any, data: str, reference: str, name: str, seconds: float = 20.0) -> None:
    with contextlib.suppress(Refused):
        package.blot_file("missing.fits", CHIP, "nothing.fits")
    with limited(seconds):
        package.blot_file(data, reference, name)


@GROUP.case("a clean image that is a pipe nobody writes to", must_fail=True)
def pipe_as_data(package: Any) -> None:
    write_pair()
    os.mkfifo("pipe.fits")
    _endless(package, "pipe.fits", CHIP, "out.fits")


@GROUP.case("an exposure that is a pipe nobody writes to", must_fail=True)
def pipe_as_exposure(package: Any) -> None:
    write_pair()
    os.mkfifo("pipe.fits")
    _endless(package, "med.fits", "pipe.fits[sci,1]", "out.fits")


@GROUP.case("a clean image that is /dev/zero", must_fail=True, seconds=15.0)
def zeros_as_data(package: Any) -> None:
    write_pair()
    _endless(package, "/dev/zero", CHIP, "out.fits", 5.0)


@GROUP.case("EXTNAME with a path in it, outputs in a folder")
def traversal(package: Any) -> None:
    """Folders that the name leads through are there; nothing but the outputs' may be touched."""
    from astropy.io import fits

    package.only("cblot")
    write_clean(Path("med.fits"))
    names = ("/../../x", "../x", "/../../../x", "a/../../x")
    for k, name in enumerate(names):
        folder = Path(f"{k}/up")
        out = folder / "out"
        for inner in ("", "exp_", "a", "exp_a"):
            (out / inner).mkdir(parents=True, exist_ok=True)
        with fits.open(write_exposure(Path("exp.fits"))) as hdus:
            hdus[1].name = name
            hdus.writeto(folder / "exp.fits")
        guarded = [folder.parent / f"x{end}_blt.fits" for end in ("", "1")]
        guarded += [folder / path.name for path in guarded]
        for path in guarded:
            path.write_text("precious")
        with kept(*guarded), contextlib.suppress(Refused):
            package.blot_file("med.fits", f"{folder}/exp.fits[1]", f"{out}/")
        around = {p for p in folder.parent.rglob("*") if p.is_file() and out not in p.parents}
        strange = around - {*guarded, folder / "exp.fits"}
        if strange:
            raise Lost(f"{strange.pop()} was written outside the folder of outputs")


@GROUP.case("an output that is the clean image itself", must_fail=True)
def output_is_input(package: Any) -> None:
    write_pair()
    with kept("med.fits", "exp.fits"):
        package.blot_file("med.fits", CHIP, "med.fits")


def _by_address(scheme: str, package: Any) -> None:
    write_pair()
    with kept("med.fits", "exp.fits"):
        package.blot_file(f"{scheme}://{Path.cwd()}/med.fits", CHIP, "med.fits")


@GROUP.case("an output that is the clean image, which was given as file://…", must_fail=True)
def output_is_address(package: Any) -> None:
    _by_address("file", package)


@GROUP.case("an output that is the clean image, which was given as local://…", must_fail=True)
def output_is_local_address(package: Any) -> None:
    _by_address("local", package)


@GROUP.case("an output that is the open clean image, after a change of folders", must_fail=True)
def output_is_open(package: Any) -> None:
    from astropy.io import fits

    write_pair()
    here, before = Path.cwd(), Path("med.fits").read_bytes()
    Path("elsewhere").mkdir()
    with fits.open("med.fits", memmap=False) as hdus:
        os.chdir("elsewhere")
        with kept(here / "med.fits"):
            package.blot_file(hdus, f"{here}/{CHIP}", str(here / "med.fits"))
    assert before


class _Chip(SimpleNamespace):
    """A chip of AstroDrizzle's image objects, and such an object with one chip."""

    def returnAllChips(self, extname: str) -> list[Any]:  # noqa: N802
        return [self]

    def getOutputName(self, name: str) -> Any:  # noqa: N802
        return self.outputNames[name]


@GROUP.case("AstroDrizzle's step with the exposure's name for its blot", must_fail=True)
def step_over_exposure(package: Any) -> None:
    package.only("cblot")
    write_pair()
    names = {"data": CHIP, "blotImage": "exp.fits", "outMedian": "med.fits", "outSci": "s.fits",
             "outWeight": "w.fits", "outContext": "c.fits"}  # fmt: skip
    chip = _Chip(wcs=wcs(SHAPE), _exptime=100.0, computedSky=0.0, _conversionFactor=1.0,
                 outputNames=names, outputValues={"texptime": 100.0}, scienceExt="SCI",
                 inmemory=False, virtualOutputs={})  # fmt: skip
    parameters = {"blot_interp": "poly5", "blot_sinscl": 1.0, "blot_addsky": False,
                  "blot_skyval": 0.0, "coeffs": True}  # fmt: skip
    with kept("med.fits", "exp.fits"):
        _ablot(package).run_blot([chip], wcs(SOURCE_SHAPE), parameters)


def _many(package: Any, exposures: list[str], folder: Any = "out", **keywords: Any) -> Any:
    import cblot

    package.only("cblot")
    given = {"addsky": False, **keywords}
    return refusals(cblot.blot_exposures)("med.fits", exposures, folder, **given)


@GROUP.case("two exposures whose chips have one name: a.fits with B_SCI, a_b.fits with SCI")
def one_name(package: Any) -> None:
    write_clean(Path("med.fits"))
    write_exposure(Path("a.fits"), names=("B_SCI",))
    write_exposure(Path("a_b.fits"))
    result = _many(package, ["a.fits[1]", "a_b.fits"])
    made = list(Path("out").glob("*.fits"))
    if result.ok and len(made) < 2:
        raise Lost(f"one chip of two is lost, and all is said to be well: {made}")


@GROUP.case("`data=` beside the clean image, for many exposures", must_fail=True)
def data_twice(package: Any) -> None:
    write_pair()
    write_clean(Path("other.fits"), 2.0)
    _many(package, ["exp.fits"], data="other.fits")


@GROUP.case("`outdata` in the configuration, for many exposures")
def outdata_in_configuration(package: Any) -> None:
    """It may be refused; else someone must be told that it isn't used."""
    write_pair()
    result = _many(package, ["exp.fits"], configObj={"outdata": "elsewhere.fits"})
    if not any("outdata" in remark for remark in result.warnings):
        raise Wrong("it is not used, and nobody is told")


@GROUP.case(
    "an exposure that the clean image does not cover, with the log switched off", valid=True
)
def warnings_are_kept(package: Any) -> None:
    write_pair(CRVAL1=10.0)
    logging.getLogger("cblot").setLevel(logging.CRITICAL)
    result = _many(package, ["exp.fits"])
    if not any(outcome.warnings for outcome in result.outcomes):
        raise Wrong("the outcome has no warning")


@GROUP.case("EXPTIME that is a text")
def exptime_text(package: Any) -> None:
    from astropy.io import fits

    write_pair()
    fits.setval("exp.fits", "EXPTIME", value="long")
    naming(lambda: package.blot_file("med.fits", CHIP, "out.fits"), "exp.fits", "EXPTIME")
    raise Wrong("no error")


@GROUP.case("IDCSCALE that is a text")
def idcscale_text(package: Any) -> None:
    write_pair(IDCSCALE="big")
    naming(lambda: package.blot_file("med.fits", CHIP, "out.fits"), "exp.fits", "IDCSCALE")
    # A task that has no use for it is right.
    look_anywhere("out.fits")


@GROUP.case("EXTVER that is a text")
def extver_text(package: Any) -> None:
    write_pair(EXTVER="one")
    naming(lambda: package.blot_file("med.fits", "exp.fits[1]", "out.fits"), "exp.fits", "EXTVER")
    look_anywhere("out.fits")


def look_anywhere(path: str) -> None:
    from astropy.io import fits

    with fits.open(path) as hdus:
        found = next(hdu.data for hdu in hdus if hdu.data is not None)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    compare(found, plane(x + SHIFT[0], y + SHIFT[1]) * 100.0, 1.0)


@GROUP.case("a clean image that begins like a zip archive and is none")
def fake_zip(package: Any) -> None:
    write_pair()
    Path("fake.fits").write_bytes(b"PK\x03\x04" + bytes(3000))
    naming(lambda: package.blot_file("fake.fits", CHIP, "out.fits"), "fake.fits")
    raise Wrong("no error")
