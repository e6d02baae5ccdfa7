"""Names of outputs: never outside their folder, never an input's, never one for two."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

import cblot
import task_files as files
from cblot import ablot
from cblot.cli.run import main
from cblot.files import images
from cblot.files import names as names_module
from cblot.files import wcs as wcs_module
from cblot.files.write import Inputs
from cblot.tasks import shared
from conftest import hstwcs

HOSTILE = (
    "/../../x", "../x", "a/b", "\\..\\x", "~", "~root/x", "..", ".", "a\nb", "a\x1b[31mb",
    "%2F..%2Fx", "C:x", "a*b?", " sci ", "a'b", "b;rm", "$HOME", "x" * 300, "\u00e4\u00e9",
    "\u202ea",
)  # fmt: skip


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Data, a reference, and a folder two floors down."""
    data = files.write_data(tmp_path / "med.fits")
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    return data, files.write_reference(tmp_path / "flt.fits"), folder


def test_ordinary_names_are_as_they_were() -> None:
    chips = [
        ("j8_my (2)-x.y_flt.fits", (name, 1)) for name in ("SCI", "ERR_2", "A-B", "C+D", "E.F")
    ]
    assert [path.name for path in names_module.output_paths("new/", chips)] == [
        f"j8_my (2)-x.y_flt_{name}1_blt.fits" for name in ("sci", "err_2", "a-b", "c+d", "e.f")
    ]
    named = names_module.output_paths("o.fits", [("a.fits", ("SCI", -3)), ("a.fits", ("SCI", 2))])
    assert [path.name for path in named] == ["o_sci-3.fits", "o_sci2.fits"]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("outdata", ["new/", Path("new"), "out.fits", "new/out.fits"])
def test_no_name_leads_out_of_its_folder(text: str, outdata: Any) -> None:
    chips = [(text + ".fits", ("SCI", 1)), ("a.fits", (text, 1))]
    addresses = f"s3://bucket/{text}", f"https://host/{text}_flt.fits?sign=a/../b", text
    chips += [(names_module.alone(address), ("SCI", 2)) for address in addresses]
    for path in (names_module.output_paths(outdata, [chip])[0] for chip in chips):
        expected = Path("new") if names_module.is_folder(outdata) else Path(outdata).parent
        assert path.parent == expected
        assert len(os.fsencode(path.name)) <= 255
        assert path.name.isprintable()
        assert path.name.endswith(".fits")
        assert not set(path.name) & set("/\\\0\n")


@pytest.mark.parametrize("text", ["/../../x", "..", "../../med", "~root", "a/b", "$HOME"])
@pytest.mark.parametrize("keyword", ["EXTNAME", "ROOTNAME", "FILENAME", "EXPNAME", "CCDCHIP"])
def test_no_header_leads_out_of_the_folder(
    pair: tuple[Path, Path, Path], text: str, keyword: str
) -> None:
    data, reference, folder = pair
    with fits.open(reference, mode="update") as hdus:
        hdus[0].header[keyword] = hdus[1].header[keyword] = text
    top = data.parent
    before = {path: path.read_bytes() for path in top.rglob("*") if path.is_file()}
    made = cblot.blot(data, f"{reference}[1]", folder)
    result = cblot.blot_exposures(data, f"{reference}[1]", folder / "many")
    assert result.ok
    for path in [*made, *result.outputs]:
        assert path.resolve().parent in (folder.resolve(), (folder / "many").resolve())
    after = {path: path.read_bytes() for path in top.rglob("*") if path.is_file()}
    assert {path: after[path] for path in before} == before
    assert len(after) == len(before) + 2


