"""FITS files in every form, and what is left of them when something fails."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

import cblot
import task_files as files
from cblot.files import images as images_module
from cblot.geometry.pair import without_distortion
from conftest import hstwcs
from task_files import BLOTTED, SKY_REF, T_REF

EXPECTED = BLOTTED * T_REF + SKY_REF


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Data, a reference of two chips, output."""
    data = files.write_data(tmp_path / "med.fits")
    return data, files.write_reference(tmp_path / "flt.fits", chips=2), tmp_path / "out.fits"


def level(path: Path) -> float:
    return float(np.median(files.read(path)[0]))


@pytest.mark.parametrize(
    ("extension", "version"),
    [("[1]", 1), ("[3]", 2), ("[sci]", 1), ("[SCI,2]", 2), ("[sci,1]", 1), ("['sci',2]", 2),
     ("[ SCI , 2 ]", 2)],
)  # fmt: skip
@pytest.mark.parametrize("kind", [str, Path])
def test_extensions(pair: tuple[Path, Path, Path], extension: str, version: int, kind: Any) -> None:
    data, reference, out = pair
    assert cblot.blot(kind(data), kind(f"{reference}{extension}"), kind(out)) == [out]
    pixels, header = files.read(out)
    assert header["EXTVER"] == 1
    assert f"reference = flt.fits[SCI,{version}]" in str(header["HISTORY"]).split("\n")
    assert np.median(pixels) == pytest.approx(BLOTTED * T_REF + SKY_REF + version - 1)


def test_every_chip_where_none_is_named(pair: tuple[Path, Path, Path]) -> None:
    data, reference, out = pair
    paths = cblot.blot(data, reference, out)
    assert paths == [out.with_name("out_sci1.fits"), out.with_name("out_sci2.fits")]
    for version, path in enumerate(paths, 1):
        assert level(path) == pytest.approx(EXPECTED + version - 1)
    folder = out.with_name("folder")
    folder.mkdir()
    names = ["flt_sci1_blt.fits", "flt_sci2_blt.fits"]
    assert cblot.blot(data, reference, folder) == [folder / name for name in names]
    assert cblot.blot(data, f"{reference}[sci,2]", folder) == [folder / names[1]]
    odd = reference.rename(reference.with_name("my.fitted_flt.fits"))
    (path,) = cblot.blot(data, f"{odd}[1]", f"{folder}/deep/er/")  # is made
    assert path == folder / "deep" / "er" / "my.fitted_flt_sci1_blt.fits"
    assert level(path) == pytest.approx(EXPECTED)


@pytest.mark.parametrize("ending", [".fits", ".fit", ".fits.gz", ".FITS.GZ", ""])
def test_output_names(pair: tuple[Path, Path, Path], ending: str) -> None:
    data, reference, out = pair
    (path,) = cblot.blot(data, f"{reference}[1]", str(out.with_suffix(ending)))
    assert path.name == ("out.fits" if ending == "" else f"out{ending}")
    assert level(path) == pytest.approx(EXPECTED)
    assert (path.read_bytes()[:2] == b"\x1f\x8b") == ending.lower().endswith("gz")


def compressed(hdus: fits.HDUList) -> fits.HDUList:
    science = hdus["SCI", 1]
    made = fits.CompImageHDU(science.data, science.header, name="SCI")
    return fits.HDUList([hdus[0].copy(), made])


