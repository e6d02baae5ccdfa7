"""Small FITS files for the file task: a flat clean image, and a distorted exposure that it covers
but for a corner."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from astropy.io import fits

RATE = 10.0  # counts a second in each pixel of the clean image
RATIO = 0.8  # its pixel scale over the exposure's
BLOTTED = RATE / RATIO**2
T_DATA, T_REF = 1600.0, 400.0
SKY_DATA, SKY_REF = 7.0, 44.0
SHAPE, SOURCE_SHAPE = (30, 40), (50, 60)
RA, DEC, SCALE = 150.0, 2.0, 0.05  # arcsec of an exposure's pixel


def tan_header(shape: tuple[int, int], scale: float, sip: bool = False) -> fits.Header:
    header = fits.Header()
    suffix = "-SIP" if sip else ""
    header["CTYPE1"], header["CTYPE2"] = "RA---TAN" + suffix, "DEC--TAN" + suffix
    header["CRVAL1"], header["CRVAL2"] = RA, DEC
    header["CRPIX1"], header["CRPIX2"] = shape[1] / 2, shape[0] / 2
    header["CD1_1"], header["CD1_2"] = -scale / 3600, 0.0
    header["CD2_1"], header["CD2_2"] = 0.0, scale / 3600
    if sip:
        header["A_ORDER"] = header["B_ORDER"] = 2
        header["A_2_0"], header["A_1_1"] = 1.5e-5, -3.2e-6
        header["B_0_2"], header["B_1_1"] = 1.1e-5, 2.3e-6
    return header


def data_header(**keywords: Any) -> fits.Header:
    header = tan_header(SOURCE_SHAPE, SCALE * RATIO)
    # The exposure's last columns are beyond the clean image.
    header["CRPIX1"] += 10.0
    header.update({"EXPTIME": T_DATA, "MDRIZSKY": SKY_DATA, "BUNIT": "ELECTRONS/S"} | keywords)
    return without_none(header)


def without_none(header: fits.Header) -> fits.Header:
    for key in [key for key in header if header[key] is None]:
        del header[key]
    return header


def write_data(path: Path, value: float = RATE, dtype: Any = np.float32, **keywords: Any) -> Path:
    pixels = np.full(SOURCE_SHAPE, value).astype(dtype)
    fits.PrimaryHDU(pixels, data_header(**keywords)).writeto(path, overwrite=True)
    return path


def reference_hdus(chips: int = 1, **keywords: Any) -> fits.HDUList:
    """Primary HDU with EXPTIME, and SCI and DQ of each chip."""
    primary = fits.Header()
    primary.update({"EXPTIME": T_REF, "ROOTNAME": "jtest", "DATE-OBS": "2005-03-07"})
    hdus = fits.HDUList([fits.PrimaryHDU(header=primary)])
    for chip in range(1, chips + 1):
        header = tan_header(SHAPE, SCALE, sip=True)
        header["CRVAL2"] += (chip - 1) * 1e-5
        header.update({"BUNIT": "ELECTRONS", "MDRIZSKY": SKY_REF + chip - 1} | keywords)
        header = without_none(header)
        science = fits.ImageHDU(np.zeros(SHAPE, np.float32), header, name="SCI", ver=chip)
        hdus.append(science)
        hdus.append(fits.ImageHDU(np.zeros(SHAPE, np.int16), name="DQ", ver=chip))
    return hdus


def write_reference(path: Path, chips: int = 1, **keywords: Any) -> Path:
    reference_hdus(chips, **keywords).writeto(path, overwrite=True)
    return path


def read(path: Path) -> tuple[np.ndarray, fits.Header]:
    """Pixels of an output, and its headers in one."""
    with fits.open(path) as hdus:
        header = hdus[0].header.copy()
        header.extend(hdus[1].header, strip=False, update=True)
        return hdus[1].data.astype(float), header


# Data, exposures of two chips, and a folder for outputs.
Night: TypeAlias = tuple[Path, list[Path], Path]


def write_night(folder: Path, count: int = 5) -> Night:
    data = write_data(folder / "med.fits")
    with fits.open(data, mode="update") as hdus:
        noise = np.random.default_rng(3).normal(0, 1, hdus[0].shape)
        hdus[0].data += noise.astype(np.float32)
    exposures = [
        write_reference(folder / f"e{k}_flt.fits", chips=2, MDRIZSKY=SKY_REF + 10 * k)
        for k in range(count)
    ]
    return data, exposures, folder / "out"


def contents(folder: Path) -> dict[str, bytes]:
    """Of all files of a folder, hidden ones among them."""
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


def pixels(folder: Path) -> dict[str, bytes]:
    """Of the blotted images in a folder."""
    return {p.name: fits.getdata(p).tobytes() for p in sorted(folder.glob("*_blt.fits"))}


def process(*arguments: Any, **keywords: Any) -> subprocess.Popen[str]:
    """A Python process with its output in pipes."""
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **keywords,
    )  # fmt: skip