def test_a_tilde_that_is_no_home(pair: tuple[Path, Path, Path], monkeypatch: Any) -> None:
    """Where there is no such user it is a letter as any other, of outputs as of inputs."""
    data, reference, folder = pair
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder / "home"))
    data.rename("~med.fits")
    assert cblot.blot("~med.fits", f"{reference}[1]", "~x.fits") == [Path("~x.fits")]
    result = cblot.blot_exposures("~med.fits", reference, "~x/y", summary="~s.json")
    assert result.outputs == [Path("~x", "y", "flt_sci1_blt.fits")]
    assert main(["blot", "~med.fits", str(reference), "-o", "~x/z/"]) == 0
    cblot.blot("~med.fits", f"{reference}[1]", "~/x/")
    found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert found == [
        "home/x/flt_sci1_blt.fits", "~med.fits", "~s.json", "~x.fits", "~x/y/flt_sci1_blt.fits",
        "~x/z/cblot_summary.json", "~x/z/flt_sci1_blt.fits",
    ]  # fmt: skip


def test_a_name_with_nul(pair: tuple[Path, Path, Path]) -> None:
    data, reference, folder = pair
    with pytest.raises(ValueError, match="outdata must be the name of a file or a folder"):
        cblot.blot(data, reference, f"{folder}/a\0b.fits")


@pytest.mark.parametrize("prefix", ["file://", "local://"])
def test_a_local_file_by_an_address(
    pair: tuple[Path, Path, Path], monkeypatch: Any, prefix: str
) -> None:
    """Is the file: it is read as one, and is an input."""
    data, reference, folder = pair
    before = data.read_bytes(), reference.read_bytes()
    for source, chip in ((f"{prefix}{data}", reference), (data, f"{prefix}{reference}[sci,1]")):
        (made,) = cblot.blot(source, chip, folder)
        assert made.name == "flt_sci1_blt.fits"
        for target in (data, reference):
            with pytest.raises(ValueError, match="the output must not be an input"):
                cblot.blot(source, chip, target)
            with pytest.raises(ValueError, match="the output must not be an input"):
                cblot.blot_exposures(source, chip, folder, summary=target)
    assert (data.read_bytes(), reference.read_bytes()) == before
    with pytest.raises(OSError, match="data /dev/zero must be a regular file, and is a device"):
        cblot.blot(f"{prefix}/dev/zero", reference, folder)
    with pytest.raises(ValueError, match="the output must not be an input"):
        Inputs([f"simplecache::{prefix}{data}"]).check(data)
    monkeypatch.chdir(data.parent)
    result = cblot.blot_exposures(f"{prefix}med.fits", [f"{prefix}flt.fits"], folder)
    assert result.ok
    again = cblot.blot_exposures(f"{prefix}med.fits", [reference], folder, resume=True)
    assert again.count("skipped") == 1


def test_an_input_by_any_name(pair: tuple[Path, Path, Path], monkeypatch: Any) -> None:
    data, reference, folder = pair
    hard, soft = data.with_name("hard.fits"), data.with_name("soft.fits")
    os.link(data, hard)
    soft.symlink_to(reference)
    before = data.read_bytes(), reference.read_bytes()
    for target in (hard, soft, data.parent / "deep" / ".." / "med.fits"):
        for chip in (reference, f"{reference}[1]", f"{reference}[sci,1]"):
            with pytest.raises(ValueError, match="the output must not be an input"):
                cblot.blot(data, chip, target)
    monkeypatch.chdir(data.parent)
    with fits.open("med.fits") as source, fits.open("flt.fits") as chip:
        monkeypatch.chdir(folder)
        for given in ((source, chip), (source[0], chip[1])):
            for target in (data, reference):
                with pytest.raises(ValueError, match="the output must not be an input"):
                    cblot.blot(*given, target, addsky=False, expout=3.0)
    assert (data.read_bytes(), reference.read_bytes()) == before


def test_an_hdu_has_no_company_of_another_file(
    pair: tuple[Path, Path, Path], monkeypatch: Any
) -> None:
    """Its file's name, that is relative, leads to another one after a change of folder."""
    data, _, folder = pair
    monkeypatch.chdir(data.parent)
    with fits.open("flt.fits") as chip:
        other = files.reference_hdus()
        other[0].header["EXPTIME"] = 1e6
        other.writeto(folder / "flt.fits")
        monkeypatch.chdir(folder)
        with pytest.raises(ValueError, match="there is no exposure time EXPTIME in its headers"):
            cblot.blot(data, chip[1], "out.fits")


