"""Files in, files out: pixels of every extension, and the cards of every header.

Of the headers, all but dates, cblot's version, and the key that `resume` compares, which is of the
files' paths and times. Work is done in a folder of its own under short names, so that no path is
in them.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cblot

from .images import image, scrambled
from .record import Case

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))  # where the scene is
CHIPS, EXPOSURES = 2, ("a_flt.fits", "b_flt.fits", "c_flt.fits")
_KEY = re.compile(r"(?<=^CBLOTKEY= ')[0-9a-f]+")
USER_GRID = {
    "user_wcs": True, "outscale": 0.06, "orient": 20.0, "raref": 150.0, "decref": 2.0,
    "outnx": 50, "outny": 40,
}  # fmt: skip
PARAMETERS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "no sky": {"addsky": False},
    "a sky": {"addsky": False, "skyval": 12.5},
    "rate": {"out_units": "cps"},
    "counts": {"in_units": "counts"},
    "seconds": {"expout": 77.5},
    "seconds of the data": {"expout": "input"},
    "no distortion": {"coeffs": False},
    "every pixel": {"stepsize": 1},
    "step 3": {"stepsize": 3},
    "sinc": {"interpol": "sinc", "sinscl": 0.7},
    "threads": {"threads": 3},
    "legacy": {"legacy": True},
    "user's grid": USER_GRID,
    "user's grid, north up": {**USER_GRID, "orient": None, "interpol": "lanczos3"},
}


def cases() -> Iterator[Case]:
    for name, parameters in PARAMETERS.items():
        yield f"blot/{name}", lambda p=parameters: _blot("med.fits", EXPOSURES[0], p)
    for interp in cblot.interpolants():
        yield (
            f"blot/interpol {interp}",
            lambda k=interp: _blot("med.fits", "a_flt.fits[sci,2]", {"interpol": k}),
        )
    for name, data in {
        "float64": "double.fits", "whole numbers": "scaled.fits", "compressed": "med.fits.gz",
        "tiles": "med.fits.fz", "an extension": "ext.fits[sci,1]", "counts": "counts.fits",
    }.items():  # fmt: skip
        yield f"blot/data of {name}", lambda d=data: _blot(d, EXPOSURES[0], {})
    for name, reference in {
        "tables": "tables_flt.fits", "one image": "med.fits", "no sky": "dark_flt.fits",
    }.items():  # fmt: skip
        yield f"blot/reference of {name}", lambda r=reference: _blot("med.fits", r, {})
        yield (
            f"blot/reference of {name}, no distortion",
            lambda r=reference: _blot("med.fits", r, {"coeffs": False}),
        )
    for name in ("", "folder/", "one.fits"):
        yield f"blot/names/{name}", lambda n=name: _names(n)
    for jobs in (1, 2, None):
        yield f"blot_exposures/{jobs} jobs", lambda j=jobs: _exposures(j)
    yield "command line", _command
    yield "blot_exposures on a cluster", _cluster
    for coeffs in (True, False):
        for addsky in (True, False):
            for inmemory in (False, True):
                yield (
                    f"run_blot/coeffs {coeffs}/addsky {addsky}/in memory {inmemory}",
                    lambda c=coeffs, a=addsky, m=inmemory: _run_blot(c, a, m),
                )


@contextlib.contextmanager
def _scene() -> Iterator[None]:
    """The working folder, with a clean image in many forms, and exposures."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="cblot-bits-") as name:
        os.chdir(name)
        try:
            _write()
            yield
        finally:
            os.chdir(before)


def _write() -> None:
    from astropy.io import fits

    import task_files as tasks

    pixels = 10.0 + image(tasks.SOURCE_SHAPE, "f8") / 64.0
    header = tasks.data_header()
    single = pixels.astype("f4")
    fits.PrimaryHDU(single, header).writeto("med.fits")
    fits.PrimaryHDU(single, header).writeto("med.fits.gz")
    fits.PrimaryHDU(pixels, header).writeto("double.fits")
    packed = fits.CompImageHDU(single, header, compression_type="GZIP_1", quantize_level=0.0)
    fits.HDUList([fits.PrimaryHDU(), packed]).writeto("med.fits.fz")
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(single, header, name="SCI", ver=1)]).writeto(
        "ext.fits"
    )
    counts = tasks.data_header(BUNIT="ELECTRONS")
    fits.PrimaryHDU(single, counts).writeto("counts.fits")
    whole = fits.PrimaryHDU((scrambled(single.shape) % 4096).astype("i2"), header)
    whole.header["BSCALE"], whole.header["BZERO"] = 0.0078125, 8.0
    whole.writeto("scaled.fits")
    for k, name in enumerate(EXPOSURES):
        tasks.write_reference(Path(name), chips=CHIPS, MDRIZSKY=tasks.SKY_REF + k)
    tasks.write_reference(Path("dark_flt.fits"), chips=1, MDRIZSKY=None)
    _write_tables(Path("tables_flt.fits"))