def test_compressed_files(pair: tuple[Path, Path, Path]) -> None:
    data, _, out = pair
    folder = data.parent
    with fits.open(data) as hdus:
        hdus.writeto(folder / "med.fits.gz")
        comp = fits.CompImageHDU(hdus[0].data, hdus[0].header)
        fits.HDUList([fits.PrimaryHDU(), comp]).writeto(folder / "med.fits.fz")
    reference = files.reference_hdus()
    reference.writeto(folder / "one.fits.gz")
    compressed(reference).writeto(folder / "one.fits.fz")
    for source in ("med.fits.gz", "med.fits.fz", "med.fits.fz[1]"):
        for chip in ("one.fits.gz", "one.fits.gz[sci,1]", "one.fits.fz", "one.fits.fz[1]"):
            if source.endswith(".gz"):
                with pytest.warns(UserWarning, match=r"med.fits.gz is read whole, as its file is"):
                    cblot.blot(folder / source, folder / chip, out)
            else:
                cblot.blot(folder / source, folder / chip, out)
            assert level(out) == pytest.approx(EXPECTED)
            with fits.open(out) as hdus:
                assert [type(hdu) for hdu in hdus] == [fits.PrimaryHDU, fits.ImageHDU]
                header = files.read(out)[1]
                assert not [key for key in header if key.startswith(("Z", "TFORM"))]


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "u4", "i8", "f4", "f8"])
def test_types_of_pixels(pair: tuple[Path, Path, Path], dtype: str) -> None:
    data, reference, out = pair
    files.write_data(data, dtype=dtype)
    cblot.blot(data, f"{reference}[1]", out)
    assert level(out) == pytest.approx(EXPECTED)
    assert fits.getdata(out).dtype == ">f4"


def test_scaled_integers(pair: tuple[Path, Path, Path]) -> None:
    """BSCALE, BZERO and BLANK; the HDUList given stays scaled as it was."""
    data, reference, out = pair
    science = fits.PrimaryHDU(np.full(files.SOURCE_SHAPE, 20, np.int16), files.data_header())
    science.header["BSCALE"], science.header["BZERO"], science.header["BLANK"] = 0.25, 5.0, -99
    raw = science.data
    raw[0, 0] = -99
    bytes_ = fits.HDUList([fits.PrimaryHDU(raw)])
    bytes_[0].header.update(files.data_header())
    bytes_.writeto(data, overwrite=True)
    with fits.open(data, mode="update", do_not_scale_image_data=True) as hdus:
        hdus[0].header["BSCALE"], hdus[0].header["BZERO"] = 0.25, 5.0
        hdus[0].header["BLANK"] = -99
    with fits.open(data) as hdus:
        before = repr(hdus[0].header)
        cblot.blot(hdus, f"{reference}[1]", out)
        assert repr(hdus[0].header) == before
        assert hdus[0].data[1, 1] == 10.0
    assert level(out) == pytest.approx(EXPECTED)
    header = files.read(out)[1]
    assert not {"BSCALE", "BZERO", "BLANK"} & set(header)


def test_objects_in_memory(pair: tuple[Path, Path, Path]) -> None:
    """HDUList and HDU, of a file and not; all stay as they were, whatever is asked for."""
    data, reference, out = pair
    with fits.open(data) as source, fits.open(reference) as chip:
        chip[0].header["REFFRAME"] = "ICRS"  # what stwcs writes into a header as RADESYS
        made = fits.HDUList([fits.PrimaryHDU(source[0].data.copy(), source[0].header)])
        headers = [repr(hdu.header) for hdu in [*source, *chip, *made]]
        for given in (source, source[0], made, made[0]):
            for wanted in (chip, chip[1], files.reference_hdus()):
                path = cblot.blot(given, wanted, out)[0]
                assert level(path) == pytest.approx(EXPECTED)
        for options in (
            {"addsky": False}, {"out_units": "cps"}, {"coeffs": False}, {"user_wcs": True},
            {"skyval": 3.0, "addsky": False}, {"legacy": True},
        ):  # fmt: skip
            cblot.blot(source, chip, out, **options)
        assert [repr(hdu.header) for hdu in [*source, *chip, *made]] == headers
        assert chip[1].data.shape == files.SHAPE  # still open
        assert type(chip[1]) is fits.ImageHDU


