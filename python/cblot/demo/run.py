"""The example's order of steps, its files and its picture."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

import astropy.wcs
import numpy as np
from numpy.typing import NDArray

from cblot.demo import geometry, scene
from cblot.files import images, replace
from cblot.resample import do_blot

_MIN_EXPOSURES: Final = 3
_CUTOUT: Final = 300
# The reach of poly5 beyond a position, whose samples must all be good.
_REACH: Final = 3


def run(outdir: Path, seed: int) -> None:
    """Make exposures, find their cosmic rays, write files, and print what was found.

    Parameters
    ----------
    outdir : Path
        Directory to write in; made if it is not there.
    seed : int
        Seed of the random numbers, >= 0.

    Raises
    ------
    ImportError
        If drizzle or matplotlib is missing.
    OSError
        If a file can't be written.
    """
    # Before the work: what is missing is said at once.
    import drizzle.resample
    import matplotlib.figure  # noqa: F401

    outdir.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    field = scene.make_field(rng, geometry.RA, geometry.DEC, half=0.018)

    headers = [
        images.new_header(geometry.exposure_cards(pointing)) for pointing in geometry.POINTINGS
    ]
    tables = _table_hdus()
    grids = [_open_wcs(header, tables) for header in headers]
    ideals, tracks, exposures = [], [], []
    for grid, pointing in zip(grids, geometry.POINTINGS, strict=True):
        ideals.append(scene.ideal_exposure(field, grid, pointing.roll))
        tracks.append(scene.make_tracks(rng, geometry.SHAPE))
        exposures.append(scene.observe(rng, ideals[-1], tracks[-1]))

    clean = geometry.clean_wcs(grids)
    pixmaps = [geometry.pixmap(grid, clean) for grid in grids]
    skies = [float(np.median(exposure)) for exposure in exposures]
    median, good = _median(drizzle.resample.Drizzle, clean.array_shape, exposures, skies, pixmaps)

    start = time.perf_counter()
    blots = [do_blot(median, clean, grid, scene.EXPTIME, interp="poly5") for grid in grids]
    seconds = time.perf_counter() - start
    models = [blot + np.float32(sky) for blot, sky in zip(blots, skies, strict=True)]

    total = scene.Score()
    bad = scene.grow(~good, _REACH)
    for k, (exposure, model) in enumerate(zip(exposures, models, strict=True)):
        nearest = np.rint(pixmaps[k]).astype(np.intp)
        covered = ~bad[nearest[..., 1], nearest[..., 0]]
        flagged = scene.find_cosmic_rays(exposure, model, covered)
        total.add(scene.score(flagged, tracks[k], ideals[k], covered))
        planes = {
            "SCI": exposure,
            "BLOT": model,
            "DIFF": exposure - model,
            "MASK": flagged.astype(np.uint8),
        }
        path = outdir / f"exposure{k + 1}.fits"
        _write_fits(path, planes, headers[k], tables)
        print(path)
        if k == 0:
            picture = outdir / "cblot-demo.png"
            _write_png(picture, planes, skies[0])
            print(picture)
    _report(total, len(exposures), seconds, sum(blot.size for blot in blots))


def _median(
    drizzle_class: Any,
    shape: tuple[int, int],
    exposures: list[scene.Image],
    skies: list[float],
    pixmaps: list[NDArray[np.float64]],
) -> tuple[scene.Image, scene.Mask]:
    """Median of the exposures, each drizzled alone, in electrons a second; and where it is good."""
    planes = np.empty((len(exposures), *shape), dtype=np.float32)
    for k, (exposure, sky) in enumerate(zip(exposures, skies, strict=True)):
        drizzled = drizzle_class(kernel="square", out_shape=shape, disable_ctx=True)
        rate = ((exposure - sky) / scene.EXPTIME).astype(np.float32)
        drizzled.add_image(rate, scene.EXPTIME, pixmaps[k], pixfrac=1.0, in_units="cps")
        planes[k] = np.where(drizzled.out_wht > 0.0, drizzled.out_img, np.nan)
    # Sorting puts NaN last; nanmedian says the same, but warns where nothing covers.
    count = np.isfinite(planes).sum(axis=0)
    planes.sort(axis=0)
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    middle = [
        np.take_along_axis(planes, np.minimum(at, len(planes) - 1)[None], axis=0)[0]
        for at in (low, high)
    ]
    median = np.where(count > 0, 0.5 * (middle[0] + middle[1]), 0.0).astype(np.float32)
    # The mean of two would put half of each cosmic ray into the other exposure's blot.
    return median, count >= _MIN_EXPOSURES


def _table_hdus() -> list[Any]:
    hdus = []
    for table in geometry.tables():
        hdu = images.extension(table.values, None, table.name, table.version)
        for axis in (1, 2):
            hdu.header[f"CRPIX{axis}"] = 0.0
            hdu.header[f"CRVAL{axis}"] = 0.0
            hdu.header[f"CDELT{axis}"] = table.step
        hdus.append(hdu)
    return hdus


def _open_wcs(header: Any, tables: list[Any]) -> astropy.wcs.WCS:
    wcs = astropy.wcs.WCS(header, images.several(None, tables))
    wcs.array_shape = geometry.SHAPE
    return wcs


def _write_fits(
    path: Path, planes: dict[str, NDArray[Any]], header: Any, tables: list[Any]
) -> None:
    primary = images.new_header()
    primary["EXPTIME"] = (scene.EXPTIME, "exposure time in seconds")
    hdus = [images.extension(plane, header, name) for name, plane in planes.items()]
    for hdu in hdus:
        if hdu.name != "MASK":
            hdu.header["BUNIT"] = "ELECTRONS"
    content = images.several(primary, [*hdus, *(table.copy() for table in tables)])
    replace.replace(path, lambda own: content.writeto(own, overwrite=True), ending=".fits")


def _write_png(path: Path, planes: dict[str, NDArray[Any]], sky: float) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    y, x = ((n - _CUTOUT) // 2 for n in geometry.SHAPE)
    box = np.s_[y : y + _CUTOUT, x : x + _CUTOUT]
    extent = (x - 0.5, x + _CUTOUT - 0.5, y - 0.5, y + _CUTOUT - 0.5)
    level = {"SCI": sky, "BLOT": sky, "DIFF": 0.0}
    titles = {
        "SCI": "exposure",
        "BLOT": "blot",
        "DIFF": "exposure - blot",
        "MASK": "flagged",
    }
    figure = Figure(figsize=(14.0, 4.2), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (name, title) in zip(figure.subplots(1, 4, sharey=True), titles.items(), strict=True):
        limits = (-60.0, 300.0) if name in level else (0.0, 1.0)
        axes.imshow(
            planes[name][box] - level.get(name, 0.0),
            cmap="gray_r",
            vmin=limits[0],
            vmax=limits[1],
            origin="lower",
            extent=extent,
            interpolation="nearest",
        )
        axes.set_title(title)
    figure.supxlabel("pixels; the first three from -60 to 300 electrons above the sky", size=9)
    replace.replace(path, lambda own: figure.savefig(own, format="png"), ending=".png")


def _report(total: scene.Score, exposures: int, seconds: float, pixels: int) -> None:
    print(
        f"blot: {exposures} exposures, {pixels / 1e6:.1f} Mpx, {seconds:.3f} s "
        f"({pixels / 1e6 / seconds:.0f} Mpx/s)"
    )
    print(
        f"searched: {total.searched} pixels, those that {_MIN_EXPOSURES} or more exposures cover "
        f"({100 * total.searched / pixels:.1f} %)"
    )
    print(
        f"cosmic rays found: {_part(total.tracks_found, total.tracks)} "
        "(half or more of the track's pixels above 5 sigma flagged)"
    )
    print(f"cosmic-ray pixels above 5 sigma found: {_part(total.pixels_found, total.pixels)}")
    print(f"pixels flagged wrongly: {_part(total.wrong, total.searched, digits=4)}")


def _part(part: int, whole: int, digits: int = 1) -> str:
    return f"{part} of {whole} ({100 * part / max(whole, 1):.{digits}f} %)"
