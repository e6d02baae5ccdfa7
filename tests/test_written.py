"""How an output is laid out, and how it gets there: whole, over a file or nothing."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

import cblot
import task_files as files
from cblot.cli.run import main
from cblot.files import images, replace
from cblot.files.write import write
from conftest import hstwcs


@pytest.fixture(autouse=True)
def nothing_else_is_replaced(tmp_path: Path, monkeypatch: Any) -> None:
    """Should the rules be broken, and root run the tests: no device of the machine is lost."""

    def within(function: Any) -> Any:
        def checked(source: Any, target: Any, **keywords: Any) -> None:
            place = Path(os.path.realpath(os.path.dirname(os.path.abspath(target))))
            assert tmp_path.resolve() in (place, *place.parents), f"{target} would be replaced"
            function(source, target, **keywords)

        return checked

    for name in ("replace", "rename", "link"):
        monkeypatch.setattr(os, name, within(getattr(os, name)))


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Data, a reference of two chips, output."""
    data = files.write_data(tmp_path / "med.fits")
    return data, files.write_reference(tmp_path / "flt.fits", chips=2), tmp_path / "out.fits"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*covers no pixel")
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("legacy", [False, True])
def test_laid_out_as_drizzlepac_does(
    data_dir: Path, tmp_path: Path, monkeypatch: Any, version: int, legacy: bool
) -> None:
    """Primary header, the image as [SCI,1] at index 1, its tables; HSTWCS has all distortion."""
    outputimage = pytest.importorskip("drizzlepac.outputimage")
    monkeypatch.chdir(tmp_path)
    with fits.open(data_dir / "acs_wfc_flt.fits.gz") as exposure:
        wcs = hstwcs(exposure, ("SCI", version))
        science = exposure["SCI", version]
        science.header["MDRIZSKY"] = 3.0
        science.header["EXTNAME"] = "SCI"
        exposure.writeto("flt.fits")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pixels = np.zeros(science.shape, np.float32)
            outputimage.writeSingleFITS(pixels, wcs, "dp.fits", f"flt.fits[SCI,{version}]")
    crval = {f"CRVAL{i + 1}": value for i, value in enumerate(wcs.wcs.crval)}
    data = files.write_data(tmp_path / "med.fits", MDRIZSKY=3.0, **crval)
    cblot.blot(data, f"flt.fits[sci,{version}]", "cb.fits", legacy=legacy, expout=50)
    with fits.open("dp.fits") as theirs, fits.open("cb.fits") as ours:
        ours.verify("exception")
        assert [hdu.name for hdu in ours[:2]] == [hdu.name for hdu in theirs] == ["PRIMARY", "SCI"]
        assert ours[0].data is None
        assert ours[0].header["EXTEND"] is True
        assert ours[0].header["NEXTEND"] == len(ours) - 1
        assert type(ours[1]) is type(theirs[1])
        for key in ("NAXIS", "NAXIS1", "NAXIS2", "BITPIX", "EXTNAME", "EXTVER", "CCDCHIP"):
            assert ours[1].header[key] == theirs[1].header[key], key
        for key in ("INSTRUME", "DETECTOR", "DATE-OBS", "IDCTAB"):
            assert ours[0].header[key] == theirs[0].header[key], key
            assert (key in ours[1].header) == (key in theirs[1].header), key
        for header, other in ((ours[0].header, ours[1].header), (theirs[0].header, {})):
            assert "CRVAL1" not in header
            assert "EXPTIME" not in other
        assert ours[0].header["EXPTIME"] == 50.0
        assert ours[1].header["MDRIZSKY"] == 3.0
        referred = [ours[1].header[f"DP{axis}.EXTVER"] for axis in (1, 2)]
        assert [hdu.ver for hdu in ours if hdu.name == "WCSDVARR"] == referred
        x, y = np.random.default_rng(0).uniform(1, 2048, (2, 500))
        found = hstwcs(ours, 1)
        np.testing.assert_allclose(
            found.all_pix2world(x, y, 1), wcs.all_pix2world(x, y, 1), rtol=0, atol=1e-12
        )
        assert ours[1].data.shape == wcs.array_shape