def test_an_hdu_of_a_file_has_its_company(data_dir: Path, tmp_path: Path) -> None:
    """Exposure time of the primary header, and lookup tables; and its file is an input."""
    with fits.open(data_dir / "acs_wfc_flt.fits.gz") as hdus:
        hdus["SCI", 2].header["MDRIZSKY"] = 3.0
        crval = hdus["SCI", 2].header["CRVAL*"]
        data = files.write_data(tmp_path / "m.fits", **{k: crval[k] for k in ("CRVAL1", "CRVAL2")})
        alone, named = tmp_path / "alone.fits", tmp_path / "named.fits"
        cblot.blot(data, hdus["SCI", 2], alone)
        hdus.writeto(tmp_path / "flt.fits")
    cblot.blot(data, tmp_path / "flt.fits[sci,2]", named)
    with fits.open(alone) as one, fits.open(named) as other:
        np.testing.assert_array_equal(one[1].data, other[1].data)
        names = ["PRIMARY", "SCI", "D2IMARR", "WCSDVARR", "WCSDVARR"]
        assert [hdu.name for hdu in one] == names
    refused = pytest.raises(ValueError, match="the output must not be an input")
    with fits.open(tmp_path / "flt.fits") as hdus, refused:
        cblot.blot(data, hdus["SCI", 1], tmp_path / "flt.fits", addsky=False)


def test_old_detector_table_is_carried_along() -> None:
    """Of exposures of 2011, under AXISCORR."""
    reference = files.reference_hdus(AXISCORR=1)
    table = fits.ImageHDU(np.zeros((1, 40), np.float32), name="D2IMARR")
    reference.append(table)
    with images_module.opened(reference, "reference") as images:
        assert [hdu.name for hdu in images[0].tables()] == ["D2IMARR"]


def test_two_threads(pair: tuple[Path, Path, Path]) -> None:
    """What is silenced while headers are read is as it was afterwards."""
    data, reference, out = pair
    astropy_log = logging.getLogger("astropy")
    before = astropy_log.level, list(warnings.filters)

    def task(k: int) -> Path:
        return cblot.blot(data, f"{reference}[1]", out.with_name(f"out{k}.fits"), threads=1)[0]

    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(task, range(40)))
    assert (astropy_log.level, list(warnings.filters)) == before
    assert len({path.read_bytes()[-5760:] for path in paths}) == 1


def test_names_beyond_ascii(pair: tuple[Path, Path, Path]) -> None:
    data, reference, out = pair
    data = data.rename(data.with_name("d\u00e4\n.fits"))
    reference = reference.rename(reference.with_name("r\u03b1.fits"))
    (path,) = cblot.blot(data, f"{reference}[1]", out.with_name("\u00f6.fits"))
    assert path.name == "\u00f6.fits"
    header = files.read(path)[1]
    assert header["FILENAME"] == "\\xf6.fits"
    assert "data = d\\xe4\\n.fits" in str(header["HISTORY"]).split("\n")


def test_reference_without_sip_in_ctype(pair: tuple[Path, Path, Path], capfd: Any) -> None:
    """Which astropy reads so, with a remark; the output has it, and nothing is printed."""
    data, reference, out = pair
    files.write_reference(reference, CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CTYPE1O="RA---TAN")
    cblot.blot(data, reference, out)
    header = files.read(out)[1]
    assert header["CTYPE1O"] == "RA---TAN"
    assert (header["CTYPE1"], header["CTYPE2"]) == ("RA---TAN-SIP", "DEC--TAN-SIP")
    assert capfd.readouterr() == ("", "")


def test_a_link_stays_a_link(pair: tuple[Path, Path, Path]) -> None:
    data, reference, out = pair
    (out.parent / "elsewhere").mkdir()
    target = out.parent / "elsewhere" / "real.fits"
    out.symlink_to(target)
    for _ in range(2):
        cblot.blot(data, f"{reference}[1]", out)
        assert out.is_symlink()
        assert level(target) == pytest.approx(EXPECTED)