def test_the_blot_step_spares_its_inputs(pair: tuple[Path, Path, Path], monkeypatch: Any) -> None:
    data, reference, _ = pair
    monkeypatch.chdir(data.parent)
    with fits.open(reference) as hdus:
        wcs = hstwcs(hdus, 1)
    with fits.open(data) as hdus:
        clean = wcs_module.wcs_of_image(hdus, 0, "med")
    before = data.read_bytes(), reference.read_bytes()
    parameters = {"blot_interp": "poly5", "blot_sinscl": 1.0, "blot_addsky": False,
                  "blot_skyval": 0.0, "coeffs": True}  # fmt: skip
    for target in ("flt.fits", "med.fits", "./flt.fits"):
        names = {"data": "flt.fits[sci,1]", "blotImage": target}
        chip = SimpleNamespace(outputNames=names, wcs=wcs, _exptime=1.0, _conversionFactor=1.0,
                               computedSky=None)  # fmt: skip
        image = SimpleNamespace(inmemory=False, scienceExt="SCI", outputNames=names,
                                getOutputName=lambda _: "med.fits",
                                returnAllChips=lambda extname, chip=chip: [chip])  # fmt: skip
        with pytest.raises(ValueError, match="the output must not be an input"):
            ablot.run_blot([image], clean, parameters)
    assert (data.read_bytes(), reference.read_bytes()) == before


def test_one_name_for_two_exposures(pair: tuple[Path, Path, Path]) -> None:
    """Across stems; the first has it, however many are at work."""
    data, reference, folder = pair
    first, second = reference.with_name("a.fits"), reference.with_name("a_b.fits")
    for path, name in ((first, "B_SCI"), (second, "SCI")):
        hdus = files.reference_hdus()
        hdus[1].header["EXTNAME"] = name
        hdus.writeto(path)
    for given in ([first, second], [second, first]):
        named = [f"{path}[1]" for path in given]
        for jobs in (1, 8):
            result = cblot.blot_exposures(data, [reference, *named], folder, jobs=jobs)
            assert [outcome.status for outcome in result.outcomes] == ["done", "done", "failed"]
            assert result.outcomes[2].reason == (
                f"its output would be a_b_sci1_blt.fits, as that of {named[0]}"
            )
            assert not result.ok
    upper = files.write_reference(reference.with_name("FLT.fits"))
    reasons = shared.clashes([reference, upper], folder)
    assert list(reasons) == [1]