def _write_tables(path: Path) -> None:
    """An exposure with lookup tables of both axes and of the detector's columns, as HST's have."""
    from astropy.io import fits

    import task_files as tasks

    hdus = tasks.reference_hdus(1)
    header = hdus["SCI", 1].header
    tables = [("CPDIS1", "DP1", "WCSDVARR", 1), ("CPDIS2", "DP2", "WCSDVARR", 2),
              ("D2IMDIS1", "D2IM1", "D2IMARR", 1)]  # fmt: skip
    for k, (kind, record, name, version) in enumerate(tables):
        header[kind] = "LOOKUP"
        for key, value in (("EXTVER", version), ("NAXES", 2), ("AXIS.1", 1), ("AXIS.2", 2)):
            header[record] = f"{key}: {float(value)}"
        shape, step = ((1, 40), 1.0) if name == "D2IMARR" else ((4, 5), 10.0)
        values = ((scrambled(shape, k) / 2.0**32 - 0.5) * 0.08).astype("f4")
        table = fits.ImageHDU(values, name=name, ver=version)
        for axis in (1, 2):
            table.header[f"CRPIX{axis}"] = table.header[f"CRVAL{axis}"] = 1.0
            table.header[f"CDELT{axis}"] = step
        hdus.append(table)
    hdus.writeto(path)


def _of_file(path: Any) -> Any:
    from astropy.io import fits

    with fits.open(path) as hdus:
        return [Path(path).name, _of_hdus(hdus)]


def _of_hdus(hdus: Any) -> Any:
    found: list[Any] = []
    for hdu in hdus:
        cards = [str(card) for card in hdu.header.cards if card.keyword != "DATE"]
        found += [_KEY.sub("KEY", text.replace(cblot.__version__, "VERSION")) for text in cards]
        found.append(None if hdu.data is None else hdu.data.copy())
    return found


def _blot(data: str, reference: str, parameters: dict[str, Any]) -> Any:
    with _scene():
        paths = cblot.blot(data, reference, "out.fits", configObj="defaults", **parameters)
        return [_of_file(path) for path in paths]


def _names(outdata: str) -> Any:
    with _scene():
        before = {path.name for path in Path().iterdir()}
        paths = cblot.blot("med.fits", EXPOSURES[1], outdata or Path("."), configObj="defaults")
        new = sorted({path.name for path in Path().iterdir()} - before)
        return [new, [str(path) for path in paths]]


def _summary(result: Any) -> Any:
    return [
        [(o.reference, o.extension, o.status, o.reason) for o in result.outcomes],
        [_of_file(path) for path in result.outputs],
    ]


def _exposures(jobs: int | None) -> Any:
    with _scene():
        names = [*EXPOSURES, "none.fits", "tables_flt.fits"]
        result = cblot.blot_exposures(
            "med.fits", names, "out", jobs=jobs, interpol="spline3", progress=False
        )
        again = cblot.blot_exposures(
            "med.fits", names, "out", resume=True, interpol="spline3", progress=False
        )
        counts = [again.count(kind) for kind in ("done", "skipped", "failed")]
        return [_summary(result), counts]


def _cluster() -> Any:
    from distributed import Client, LocalCluster

    from cblot.distributed import blot_exposures

    with (
        _scene(),
        LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        result = blot_exposures("med.fits", list(EXPOSURES), "out", client=client, progress=False)
        # Not the headers: workers are told whole names, which are in them.
        return [
            [(o.extension, o.status, o.reason) for o in result.outcomes],
            [_of_file(path)[1][-1] for path in result.outputs],
        ]


def _command() -> Any:
    with _scene():
        arguments = ["blot", "med.fits", *EXPOSURES, "-o", "out/", "--interpol", "poly3"]
        done = subprocess.run(
            [sys.executable, "-m", "cblot", *arguments], capture_output=True, text=True
        )
        outputs = sorted(Path().glob("out/*.fits"))
        return [done.returncode, [_of_file(path) for path in outputs]]


def _run_blot(coeffs: bool, addsky: bool, inmemory: bool) -> Any:
    """AstroDrizzle's step, by what it asks of image objects."""
    from astropy.io import fits
    from astropy.wcs import WCS

    import task_files as tasks

    with _scene():
        chips = []
        for version in range(1, CHIPS + 1):
            header = tasks.reference_hdus(version)["SCI", version].header
            names = {
                "data": f"{EXPOSURES[0]}[sci,{version}]", "blotImage": f"sci{version}_blt.fits",
                "outSci": "s.fits", "outWeight": "w.fits", "outContext": "c.fits",
            }  # fmt: skip
            chips.append(
                SimpleNamespace(
                    wcs=WCS(header), _exptime=400.0 * version, computedSky=5.25,
                    _conversionFactor=1.5, outputNames=names,
                )
            )  # fmt: skip
        virtual: dict[str, Any] = {}
        with fits.open("med.fits") as hdus:
            median = fits.HDUList([hdus[0].copy()]) if inmemory else "med.fits"
            images = SimpleNamespace(
                scienceExt="SCI", inmemory=inmemory, outputNames={"outMedian": "med.fits"},
                outputValues={"texptime": 1600.0}, virtualOutputs=virtual,
                returnAllChips=lambda extname: chips, getOutputName=lambda name: median,
                saveVirtualOutputs=virtual.update,
            )  # fmt: skip
            parameters = {
                "blot_interp": "poly5", "blot_sinscl": 1.0, "blot_addsky": addsky,
                "blot_skyval": 9.0, "coeffs": coeffs,
            }  # fmt: skip
            cblot.ablot.run_blot(images, WCS(tasks.data_header(), naxis=2), parameters)
        if inmemory:
            return [[name, _of_hdus(hdus)] for name, hdus in sorted(virtual.items())]
        return [_of_file(chip.outputNames["blotImage"]) for chip in chips]