def test_header_of_the_output(pair: tuple[Path, Path, Path]) -> None:
    data, reference, out = pair
    cblot.blot(data, f"{reference}[sci,2]", out, interpol="poly3", in_units="counts")
    _, header = files.read(out)
    assert header["EXPTIME"] == T_REF
    assert (header["BUNIT"], header["UNITS"]) == ("ELECTRONS", "counts")
    assert (header["EXTNAME"], header["EXTVER"]) == ("SCI", 1)
    assert header["MDRIZSKY"] == SKY_REF + 1
    assert header["FILENAME"] == "out.fits"
    assert header["ROOTNAME"] == "jtest"
    history = str(header["HISTORY"]).split("\n")
    assert f"cblot {cblot.__version__} blotted this image." in history
    assert {"data = med.fits", "reference = flt.fits[SCI,2]"} <= set(history)
    assert {"interpol = poly3", "in_units = counts", "legacy = False"} <= set(history)
    cblot.blot(data, f"{reference}[sci,2]", out, out_units="cps")
    _, header = files.read(out)
    assert (header["BUNIT"], header["UNITS"]) == ("ELECTRONS/S", "cps")
    assert header["MDRIZSKY"] == pytest.approx((SKY_REF + 1) / T_REF)


@pytest.mark.filterwarnings("ignore:.*covers no pixel")
@pytest.mark.parametrize("name", ["acs_wfc_flt.fits.gz", "hrc_47tuc_flt.fits"])
@pytest.mark.parametrize("coeffs", [True, False])
def test_wcs_of_the_output(data_dir: Path, tmp_path: Path, name: str, coeffs: bool) -> None:
    """Opened by astropy and by HSTWCS without a complaint, with the exposure's positions."""
    reference = data_dir / name
    with fits.open(reference) as exposure:
        versions = [hdu.ver for hdu in exposure if hdu.name == "SCI"]
        wcs = {version: hstwcs(exposure, ("SCI", version)) for version in versions}
    crval = wcs[1].wcs.crval
    data = files.write_data(tmp_path / "med.fits", CRVAL1=crval[0], CRVAL2=crval[1])
    paths = cblot.blot(data, reference, tmp_path / "out.fits", coeffs=coeffs)
    rng = np.random.default_rng(0)
    for version, path in zip(versions, paths, strict=True):
        nx, ny = wcs[version].pixel_shape
        x, y = rng.uniform(1, nx, 500), rng.uniform(1, ny, 500)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with fits.open(path) as hdus:
                hdus.verify("exception")
                found = [WCS(hdus[1].header, hdus), hstwcs(hdus, 1)]
                names = [hdu.name for hdu in hdus[2:]]
                header = files.read(path)[1]
        expected = wcs[version] if coeffs else without_distortion(wcs[version])
        for opened in found:
            assert opened.array_shape == (ny, nx)
            sky = opened.all_pix2world(x, y, 1)
            back = expected.wcs_world2pix(*sky, 1)
            there = expected.wcs_world2pix(*expected.all_pix2world(x, y, 1), 1)
            np.testing.assert_allclose(back, there, rtol=0, atol=1e-8)
        if coeffs:
            assert header["CTYPE1"] == "RA---TAN-SIP"
            assert ("WCSDVARR" in names) == ("D2IMARR" in names) == ("acs" in name)
        else:
            assert not names
            starts = ("A_", "B_", "CPDIS", "DP1", "DP2", "D2IM", "IDC", "NPOL", "OCX", "OCY", "TDD")
            assert not [key for key in header if key.startswith(starts)]
            assert not [key for key, value in header.items() if "-SIP" in str(value)]