def test_no_more_is_opened_than_must_be(tmp_path: Path, monkeypatch: Any) -> None:
    def no(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(images, "opened", no)
    names = [f"j{k:05}_flt.fits" for k in range(20_000)]
    assert shared._suspects(names) == []
    assert shared._suspects([*names, "j00003_flt_x.fits"]) == [3, 20_000]
    assert shared.clashes([*names, "a.fits[SCI,1]", "a.fits[SCI,2]"], tmp_path) == {}


@pytest.mark.parametrize(
    ("keyword", "value", "message"),
    [
        ("EXTVER", "abc", r"odd.fits\[SCI,abc\]: EXTVER must be a whole number, got 'abc'"),
        ("EXTVER", 1.5, "EXTVER must be a whole number, got 1.5"),
        ("IDCSCALE", "abc", r"odd.fits\[SCI,1\]: IDCSCALE must be a pixel scale .*, got 'abc'"),
        ("IDCSCALE", -1.0, r"odd.fits\[SCI,1\]: IDCSCALE must be a pixel scale .*, got -1.0"),
        ("EXPTIME", "NaN", r"odd.fits\[SCI,1\]: EXPTIME must be an exposure time .* got 'NaN'"),
        ("BUNIT", 5, r"odd.fits\[SCI,1\]: MDRIZSKY can't be converted, as BUNIT is 5"),
        ("MDRIZSKY", "a", r"odd.fits\[SCI,1\]: MDRIZSKY must be a finite number, got 'a'"),
    ],
)
def test_errors_name_the_file_and_the_keyword(
    pair: tuple[Path, Path, Path], keyword: str, value: Any, message: str
) -> None:
    data, reference, folder = pair
    odd = reference.with_name("odd.fits")
    hdus = files.reference_hdus()
    hdus[1].header[keyword] = value
    hdus.writeto(odd, output_verify="ignore")
    with pytest.raises(ValueError, match=message):
        cblot.blot(data, odd, folder)
    assert list(folder.iterdir()) == []


@pytest.mark.timeout(60)
@pytest.mark.parametrize("value", ["-40", "'abc     '", "T", "40.5"])
def test_sizes_of_no_use(pair: tuple[Path, Path, Path], value: str) -> None:
    """A negative one would have led back to the same header for ever."""
    data, reference, folder = pair
    content = bytearray(reference.read_bytes())
    begin = content.index(b"NAXIS1  =", content.index(b"XTENSION"))
    content[begin : begin + 80] = f"NAXIS1  = {value}".ljust(80).encode()
    odd = reference.with_name("odd.fits")
    odd.write_bytes(content)
    for given in ((data, odd), (odd, reference)):
        with pytest.raises(OSError, match=r"odd.fits.*NAXIS1 must be a whole number of at least 0"):
            cblot.blot(*given, folder)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("given", ["file", "HDUList", "HDU", "output to be resumed"])
@pytest.mark.parametrize(
    ("keyword", "value"), [("GCOUNT", -1), ("PCOUNT", -1440), ("NAXIS1", -720)]
)
def test_sizes_that_lead_back(
    pair: tuple[Path, Path, Path], given: str, keyword: str, value: int
) -> None:
    """From one HDU to a former one, and so on, whoever asks."""
    data, reference, folder = pair
    odd = reference.with_name("odd.fits")
    hdus = files.reference_hdus()
    hdus.append(fits.ImageHDU(np.zeros((1, 720), "f4"), name="LAST"))
    hdus.writeto(odd)
    content = bytearray(odd.read_bytes())
    begin = content.rindex(keyword.ljust(8).encode() + b"=")
    content[begin : begin + 80] = f"{keyword:8}= {value:20}".ljust(80).encode()
    odd.write_bytes(content)
    if given == "output to be resumed":
        assert images.made_of(odd) == ""
        return
    message = r"odd\.fits\[3\]: (PCOUNT and GCOUNT make its size -|NAXIS1 must be)"
    with fits.open(odd) as hdus, pytest.raises(OSError, match=message):
        cblot.blot(data, {"file": odd, "HDUList": hdus, "HDU": hdus[1]}[given], folder)


@pytest.mark.parametrize(
    "start", [b"PK\x03\x04", b"\x1f\x8b\x08\x00", b"BZh91AY", b"\xfd7zXZ\x00", b"\x89PNG\r\n\x1a\n"]
)
def test_what_is_named_as_fits_and_is_not(pair: tuple[Path, Path, Path], start: bytes) -> None:
    data, reference, folder = pair
    fake = data.with_name("fake.fits")
    fake.write_bytes(start + bytes(range(256)) * 12)
    for given in ((fake, reference), (data, fake)):
        with pytest.raises(OSError, match=r"(data|reference): .*fake.fits can't be read as a FITS"):
            cblot.blot(*given, folder)
    assert np.isfinite(fits.getdata(data)).all()


def test_names_of_extensions_in_any_case(tmp_path: Path) -> None:
    """FITS compares them so: no chip is left out because its EXTNAME is in lower case."""
    hdus = files.reference_hdus(2)
    science = [hdu for hdu in hdus if hdu.name == "SCI"]
    science[0].header["EXTNAME"], science[1].header["EXTNAME"] = "sci", "Sci"
    hdus.writeto(tmp_path / "a_flt.fits")
    data = files.write_data(tmp_path / "data.fits")
    paths = cblot.blot(data, tmp_path / "a_flt.fits", f"{tmp_path}/out/")
    assert [path.name for path in paths] == ["a_flt_sci1_blt.fits", "a_flt_sci2_blt.fits"]
