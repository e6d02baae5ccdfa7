"""Exposures that the real AstroDrizzle takes, and a run of its steps, offline.

Geometry and headers are those of real ACS exposures; windows of the chips keep it quick. Pixels are
made: a sky, stars, noise and cosmic rays.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from astropy.io import fits

SKY = 30.0  # electrons a pixel
READ_NOISE = 5.0
EXPTIME = 400.0

Corners: TypeAlias = Mapping[int, tuple[int, int]]
FILES = {"HRC": "hrc_47tuc_flt.fits", "WFC": "acs_wfc_flt.fits.gz"}
# A window of shape (ny, nx), and the row and column of each chip at which it begins: the two WFC
# chips meet between the top rows of the first and the bottom ones of the second.
WINDOW = (160, 200)
CORNERS: dict[str, Corners] = {"HRC": {1: (380, 400)}, "WFC": {1: (1880, 1900), 2: (20, 1900)}}

_PRIMARY = {
    "EXPTIME": EXPTIME, "CCDGAIN": 2.0, "TARGNAME": "47TUC", "IDCTAB": "N/A", "OFFTAB": "N/A",
    "DGEOFILE": "N/A", "NPOLFILE": "N/A", "D2IMFILE": "N/A", "MDRIZTAB": "N/A", "FLASHDUR": 0.0,
} | {f"{key}{amp}": value for amp in "ABCD"
     for key, value in (("ATODGN", 1.0), ("READNSE", READ_NOISE))}  # fmt: skip
_OF_THE_DETECTOR = ("DETECTOR", "FILTER1", "FILTER2", "PA_V3", "REFFRAME", "DATE-OBS")


def _science_header(
    header: fits.Header, corner: tuple[int, int], dither: tuple[float, float]
) -> fits.Header:
    """Header of a window of a chip, pointed elsewhere by so many arcseconds."""
    header = header.copy()
    for axis, offset in ((1, corner[1]), (2, corner[0])):
        header[f"CRPIX{axis}"] -= offset
        header[f"LTV{axis}"] = -float(offset)
    header["CRVAL1"] += dither[0] / 3600.0 / np.cos(np.radians(header["CRVAL2"]))
    header["CRVAL2"] += dither[1] / 3600.0
    header["BUNIT"], header["MEANDARK"] = "ELECTRONS", 0.1
    header.remove("MDRIZSKY", ignore_missing=True)
    return header


def _tables(template: fits.HDUList, corners: Corners) -> list[Any]:
    """Lookup tables, shifted as their chips' windows are."""
    tables = []
    for version, corner in corners.items():
        header = template["SCI", version].header
        for key, name in (("D2IM", "D2IMARR"), ("DP", "WCSDVARR")):
            for axis in (1, 2):
                if f"{key}{axis}.EXTVER" in header:
                    table = template[name, int(header[f"{key}{axis}.EXTVER"])].copy()
                    table.header["CRVAL1"] -= corner[1]
                    if name == "WCSDVARR":
                        table.header["CRVAL2"] -= corner[0]
                    tables.append(table)
    return tables


def _star_positions(wcs: Any, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """RA and Dec of stars around the field of an exposure, one for 500 pixels or so."""
    rng = np.random.default_rng(5)
    reach = max(shape) * wcs.pscale / 3600.0
    ra, dec = wcs.all_pix2world(shape[1] / 2, shape[0] / 2, 0)
    count = int(max(shape) ** 2 / 125)
    return (
        ra + rng.uniform(-1, 1, count) * reach / np.cos(np.radians(dec)),
        dec + rng.uniform(-1, 1, count) * reach,
    )


def _sky_with_stars(wcs: Any, shape: tuple[int, int], stars: Any) -> np.ndarray:
    """Electrons of a constant sky and of Gaussian stars."""
    flux = 10.0 ** np.random.default_rng(6).uniform(2.0, 4.5, stars[0].size)
    x, y = wcs.wcs_world2pix(*stars, 0)
    near = (abs(x - shape[1] / 2) < shape[1]) & (abs(y - shape[0] / 2) < shape[0])
    x, y = wcs.all_world2pix(stars[0][near], stars[1][near], 0, quiet=True)
    image = np.full(shape, SKY)
    for sx, sy, f in zip(x, y, flux[near], strict=True):
        rows = np.arange(max(0, int(sy) - 8), min(shape[0], int(sy) + 9))
        columns = np.arange(max(0, int(sx) - 8), min(shape[1], int(sx) + 9))
        if rows.size and columns.size:
            gy, gx = np.exp(-((rows - sy) ** 2) / 3.4), np.exp(-((columns - sx) ** 2) / 3.4)
            image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] += (
                f / (3.4 * np.pi) * np.outer(gy, gx)
            )
    return image