@pytest.mark.parametrize(
    ("data", "reference", "outdata", "kind", "message"),
    [
        ("none.fits", "flt.fits", "out.fits", FileNotFoundError, "data: there is no file .*none"),
        ("med.fits", "no.fits[1]", "out.fits", FileNotFoundError, "reference: there is no file "),
        ("med.fits", "flt.fits[1", "out.fits", FileNotFoundError, "is a bracket missing"),
        ("med.fits", "no.fits", "new/", FileNotFoundError, "reference: there is no file no.fits$"),
        ("text.fits", "flt.fits", "out.fits", OSError, "data: .*text.fits can't be read as a FITS"),
        ("med.fits[sci,3]", "flt.fits", "out.fits", ValueError,
         r"med.fits has no extension \[sci,3\]; its extensions are \[0\]"),
        ("med.fits", "flt.fits[9]", "out.fits", ValueError,
         r"no extension \[9\]; .*\[1\] SCI,1, \[2\] DQ,1"),
        ("med.fits", "flt.fits[-1]", "out.fits", ValueError, r"no extension \[-1\]"),
        ("med.fits", "flt.fits[]", "out.fits", ValueError, r"no extension \[\]"),
        ("med.fits", "flt.fits[\u00b2]", "out.fits", ValueError, r"no extension"),
        ("med.fits", "twice.fits", "out.fits", ValueError, "several outputs .* out_sci1.fits"),
        ("med.fits", "torn.fits.gz", "out.fits", OSError, "reference: torn.fits.gz can't be read"),
        ("med.fits", "flt.fits[sci,x]", "out.fits", ValueError, r"no extension \[sci,x\]"),
        ("med.fits", "flt.fits[0]", "out.fits", ValueError, r"flt.fits\[0\] is not an image"),
        ("flt.fits", "flt.fits[1]", "out.fits", ValueError, "data must be one image; name one of"),
        ("empty.fits", "flt.fits", "out.fits", ValueError, "empty.fits has no image"),
        ("cube.fits", "flt.fits", "out.fits", ValueError,
         r"cube.fits must have a 2-D WCS, got 3 axes"),
        ("cut.fits", "flt.fits", "out.fits", OSError, "cut.fits is cut short: it has 5760 bytes"),
        ("med.fits", "flt.fits[1]", "med.fits", ValueError, "output must not be an input: .*med"),
        ("med.fits", "flt.fits[1]", "link.fits", ValueError, "output must not be an input: .*link"),
        ("med.fits", "flt.fits[1]", "flt.fits", ValueError, "output must not be an input: .*flt"),
        ("med.fits", "flt.fits[1]", "no/out.fits", FileNotFoundError, "no folder .* out.fits in"),
        ("med.fits", "flt.fits[1]", "out.fits.fz", ValueError, "is not tile-compressed, which out"),
        (3, "flt.fits", "out.fits", TypeError, "data must be the name of a FITS file, .* got int"),
        ("med.fits", [1], "out.fits", TypeError, "reference must be the name of .* got list"),
        ("med.fits", "flt.fits", 5, TypeError, "outdata must be the name of .* got int"),
    ],
)  # fmt: skip
def test_bad_files(
    pair: tuple[Path, Path, Path], monkeypatch: Any,
    data: Any, reference: Any, outdata: Any, kind: type[Exception], message: str,
) -> None:  # fmt: skip
    folder = pair[0].parent
    monkeypatch.chdir(folder)
    Path("text.fits").write_text("not FITS at all\n")
    Path("link.fits").symlink_to("med.fits")
    fits.PrimaryHDU().writeto("empty.fits")
    header = files.data_header()
    fits.PrimaryHDU(np.zeros((2, *files.SOURCE_SHAPE), "f4"), header).writeto("cube.fits")
    twice = files.reference_hdus()
    fits.HDUList([twice[0], twice[1], twice[1].copy()]).writeto("twice.fits")
    with fits.open(pair[1]) as hdus:
        hdus.writeto("torn.fits.gz")
    packed = bytearray(Path("torn.fits.gz").read_bytes())
    packed[200:220] = bytes(20)
    Path("torn.fits.gz").write_bytes(packed)
    Path("cut.fits").write_bytes(pair[0].read_bytes()[:5760])
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "File may have been truncated")
        with pytest.raises(kind, match=message):
            cblot.blot(data, reference, outdata, addsky=False)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_overwrite(pair: tuple[Path, Path, Path]) -> None:
    data, reference, out = pair
    out.write_text("precious")
    out.chmod(0o640)
    with pytest.raises(FileExistsError, match=r"out.fits exists, and overwrite is no"):
        cblot.blot(data, f"{reference}[1]", out, overwrite=False)
    assert out.read_text() == "precious"
    cblot.blot(data, f"{reference}[1]", out)
    assert level(out) == pytest.approx(EXPECTED)
    assert out.stat().st_mode & 0o777 == 0o640