def test_a_simple_exposure_and_none(pair: tuple[Path, Path, Path]) -> None:
    """Of a header that is both, the image's has all, and the primary nothing of the pixels."""
    data, reference, out = pair
    hdus = files.reference_hdus()
    header = hdus[0].header.copy()
    header.extend(hdus[1].header, strip=True)
    header["HISTORY"] = "was simple"
    fits.PrimaryHDU(hdus[1].data, header).writeto(reference, overwrite=True)
    cblot.blot(data, reference, out, expout=50.0)
    with fits.open(out) as made:
        made.verify("exception")
        assert not {"CRVAL1", "A_ORDER", "BUNIT", "MDRIZSKY"} & set(made[0].header)
        assert made[0].header["ROOTNAME"] == made[1].header["ROOTNAME"] == "jtest"
        assert made[0].header["EXPTIME"] == made[1].header["EXPTIME"] == 50.0
        assert "was simple" in list(made[0].header["HISTORY"])
        assert "HISTORY" not in made[1].header
    grid = {"outscale": 0.05, "orient": 0.0, "raref": 150.0, "decref": 2.0, "xrefpix": 9.0,
            "yrefpix": 8.0, "outnx": 21, "outny": 17}  # fmt: skip
    cblot.blot(data, None, out, user_wcs=True, expout=1.0, addsky=False, **grid)
    with fits.open(out) as made:
        made.verify("exception")
        assert [hdu.name for hdu in made] == ["PRIMARY", "SCI"]
        assert made[1].shape == (17, 21)


def odd_things(folder: Path) -> list[Path]:
    """A pipe, a socket, a folder, and links to them."""
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as door:
        here = os.getcwd()
        os.chdir(folder)  # the name of a socket is short
        door.bind("socket")
        os.chdir(here)
    (folder / "folder.fits").mkdir()
    things = [folder / name for name in ("pipe", "socket", "folder.fits")]
    for thing in [*things, Path("/dev/null"), Path("/dev/zero")]:
        link = folder / f"to_{thing.name.split('.')[0]}.fits"
        link.symlink_to(thing)
        things.append(link)
    return things


@pytest.mark.timeout(60)
def test_what_is_no_file_is_not_read(pair: tuple[Path, Path, Path]) -> None:
    data, reference, out = pair
    for thing in [*odd_things(out.parent), "/dev/zero", out.parent / "to_zero.fits[1]"]:
        for given in ((thing, reference), (data, thing)):
            with pytest.raises(OSError, match="must be a regular file, and is a"):
                cblot.blot(*given, out)
        result = cblot.blot_exposures(data, [thing], out.parent / "many")
        assert "must be a regular file, and is a" in result.outcomes[0].reason
        with pytest.raises((FileNotFoundError, ValueError), match="configuration file"):
            cblot.blot(data, reference, out, configObj=str(thing))
    assert not out.exists()


@pytest.mark.timeout(60)
def test_what_is_no_file_is_not_replaced(pair: tuple[Path, Path, Path], capsys: Any) -> None:
    data, reference, out = pair
    folder = out.parent
    chip = f"{reference}[sci,1]"
    things = [thing for thing in odd_things(folder) if "folder" not in thing.name]
    before = {thing: os.stat(thing).st_ino for thing in things}
    for thing in things:
        if thing.suffix == ".fits":
            with pytest.raises(OSError, match="the output .* must be a regular file, and is a"):
                cblot.blot(data, chip, thing)
        with pytest.raises(OSError, match="the output .* must be a regular file, and is a"):
            cblot.ablot.help(thing)
        if thing.suffix != ".fits":
            with pytest.raises(OSError, match="the summary .* must be a regular file"):
                cblot.blot_exposures(data, chip, folder / "x", summary=thing)
        assert main(["params", "-o", str(thing)]) == 1
    many = folder / "many"
    many.mkdir()
    os.mkfifo(many / "flt_sci1_blt.fits")
    result = cblot.blot_exposures(data, reference, many)
    assert [outcome.status for outcome in result.outcomes] == ["failed", "done"]
    assert "must be a regular file, and is a pipe" in result.outcomes[0].reason
    assert {thing: os.stat(thing).st_ino for thing in things} == before


