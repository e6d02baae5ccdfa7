"""The windows of files: just what is needed is read, and the whole image's bits come out."""

from __future__ import annotations

import gzip
import http.server
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

import cblot
import task_files as files
from cblot import geometry
from cblot.core import _core
from cblot.files import images as images_module
from cblot.files import wcs as wcs_module
from conftest import sky_image

SHAPE = (700, 900)
WINDOW = (slice(100, 240), slice(333, 612))


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A mosaic, an exposure that needs a part of it, the output."""
    header = files.tan_header(SHAPE, files.SCALE * files.RATIO)
    header["EXPTIME"], header["BUNIT"] = 100.0, "ELECTRONS/S"
    header["CRPIX1"], header["CRPIX2"] = 460.0, 170.0
    fits.PrimaryHDU(sky_image(SHAPE), header).writeto(tmp_path / "mosaic.fits")
    return (
        tmp_path / "mosaic.fits",
        files.write_reference(tmp_path / "flt.fits"),
        tmp_path / "o.fits",
    )


def opened(path: Any) -> Any:
    return images_module.opened(path, "data")


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "u2", "i4"])
@pytest.mark.parametrize("form", ["plain", "extension", "gz", "tiles", "hdu", "memory map"])
def test_pixels_slice_like_an_array(tmp_path: Path, dtype: str, form: str) -> None:
    image = (sky_image(SHAPE) * 100).astype(dtype)
    path = tmp_path / ("image.fits.gz" if form == "gz" else "image.fits")
    if form == "tiles":
        fits.CompImageHDU(image, quantize_level=0, compression_type="GZIP_1").writeto(path)
    else:
        science = fits.ImageHDU(image, name="SCI") if form == "extension" else None
        primary = fits.PrimaryHDU(None if science else image)
        hdus = fits.HDUList([primary, *([science] if science else [])])
        # astropy compresses as well as can be, and as slowly.
        with gzip.open(path, "wb", 1) if form == "gz" else path.open("wb") as file:
            hdus.writeto(file)
    if form in ("hdu", "memory map"):
        mapped = form == "memory map" and dtype != "u2"  # which astropy scales
        with fits.open(path, memmap=mapped) as hdus, opened(hdus) as images:
            check_slices(images[0].pixels, image)
        return
    with opened(path) as images:
        pixels = images[0].pixels
        check_slices(pixels, image)
        if form in ("plain", "extension") and dtype[0] == "f":
            assert pixels.bytes_read == 3 * image[WINDOW].nbytes + 2 * image.nbytes
        elif form == "gz":
            assert pixels.whole
            assert pixels.bytes_read == image.nbytes  # once


def check_slices(pixels: Any, image: np.ndarray) -> None:
    assert pixels.shape == image.shape
    for _ in range(3):
        window = pixels[WINDOW]
        assert window.dtype.isnative or pixels._array is not None
        np.testing.assert_array_equal(window, image[WINDOW])
    np.testing.assert_array_equal(pixels.read(), image)
    assert pixels.read().dtype.isnative


@pytest.mark.parametrize(
    "keywords",
    [{"BSCALE": 0.5, "BZERO": 3.0}, {"BLANK": 0}, {"BSCALE": 0.01, "BZERO": -7.0, "BLANK": 5}],
)
@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "f4"])
def test_scaled_images(tmp_path: Path, keywords: dict[str, Any], dtype: str) -> None:
    image = np.clip(sky_image(SHAPE), 0, 200).astype(dtype)
    path = tmp_path / "image.fits"
    fits.PrimaryHDU(image).writeto(path)
    for key, value in keywords.items():
        if dtype != "f4" or key != "BLANK":
            fits.setval(path, key, value=value)
    expected = fits.getdata(path)
    with opened(path) as images:
        window = images[0].pixels[WINDOW]
        np.testing.assert_array_equal(window, expected[WINDOW])
        assert window.dtype == expected.dtype.newbyteorder("=")


def test_callers_hdus_stay_as_they_were(pair: tuple[Path, Path, Path]) -> None:
    """Memory-mapped and not loaded; scaled; read before, and read after."""
    data, reference, out = pair
    for keywords in ({}, {"BSCALE": 2.0}):
        for key, value in keywords.items():
            fits.setval(data, key, value=value)
        expected = fits.getdata(data).copy()
        with fits.open(data, memmap=not keywords) as hdus:
            before = hdus[0].header.copy()
            cblot.blot(hdus, reference, out, addsky=False)
            assert not hdus[0]._data_loaded
            assert hdus[0].header == before
            np.testing.assert_array_equal(hdus[0].data, expected)
            cblot.blot(hdus, reference, out, addsky=False)
            np.testing.assert_array_equal(hdus[0].data, expected)


def test_a_file_that_is_replaced(pair: tuple[Path, Path, Path]) -> None:
    """The pixels of another file do not come under the header that was read."""
    data = pair[0]
    with opened(data) as images:
        fits.PrimaryHDU(np.zeros(SHAPE, np.float32)).writeto(data, overwrite=True)
        with pytest.raises(OSError, match="mosaic.fits was changed after its header was read"):
            images[0].pixels[WINDOW]


def test_file_windows_of_the_core(tmp_path: Path) -> None:
    """Any window of any shape, and errors of the system."""
    rng = np.random.default_rng(2)
    for dtype in ("f4", "f8"):
        image = rng.normal(size=(61, 83)).astype(dtype)
        path = tmp_path / "raw"
        path.write_bytes(b"x" * 17 + image.astype(f">{dtype}").tobytes())
        with path.open("rb") as file:
            for y0, y1, x0, x1 in [(0, 61, 0, 83), (60, 61, 82, 83), (3, 50, 0, 83), (5, 6, 7, 80)]:
                window = np.empty((y1 - y0, x1 - x0), dtype)
                offset = 17 + (y0 * 83 + x0) * image.itemsize
                _core.read_file_window(file.fileno(), offset, 83, window)
                np.testing.assert_array_equal(window, image[y0:y1, x0:x1])
            _core.read_file_window(file.fileno(), 0, 0, np.empty((3, 0), dtype))  # nothing
            with pytest.raises(EOFError, match="the file ends before the image does"):
                _core.read_file_window(file.fileno(), 18, 83, np.empty((61, 83), dtype))
        with pytest.raises(OSError, match="Bad file descriptor"):
            _core.read_file_window(-1, 0, 83, np.empty((2, 2), dtype))
    with pytest.raises(TypeError):
        _core.read_file_window(0, 0, 4, np.empty((4, 4), np.int32))


@pytest.mark.parametrize("ending", ["fits.gz", "fits.fz"])
def test_compressed_mosaics(pair: tuple[Path, Path, Path], ending: str) -> None:
    data, reference, out = pair
    packed = data.with_name(f"mosaic.{ending}")
    with fits.open(data) as hdus:
        if ending == "fits.fz":
            tiles = fits.CompImageHDU(
                hdus[0].data, hdus[0].header, compression_type="GZIP_2", quantize_level=0
            )
            fits.HDUList([fits.PrimaryHDU(), tiles]).writeto(packed)
        else:
            hdus.writeto(packed)
    cblot.blot(data, reference, out, addsky=False)
    expected = fits.getdata(out)
    if ending == "fits.gz":
        with pytest.warns(UserWarning, match="mosaic.fits.gz is read whole, as its file is"):
            cblot.blot(packed, reference, out, addsky=False)
        result = cblot.blot_exposures(packed, reference, out.parent / "d", addsky=False)
        assert "is read whole" in result.warnings[0]
    else:
        cblot.blot(packed, reference, out, addsky=False)
    np.testing.assert_array_equal(fits.getdata(out), expected)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("interp", ["poly5", "spline3", "sinc"])
def test_task_reads_a_window(pair: tuple[Path, Path, Path], interp: str, legacy: bool) -> None:
    data, reference, out = pair
    parameters: dict[str, Any] = {"addsky": False, "interp": interp, "legacy": legacy}
    cblot.blot(data, reference, out, **parameters)
    expected = fits.getdata(out)
    with fits.open(data) as hdus:
        hdus[0].data = hdus[0].data.astype("f4")  # in memory
        cblot.blot(hdus, reference, out, **parameters)
        np.testing.assert_array_equal(fits.getdata(out), expected)
    assert np.isfinite(expected).all()
    assert (expected != 0).all()
    result = cblot.blot_exposures(data, reference, out.parent / "d", **parameters)
    assert result.bytes_read < 4 * np.prod(SHAPE) / 4


class Ranges(http.server.SimpleHTTPRequestHandler):
    """Serves ranges of files, and counts the bytes."""

    served = 0

    def do_HEAD(self) -> None:
        if not Path(self.directory, self.path.lstrip("/")).exists():
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Accept-Ranges", "bytes")
        size = Path(self.directory, self.path.lstrip("/")).stat().st_size
        self.send_header("Last-Modified", "Sat, 21 Nov 2026 10:00:00 GMT")
        self.send_header("Content-Length", str(size))
        self.end_headers()

    def do_GET(self) -> None:
        if not Path(self.directory, self.path.lstrip("/")).exists():
            return self.send_error(404)
        content = Path(self.directory, self.path.lstrip("/")).read_bytes()
        match = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if match:
            begin, end = int(match[1]), int(match[2] or len(content) - 1)
            part = content[begin : end + 1]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {begin}-{end}/{len(content)}")
        else:
            part = content
            self.send_response(200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Last-Modified", "Sat, 21 Nov 2026 10:00:00 GMT")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)
        Ranges.served += len(part)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    handler = type("Handler", (Ranges,), {})
    make = lambda *arguments: handler(*arguments, directory=str(tmp_path))  # noqa: E731
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), make) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        Ranges.served = 0
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_remote_files(pair: tuple[Path, Path, Path], server: str) -> None:
    """By https and by whatever else fsspec reads: a part of the bytes, and all of the bits."""
    import fsspec

    data, reference, out = pair
    with fits.open(data) as hdus:
        tall = np.concatenate([hdus[0].data, np.zeros((20_000, SHAPE[1]), "f4")])
        fits.PrimaryHDU(tall, hdus[0].header).writeto(data, overwrite=True)
    cblot.blot(data, reference, out, addsky=False)
    expected = fits.getdata(out)
    cblot.blot(f"{server}/mosaic.fits", reference, out, addsky=False)
    np.testing.assert_array_equal(fits.getdata(out), expected)
    assert Ranges.served < data.stat().st_size / 2
    with fsspec.open("memory://bucket/mosaic.fits", "wb") as file:
        file.write(data.read_bytes())
    cblot.blot("memory://bucket/mosaic.fits[0]", reference, out, addsky=False)
    np.testing.assert_array_equal(fits.getdata(out), expected)
    folder = out.parent / "d"
    for count in ("done", "skipped"):
        result = cblot.blot_exposures(
            f"{server}/mosaic.fits", f"{server}/flt.fits[sci,1]", folder, addsky=False, resume=True
        )
        assert result.count(count) == 1, result.as_dict()
    np.testing.assert_array_equal(fits.getdata(folder / "flt_sci1_blt.fits"), expected)
    for address in (f"{server}/none.fits", "http://127.0.0.1:9/mosaic.fits"):
        with pytest.raises(OSError, match=rf"data: {re.escape(address)} can't be read: \w+: .*"):
            cblot.blot_exposures(address, reference, folder)


def test_remote_files_without_fsspec(pair: tuple[Path, Path, Path], monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    for call in (cblot.blot, cblot.blot_exposures):
        with pytest.raises(RuntimeError, match=r"needs .*: pip install 'cblot\[remote\]'"):
            call("https://127.0.0.1/mosaic.fits", *pair[1:])


MOSAIC = (12_000, 12_000)
TASK = """
import sys
from cblot import ablot
ablot.blot("mosaic.fits", sys.argv[1], sys.argv[2], threads=1, interp=sys.argv[3])
status = open("/proc/self/status").read().split()
print(status[status.index("VmHWM:") + 1])
"""


@pytest.fixture(scope="module")
def big(data_dir: Path, acs_wcs: Any, tmp_path_factory: Any) -> Iterator[Path]:
    """A mosaic of 12,000 x 12,000 pixels around a real exposure of two chips."""
    folder = tmp_path_factory.mktemp("big")
    clean = acs_wcs[2]
    header = fits.Header({"EXPTIME": 1600.0, "MDRIZSKY": 1.0, "BUNIT": "ELECTRONS/S"})
    header.update(geometry.linear_keywords(clean))
    header["CRPIX1"] += 3700.0
    header["CRPIX2"] += 3800.0
    rng = np.random.default_rng(5)
    image = np.empty(MOSAIC, np.float32)
    for y in range(0, MOSAIC[0], 1000):
        rng.standard_normal(out=image[y : y + 1000], dtype=np.float32)
    fits.PrimaryHDU(image, header).writeto(folder / "mosaic.fits")
    shutil.copy(data_dir / "acs_wfc_flt.fits.gz", folder / "flt.fits.gz")
    with fits.open(folder / "flt.fits.gz") as hdus:
        for hdu in hdus:
            if hdu.name == "SCI":
                hdu.header["MDRIZSKY"] = 40.0
        hdus.writeto(folder / "flt.fits", output_verify="silentfix")
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.parametrize("interp", ["poly5", "spline3"])
def test_mosaic_of_12000(big: Path, interp: str) -> None:
    """Whole, by windows, on threads, resumed, by dask: the same bits; and little memory."""
    import dask.array as da

    from cblot.distributed import blot_dask

    expected = {}
    image = fits.getdata(big / "mosaic.fits", memmap=False).astype(np.float32)
    mapped = fits.getdata(big / "mosaic.fits", memmap=True)
    with opened(big / "mosaic.fits") as (source,), opened(big / "flt.fits") as chips:
        clean = wcs_module.wcs_of_image(source.hdus, source.index, source.name)
        lazy = da.from_array(mapped, chunks=(1500, 1500))
        for chip in chips:
            wcs = wcs_module.wcs_of_image(chip.hdus, chip.index, chip.name)
            name = "flt_{}{}_blt.fits".format(*chip.extension).lower()
            time = chip.keyword("EXPTIME")[1]
            blotted = cblot.do_blot(image, clean, wcs, time, interp=interp)
            made = blot_dask(lazy, clean, wcs, time, interp=interp, chunks=(1024, 2048))
            np.testing.assert_array_equal(made.compute(), blotted)
            expected[name] = blotted + np.float32(40.0)
    del image, mapped, lazy, made
    mosaic, exposure, out = big / "mosaic.fits", big / "flt.fits", big / interp
    result = cblot.blot_exposures(mosaic, exposure, out, interp=interp)
    assert result.ok
    assert result.bytes_read < 4 * np.prod(MOSAIC) / 4
    (out / "flt_sci1_blt.fits").unlink()
    again = cblot.blot_exposures(mosaic, exposure, out, interp=interp, resume=True)
    assert (again.count("done"), again.count("skipped")) == (1, 1)
    done = subprocess.run(
        [sys.executable, "-c", TASK, "flt.fits[sci,2]", "alone.fits", interp],
        cwd=big, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert int(done.stdout) * 1024 < 4 * np.prod(MOSAIC) / 2  # the interpreter's 100 MB among it
    for name, pixels in expected.items():
        np.testing.assert_array_equal(fits.getdata(out / name), pixels)
    np.testing.assert_array_equal(fits.getdata(big / "alone.fits"), expected["flt_sci2_blt.fits"])