READ_ONLY = """
import os
import cblot
cblot.blot("med.fits", "flt.fits[1]", "out.fits")  # imports what is imported late
os.chmod(".", 0o555)
before = open("out.fits", "rb").read()
if os.getuid() == 0:
    os.seteuid(65534)  # whom modes bind
try:
    cblot.blot("med.fits", "flt.fits[1]", "out.fits")
except PermissionError as error:
    print(error)
assert open("out.fits", "rb").read() == before
"""


def test_read_only_folder(pair: tuple[Path, Path, Path]) -> None:
    folder = pair[0].parent
    done = subprocess.run(
        [sys.executable, "-c", READ_ONLY], cwd=folder, text=True, capture_output=True, check=False
    )
    folder.chmod(0o755)
    assert "out.fits can't be written: Permission denied" in done.stdout, done.stderr
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["flt.fits", "med.fits", "out.fits"]


LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
import cblot
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
try:
    cblot.blot("med.fits", "flt.fits[1]", "out.fits")
except OSError as error:
    print(error)
"""


def test_no_room_for_the_output(pair: tuple[Path, Path, Path]) -> None:
    """As on a full disk, a write fails in the middle."""
    folder = pair[0].parent
    pair[2].write_text("precious")
    done = subprocess.run(
        [sys.executable, "-c", LIMITED], cwd=folder, text=True, capture_output=True, check=False
    )
    assert "out.fits can't be written: File too large" in done.stdout, done.stdout + done.stderr
    assert pair[2].read_text() == "precious"
    assert sorted(path.name for path in folder.iterdir()) == ["flt.fits", "med.fits", "out.fits"]


SLOW = """
import os, sys, time
import cblot
from astropy.io import fits
flush = fits.file._File.write
count = [0]
def write(self, data):
    flush(self, data); self.flush(); count[0] += 1
    if count[0] == 2: print("writing", flush=True); time.sleep(60)
fits.file._File.write = write
write_array = fits.file._File.writearray
def slow(self, array):
    half = array.ravel()[: array.size // 2]
    write_array(self, half); self.flush(); print("writing", flush=True); time.sleep(60)
fits.file._File.writearray = slow
cblot.blot("med.fits", "flt.fits[1]", "out.fits")
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_stopped_in_mid_write(pair: tuple[Path, Path, Path], number: signal.Signals) -> None:
    folder = pair[0].parent
    pair[2].write_text("precious")
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW], cwd=folder, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    assert len(list(folder.iterdir())) == 4  # the old output, and the new one beside
    started = time.monotonic()
    os.kill(process.pid, number)
    process.wait()
    process.stdout.close()
    assert process.returncode != 0
    assert time.monotonic() - started < 50
    assert pair[2].read_text() == "precious"
    if number == signal.SIGINT:
        assert len(list(folder.iterdir())) == 3


def test_a_name_with_brackets(pair: tuple[Path, Path, Path]) -> None:
    data, reference, out = pair
    odd = data.rename(data.with_name("med[1].fits[sci,1]"))
    cblot.blot(odd, f"{reference}[1]", out)
    assert level(out) == pytest.approx(EXPECTED)


def test_no_traces(pair: tuple[Path, Path, Path], monkeypatch: Any) -> None:
    """Neither ~/.teal nor a .cfg in the working folder is read or written."""
    data, reference, out = pair
    home = data.parent / "home"
    (home / ".teal").mkdir(parents=True)
    for place in (home / ".teal" / "cblot.cfg", data.parent / "cblot.cfg"):
        place.write_text("_task_name_ = cblot\nskyval = 1e6\naddsky = no\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(data.parent)
    before = sorted(str(path) for path in data.parent.rglob("*"))
    cblot.blot(data, f"{reference}[1]", out)
    assert level(out) == pytest.approx(EXPECTED)
    assert sorted(str(path) for path in data.parent.rglob("*")) == sorted([*before, str(out)])