def test_no_chip_is_made_where_another_cannot_be(pair: tuple[Path, Path, Path]) -> None:
    """What can't be written is refused before any work is done."""
    data, reference, out = pair
    os.mkfifo(out.with_name("out_sci2.fits"))
    with pytest.raises(OSError, match="must be a regular file, and is a pipe"):
        cblot.blot(data, reference, out)
    assert not out.with_name("out_sci1.fits").exists()


def test_a_summary_may_go_nowhere(pair: tuple[Path, Path, Path]) -> None:
    data, reference, out = pair
    link = out.with_name("nowhere")
    link.symlink_to(os.devnull)
    before = os.stat(os.devnull)
    for place in (os.devnull, link):
        assert cblot.blot_exposures(data, reference, out.parent / "x", summary=place).ok
    assert link.is_symlink()
    now = os.stat(os.devnull)
    assert (now.st_ino, now.st_mode) == (before.st_ino, before.st_mode)


def test_parameters_are_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: Any) -> None:
    target = tmp_path / "a.cfg"

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert main(["params", "-o", str(target)]) == 1
    assert list(tmp_path.iterdir()) == []
    assert main(["params", "-o", str(target)]) == 0
    text = target.read_text()
    assert main(["params", "-o", str(target)]) == 1
    with monkeypatch.context() as patch:  # a file system without links

        def none(*_: Any) -> None:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))

        patch.setattr(os, "link", none)
        assert main(["params", "-o", str(target)]) == 1
        assert main(["params", "-o", str(tmp_path / "b.cfg")]) == 0
    assert target.read_text() == (tmp_path / "b.cfg").read_text() == text
    assert len(list(tmp_path.iterdir())) == 2


def test_names_as_long_as_they_may_be(pair: tuple[Path, Path, Path]) -> None:
    data, reference, out = pair
    for name in ("x" * 250 + ".fits", "\u00e4" * 125 + ".fits"):
        (path,) = cblot.blot(data, f"{reference}[1]", out.with_name(name))
        assert path.name == name
        fits.getdata(path)
    exposure = reference.rename(reference.with_name("e" * 250 + ".fits"))
    paths = cblot.blot(data, exposure, f"{out.parent}/new/")
    assert len({path.name for path in paths}) == 2
    assert all(len(path.name) == 255 and path.exists() for path in paths)
    assert cblot.blot_exposures(data, exposure, out.parent / "new").ok


LOST = """
import os, signal, sys
from pathlib import Path
from cblot.files import replace
def write(own):
    own.write_bytes(b"half")
    print(own, flush=True)
    if sys.argv[2] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.readline()
replace.replace(Path(sys.argv[1]), write, ending=".fits")
"""


@pytest.mark.parametrize("locks", [True, False])
def test_what_lost_processes_left_is_removed(
    pair: tuple[Path, Path, Path], monkeypatch: Any, locks: bool
) -> None:
    """And nothing of one that lives, on a file system with locks or without."""
    data, reference, out = pair
    script = LOST if locks else LOST.replace("def write", "replace.fcntl = None\ndef write")
    if not locks:
        monkeypatch.setattr(replace, "fcntl", None)
    target = out.with_name("flt_sci1_blt.fits")
    lost = files.process("-c", script, target, "die")
    left = Path(lost.communicate()[0].strip())
    living = files.process("-c", script, target, "live", stdin=subprocess.PIPE)
    assert living.stdout is not None
    alive = Path(living.stdout.readline().strip())
    elsewhere = Path(str(left).replace(replace._host(), "0" * 8))
    elsewhere.write_bytes(b"of another machine")
    old = elsewhere.with_name(elsewhere.name.replace(".cblot", "2.cblot"))
    old.write_bytes(b"of another machine")
    os.utime(old, (0, 0))
    others = out.with_name(".mine.fits")
    others.write_bytes(b"precious")
    assert left.exists()
    assert cblot.blot_exposures(data, reference, out.parent, resume=True).ok
    assert alive.exists()
    assert others.exists()
    assert elsewhere.exists()
    assert not left.exists()
    assert not old.exists()
    left.write_bytes(b"again")
    cblot.blot(data, f"{reference}[1]", out)
    assert not left.exists()
    living.communicate("go on\n")
    assert living.returncode == 0
    assert target.read_bytes() == b"half"
    assert not alive.exists()


