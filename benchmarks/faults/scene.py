"""Grids and files for the cases: a plane, and exposures whose positions on it are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

SCALE = 1e-4  # degrees
SHAPE, SOURCE_SHAPE = (30, 36), (80, 90)
CENTRE = (150.0, 2.0)
SHIFT = (20, 15)  # pixels from the exposure's first to the clean image's


def plane(x: Any, y: Any) -> Any:
    return 100.0 + 0.5 * x + 0.25 * y


def plane_image(shape: tuple[int, int] = SOURCE_SHAPE) -> Any:
    y, x = np.mgrid[: shape[0], : shape[1]]
    return plane(x, y).astype(np.float32)


def wcs(
    shape: tuple[int, int],
    centre: tuple[float, float] = CENTRE,
    *,
    scale: float = SCALE,
    angle: float = 0.0,
    ctype: tuple[str, str] = ("RA---TAN", "DEC--TAN"),
    crpix: tuple[float, float] | None = None,
    **keywords: Any,
) -> Any:
    """Return an astropy WCS; keywords are attributes of its ``wcs``."""
    from astropy.wcs import WCS

    made = WCS(naxis=2)
    made.wcs.ctype = list(ctype)
    made.wcs.crval = centre
    made.wcs.crpix = crpix or ((shape[1] + 1) / 2, (shape[0] + 1) / 2)
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    flip = -1.0 if ctype[0] else 1.0
    made.wcs.cd = np.array([[flip * c, s], [-flip * s, c]]) * scale
    for name, value in keywords.items():
        setattr(made.wcs, name, value)
    made.array_shape = shape
    made.pscale = scale * 3600.0  # drizzlepac asks for it
    return made


def gwcs(
    shape: tuple[int, int],
    centre: tuple[float, float] = CENTRE,
    *,
    angle: float = 0.0,
    frame: Any = None,
    radians: bool = False,
    latitude_first: bool = False,
) -> Any:
    """Return a gwcs object with a bounding box, as those of JWST have."""
    from astropy import coordinates, units
    from astropy.modeling import models as m
    from gwcs import WCS, coordinate_frames

    ny, nx = shape
    transform = m.Shift(-(nx - 1) / 2) & m.Shift(-(ny - 1) / 2)
    transform = transform | m.Rotation2D(angle) | m.Scale(-SCALE) & m.Scale(SCALE)
    transform = transform | m.Pix2Sky_TAN() | m.RotateNative2Celestial(*centre, 180.0)
    if radians:
        transform = transform | m.Scale(np.pi / 180) & m.Scale(np.pi / 180)
    if latitude_first:
        transform = transform | m.Mapping((1, 0))
    sky = coordinate_frames.CelestialFrame(
        reference_frame=coordinates.ICRS() if frame is None else frame,
        unit=(units.rad, units.rad) if radians else (units.deg, units.deg),
        axes_order=(1, 0) if latitude_first else (0, 1),
    )
    pixels = coordinate_frames.Frame2D(name="detector", unit=(units.pix, units.pix))
    made = WCS(forward_transform=transform, input_frame=pixels, output_frame=sky)
    made.bounding_box = ((-0.5, nx - 0.5), (-0.5, ny - 0.5))
    made.array_shape = shape
    return made


def header(shape: tuple[int, int], crpix: tuple[float, float], **keywords: Any) -> Any:
    from astropy.io import fits

    cards = {
        "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": CENTRE[0], "CRVAL2": CENTRE[1],
        "CRPIX1": crpix[0], "CRPIX2": crpix[1], "CD1_1": -SCALE, "CD1_2": 0.0, "CD2_1": 0.0,
        "CD2_2": SCALE,
    }  # fmt: skip
    made = fits.Header(cards)
    made.update(keywords)
    return made


def write_clean(path: Path, value: float = 1.0, **keywords: Any) -> Path:
    """Write a clean image, the plane times a value, in counts a second."""
    from astropy.io import fits

    crpix = (10.0 + SHIFT[0], 10.0 + SHIFT[1])
    cards = header(SOURCE_SHAPE, crpix, EXPTIME=1.0, MDRIZSKY=0.0, BUNIT="ELECTRONS/S")
    cards.update(keywords)
    image = (plane_image() * value).astype("f4")
    fits.PrimaryHDU(image, cards).writeto(path, overwrite=True)
    return path


def write_exposure(path: Path, names: tuple[str, ...] = ("SCI",), **keywords: Any) -> Path:
    """Write an exposure of 100 s; of each name of an extension, the next number."""
    from astropy.io import fits

    primary = fits.Header({"EXPTIME": 100.0, "ROOTNAME": "jtest", "FLAVOUR": "strange"})
    # drizzlepac asks for these.
    primary.update({"TELESCOP": "HST", "INSTRUME": "ACS", "DETECTOR": "HRC"})
    primary.update({"FILTER1": "F606W", "FILTER2": "CLEAR2S"})
    hdus = fits.HDUList([fits.PrimaryHDU(header=primary)])
    for k, name in enumerate(names):
        cards = header(SHAPE, (10.0, 10.0), BUNIT="ELECTRONS", MDRIZSKY=0.0)
        cards["EXTNAME"], cards["EXTVER"] = name, names[:k].count(name) + 1
        cards.update(keywords)
        hdus.append(fits.ImageHDU(np.zeros(SHAPE, np.float32), cards))
    hdus.writeto(path, overwrite=True)
    return path


def blotted(seconds: float = 100.0, value: float = 1.0) -> Any:
    """What the task must make of the two files."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return plane(x + SHIFT[0], y + SHIFT[1]) * seconds * value