def _expose(clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Noise, and a cosmic ray of up to three pixels for 800 pixels or so."""
    ny, nx = clean.shape
    image = rng.poisson(clean) + rng.normal(0.0, READ_NOISE, clean.shape)
    for _ in range(clean.size // 800):
        y, x = rng.integers(2, ny - 3), rng.integers(2, nx - 3)
        image[y, x : x + rng.integers(1, 4)] += rng.uniform(200, 3000)
    return image


def make_exposures(
    data_dir: Path, folder: Path, detector: str, *, count: int = 4,
    shape: tuple[int, int] = WINDOW, corners: Corners | None = None,
) -> list[str]:  # fmt: skip
    """Write dithered exposures ``<detector><k>_flt.fits`` of windows of all chips; their names."""
    from stwcs.wcsutil import HSTWCS

    corners = CORNERS[detector] if corners is None else corners
    names, stars = [], None
    with (
        quietly(),
        fits.open(data_dir / FILES["HRC"]) as complete,
        fits.open(data_dir / FILES[detector]) as template,
    ):
        for k in range(count):
            rng = np.random.default_rng(100 + k)
            name = f"{detector.lower()}{k}_flt.fits"
            primary = complete[0].header.copy()
            given = template[0].header
            primary.update({key: given[key] for key in _OF_THE_DETECTOR if key in given})
            primary.update(_PRIMARY)
            primary["CCDAMP"] = "C" if detector == "HRC" else "ABCD"
            primary["ROOTNAME"], primary["FILENAME"] = name[:-9], name
            primary["EXPSTART"] = 53436.0 + 0.01 * k
            primary["EXPEND"] = primary["EXPSTART"] + EXPTIME / 86400.0
            hdus = fits.HDUList([fits.PrimaryHDU(header=primary)])
            for version, corner in corners.items():
                header = _science_header(
                    template["SCI", version].header, corner, (0.13 * k * (1 + k), 0.21 * k)
                )
                for extension in ("SCI", "ERR", "DQ"):
                    pixels = np.zeros(shape, np.int16 if extension == "DQ" else np.float32)
                    own = header if extension == "SCI" else None
                    hdus.append(fits.ImageHDU(pixels, own, name=extension, ver=version))
            hdus.extend(_tables(template, corners))
            for version in corners:
                wcs = HSTWCS(hdus, ("SCI", version))
                stars = _star_positions(wcs, shape) if stars is None else stars
                clean = _sky_with_stars(wcs, shape, stars)
                hdus["SCI", version].data = _expose(clean, rng).astype(np.float32)
                hdus["ERR", version].data = np.sqrt(clean + READ_NOISE**2).astype(np.float32)
            hdus.writeto(folder / name, output_verify="silentfix", overwrite=True)
            names.append(name)
    return names


@contextmanager
def quietly() -> Iterator[None]:
    """AstroDrizzle's dependencies warn of themselves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def run_astrodrizzle(names: list[str], **parameters: Any) -> None:
    """Do its steps up to the cosmic-ray masks, in the working folder."""
    from drizzlepac import astrodrizzle

    defaults: dict[str, Any] = {
        "output": "scene", "updatewcs": False, "static": False, "skysub": True,
        "driz_combine": False, "clean": False, "preserve": False, "build": False, "num_cores": 1,
        "resetbits": 0, "median": True, "blot": True, "driz_cr": True, "driz_cr_corr": False,
    }  # fmt: skip
    with quietly():
        astrodrizzle.AstroDrizzle(names, configobj="defaults", **{**defaults, **parameters})