WAIT = """
import sys
from cblot import __main__
from cblot.files import replace
flush = replace._flush
def wait(own):
    print("writing", flush=True)
    sys.stdin.readline()
replace._flush = wait
sys.exit(__main__.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("many", [False, True])
def test_terminated(pair: tuple[Path, Path, Path], many: bool) -> None:
    data, reference, out = pair
    chip = f"{reference}[1]"
    target = out.parent / "many" if many else out
    if many:
        target.mkdir()
    extra = ["-j", "1"] if many else []
    process = files.process("-c", WAIT, "blot", data, chip, "-o", target, *extra,
                            stdin=subprocess.PIPE)  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate("go on\n" if many else None)
    assert process.returncode == 143, told
    left = sorted(path.name for path in (target if many else out.parent).iterdir())
    assert left == (
        ["cblot_summary.json", "flt_sci1_blt.fits"] if many else ["flt.fits", "med.fits"]
    )


def test_a_path_that_names_a_folder(pair: tuple[Path, Path, Path], monkeypatch: Any) -> None:
    """pathlib drops the slash: a Path without an ending of FITS is a folder's, a str is not."""
    data, reference, out = pair
    monkeypatch.chdir(out.parent)
    made = cblot.blot(data, reference, Path("blots/"))
    assert made == [Path("blots", f"flt_sci{k}_blt.fits") for k in (1, 2)]
    assert cblot.blot(data, f"{reference}[1]", "blot") == [Path("blot.fits")]
    assert cblot.blot(data, f"{reference}[1]", Path("one.fit")) == [Path("one.fit")]
    Path("taken").write_text("a file")
    with pytest.raises(NotADirectoryError, match="folder taken is a file"):
        cblot.blot(data, reference, Path("taken"))
    assert Path("taken").read_text() == "a file"


@pytest.mark.filterwarnings("ignore:.*covers no pixel")
def test_a_primary_hdu_of_a_file_with_tables(data_dir: Path, tmp_path: Path) -> None:
    """As the blot step's outputs are: by its name, in its list, and alone."""
    first, *others = (tmp_path / f"{k}.fits" for k in range(4))
    exposure = f"{data_dir / 'acs_wfc_flt.fits.gz'}[sci,1]"
    data = files.write_data(tmp_path / "med.fits")
    cblot.blot(data, exposure, tmp_path / "made.fits", addsky=False)
    with fits.open(tmp_path / "made.fits") as hdus:
        header = hdus[0].header.copy()
        header.extend(hdus[1].header, unique=True)
        write(images.simple(hdus[1].data, header, hdus[2:]), first)
    with fits.open(first) as hdus:
        assert [hdu.name for hdu in hdus] == ["SCI", "D2IMARR", "WCSDVARR", "WCSDVARR"]
        for given, path in zip((first, hdus, hdus[0]), others, strict=True):
            cblot.blot(data, given, path, addsky=False)
    headers = [files.read(path)[1] for path in others]
    for header in headers:
        assert "CDELT1" not in header
        assert "reference = 0.fits" in str(header["HISTORY"]).split("\n")


def test_the_name_of_a_pipe_without_an_ending(tmp_path: Path) -> None:
    """It is refused as it was given, though .fits would be appended."""
    files.write_data(tmp_path / "med.fits")
    files.write_reference(tmp_path / "flt.fits", chips=1)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="must be a regular file, and is a pipe"):
        cblot.blot(tmp_path / "med.fits", tmp_path / "flt.fits", str(tmp_path / "pipe"))
    assert not (tmp_path / "pipe.fits").exists()
