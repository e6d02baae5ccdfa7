"""WCS in: positions, and what is blotted along them; mappings of every kind."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np

import cblot
from benchmarks.faults import scene

from .arrays import CLASSIC, Window, odd_outputs
from .images import image, scrambled, spoiled
from .record import Case

SHAPE, SOURCE_SHAPE = (90, 110), (150, 170)
STEPS = (None, 1, 2, 7, 10, 64, 1000)


def cases() -> Iterator[Case]:
    yield from _plain()
    yield from _distorted()
    yield from _other_projections()
    yield from _callers()
    yield from _gwcs()
    yield from _arguments()
    yield from _classic()
    yield from _dask()


def _through(blot_wcs: Any, source_wcs: Any, **keywords: Any) -> Any:
    """Positions of a mapping, its figures, and images by it and by `do_blot`."""
    mapping = cblot.Mapping(blot_wcs=blot_wcs, source_wcs=source_wcs, **keywords)
    pixels = image(source_wcs.array_shape)
    at = np.array([-3.0, 0.5, 1.0, 17.3, 44.0, 61.7, 200.0])
    return [
        mapping.pixmap(), mapping.pixmap(1.0, threads=2), mapping.forward(at, at[::-1]),
        mapping.shape, mapping.stepsize, mapping.pix_ratio,
        mapping.blot(pixels, 321.5, "poly3", fillval=-1.0, return_footprint=True),
        cblot.do_blot(pixels, source_wcs, blot_wcs, 321.5, fillval=np.nan, **keywords),
        cblot.do_blot(pixels, source_wcs, blot_wcs, 1.0, interp="lanczos3", **keywords),
    ]  # fmt: skip


def _plain() -> Iterator[Case]:
    for angle in (0.0, 30.0, 90.0, 180.0, -90.0, 217.3):
        for scale in (0.2, 0.5, 1.0, 2.0, 5.0):
            for step in (None, 10):
                yield (
                    f"TAN/turned by {angle:g}/scale {scale}/step {step}",
                    lambda a=angle, s=scale, n=step: _through(
                        scene.wcs(SHAPE, angle=a, scale=scene.SCALE * s),
                        scene.wcs(SOURCE_SHAPE),
                        stepsize=n,
                    ),
                )
    for name, centre in {"pole": (10.0, 89.999), "seam": (359.9999, -30.0)}.items():
        yield (
            f"TAN/{name}",
            lambda c=centre: _through(
                scene.wcs(SHAPE, c, angle=12.0), scene.wcs(SOURCE_SHAPE, (c[0], c[1] - 0.0007))
            ),
        )
    for centre in ((330.0, -2.0), (150.5, 2.3), (150.004, 2.003)):
        yield (
            f"TAN/at {centre}",
            lambda c=centre: _through(scene.wcs(SHAPE, c), scene.wcs(SOURCE_SHAPE)),
        )
    for step in STEPS:
        yield (
            f"TAN/step {step}",
            lambda n=step: _through(
                scene.wcs(SHAPE, (150.003, 2.002), angle=12.0), scene.wcs(SOURCE_SHAPE), stepsize=n
            ),
        )
        yield (
            f"linear/step {step}",
            lambda n=step: _through(
                scene.wcs(SHAPE, ctype=("", ""), angle=20.0),
                scene.wcs(SOURCE_SHAPE, ctype=("", "")),
                stepsize=n,
            ),
        )


def distorted(parts: str, shape: tuple[int, int] = SHAPE) -> Any:
    """An exposure with SIP (s; gentle: g), coarse tables (t), one of columns (d), of pixels (r)."""
    from astropy.wcs import DistortionLookupTable, Sip

    made = scene.wcs(shape, angle=35.0)
    if "s" in parts or "g" in parts:
        a, b = np.zeros((2, 5, 5))
        a[2, 0], a[1, 1], a[0, 2], a[3, 0], a[1, 3] = 8.4e-5, -5.3e-5, 2.2e-5, -4.6e-7, 3e-9
        b[2, 0], b[1, 1], b[0, 2], b[0, 3], b[4, 0] = -1.8e-5, 6.1e-5, -7.3e-5, 4e-7, -2e-9
        a, b = (c if "s" in parts else c / 64.0 for c in (a, b))
        made.sip = Sip(a, b, None, None, made.wcs.crpix)
        made.wcs.ctype = [f"{name}-SIP" for name in made.wcs.ctype]

    def table(shape: tuple[int, int], seed: int, size: float, *where: Any) -> Any:
        values = (scrambled(shape, seed) / 2.0**32 - 0.5) * size
        return DistortionLookupTable(values.astype("f4"), *where)

    if "t" in parts:
        where = (1.0, 1.0), (1.0, 1.0), (16.0, 16.0)
        made.cpdis1, made.cpdis2 = (table((6, 7), k, 0.09, *where) for k in (1, 2))
    if "d" in parts:
        made.det2im1 = table((1, shape[1]), 3, 0.02, (1.0, 1.0), (1.0, 1.0), (1.0, 1.0))
    if "r" in parts:  # rough: nodes can't follow
        made.det2im2 = table(shape, 4, 3.0, (1.0, 1.0), (1.0, 1.0), (1.0, 1.0))
    return made


def _distorted() -> Iterator[Case]:
    for parts in ("s", "g", "t", "d", "st", "gt", "sd", "td", "std", "r", "str"):
        for step in STEPS if parts in ("s", "g", "gt", "std") else (None, 10):
            yield (
                f"distorted/{parts}/step {step}",
                lambda p=parts, n=step: _through(distorted(p), scene.wcs(SOURCE_SHAPE), stepsize=n),
            )
    yield (
        "distorted/coeffs off",
        lambda: _through(distorted("std"), scene.wcs(SOURCE_SHAPE), coeffs=False),
    )
    for step in (None, 10):
        yield (
            f"distorted/large/step {step}",
            lambda n=step: _through(distorted("gt", (400, 700)), scene.wcs((440, 760)), stepsize=n),
        )


def _other_projections() -> Iterator[Case]:
    for projection in ("SIN", "ARC", "STG", "ZEA", "CAR", "AIT"):
        ctype = (f"RA---{projection}", f"DEC--{projection}")
        for step in (None, 3, 10):
            yield (
                f"{projection}/step {step}",
                lambda c=ctype, n=step: _through(
                    scene.wcs(SHAPE, angle=20.0), scene.wcs(SOURCE_SHAPE, ctype=c), stepsize=n
                ),
            )
    for projection in ("CAR", "AIT"):
        for scale in (0.5, 0.1):
            for step in (None, 4, 10):
                # Nodes across the seam are replaced by cells of all pixels.
                yield (
                    f"{projection}/seam/scale {scale}/step {step}",
                    lambda p=projection, s=scale, n=step: _through(
                        scene.wcs((100, 130), (180.0, 10.0), scale=s), _all_sky(p), stepsize=n
                    ),
                )
    pairs = {
        "galactic": (
            {"ctype": ("GLON-TAN", "GLAT-TAN"), "centre": (236.9546, 41.9051)},
            {},
        ),
        "FK5 of 1975": ({"radesys": "FK5", "equinox": 1975.0, "centre": (149.676, 2.12)}, {}),
        "FK4": ({"radesys": "FK4", "equinox": 1950.0, "centre": (149.356, 2.24)}, {}),
        "latitude first": ({"ctype": ("DEC--TAN", "RA---TAN"), "centre": (2.0, 150.0)}, {}),
        "LONPOLE": ({"lonpole": 170.0}, {}),
        "source's LONPOLE": ({}, {"lonpole": 170.0}),
        "ecliptic": ({"ctype": ("ELON-TAN", "ELAT-TAN")},) * 2,
    }
    for name, (blot, source) in pairs.items():
        for step in (None, 10):
            yield (
                f"{name}/step {step}",
                lambda b=blot, s=source, n=step: _through(
                    scene.wcs(SHAPE, **b), scene.wcs(SOURCE_SHAPE, **s), stepsize=n
                ),
            )


def _all_sky(projection: str) -> Any:
    ctype = (f"RA---{projection}", f"DEC--{projection}")
    return scene.wcs((360, 720), (0.0, 0.0), scale=0.5, ctype=ctype)


class Bent:
    """A caller's mapping, of arithmetic alone."""

    def __init__(self, blot_wcs: Any, source_wcs: Any) -> None:
        pass

    def forward(self, x: Any, y: Any) -> Any:
        return x * 1.125 - y * 0.0625 + x * y / 4096.0 + 3.5, y * 1.0625 + x * 0.03125 + 2.25


class Rows(Bent):
    """One that was written for a row a call."""

    def forward(self, x: Any, y: Any) -> Any:
        if (np.diff(x) < 0.0).any():
            raise ValueError("one row alone")
        return super().forward(x, y)


def _callers() -> Iterator[Case]:
    blot_wcs, source_wcs = scene.wcs(SHAPE, scale=scene.SCALE * 1.1), scene.wcs(SOURCE_SHAPE)
    kinds = {
        "WCSMap": cblot.WCSMap,
        "a subclass of WCSMap": type("Asked", (cblot.WCSMap,), {}),
        "IdentityMap": cblot.IdentityMap,
        "LinearMap": lambda blot_wcs, source_wcs: cblot.LinearMap(31.5, 4.25, 12.5, 0.875),
        "caller's": Bent,
        "caller's of one row": Rows,
    }
    for name, kind in kinds.items():
        for step in (None, 10):
            yield (
                f"wcsmap/{name}/step {step}",
                lambda k=kind, n=step: _through(blot_wcs, source_wcs, wcsmap=k, stepsize=n),
            )
        yield (
            f"wcsmap/{name}/threads",
            lambda k=kind: cblot.do_blot(
                image(SOURCE_SHAPE), source_wcs, blot_wcs, 2.0, wcsmap=k, threads=3
            ),
        )
    for step in (None, 10):
        yield f"wcsmap/Mapping/step {step}", lambda n=step: _reused(n)
    yield (
        "maps",
        lambda: [
            cblot.WCSMap(distorted("std"), source_wcs).forward([3.0, 50.0], [7.0, 80.0]),
            cblot.WCSMap(distorted("s"), source_wcs).backward([63.0, 80.0], [47.0, 80.0]),
            cblot.WCSMap(distorted("std"), source_wcs).get_pix_ratio(),
            cblot.LinearMap(1.5, -2.5, 33.0, 0.75).forward([3.0, 50.0], [7.0, 80.0]),
        ],
    )


def _reused(step: int | None) -> Any:
    blot_wcs, source_wcs, pixels = distorted("std"), scene.wcs(SOURCE_SHAPE), image(SOURCE_SHAPE)
    mapping = cblot.Mapping(blot_wcs=blot_wcs, source_wcs=source_wcs, stepsize=step)
    again = pickle.loads(pickle.dumps(mapping))
    return [
        cblot.do_blot(pixels, source_wcs, blot_wcs, 2.0, wcsmap=mapping),
        again.pixmap(),
        again.blot(pixels, 2.0, "sinc", 0.75),
    ]


def _gwcs() -> Iterator[Case]:
    kinds = {"plain": {}, "radians": {"radians": True}, "latitude first": {"latitude_first": True}}
    for name, options in kinds.items():
        for step in (None, 10):
            yield (
                f"gwcs/{name}/step {step}",
                lambda o=options, n=step: _through(
                    scene.gwcs(SHAPE, angle=20.0, **o), scene.gwcs(SOURCE_SHAPE), stepsize=n
                ),
            )
    yield "gwcs/of FITS", lambda: _through(scene.gwcs(SHAPE, angle=20.0), scene.wcs(SOURCE_SHAPE))
    yield "gwcs/onto FITS", lambda: _through(scene.wcs(SHAPE), scene.gwcs(SOURCE_SHAPE))
    yield "gwcs/box", lambda: _boxed()


def _boxed() -> Any:
    blot_wcs = scene.gwcs(SHAPE, angle=20.0)
    blot_wcs.bounding_box = ((20.5, 80.5), (13.0, 70.2))
    return _through(blot_wcs, scene.gwcs(SOURCE_SHAPE))


def _arguments() -> Iterator[Case]:
    blot_wcs, source_wcs = distorted("std"), scene.wcs(SOURCE_SHAPE)

    def blotted(source: Any, wcs: Any = source_wcs, **keywords: Any) -> Any:
        return cblot.do_blot(source, wcs, blot_wcs, 12.5, **keywords)

    for interp in cblot.interpolants():
        yield (
            f"do_blot/{interp}",
            lambda k=interp: [
                blotted(image(SOURCE_SHAPE, t), interp=k, sinscl=0.8, return_footprint=True)
                for t in ("f4", ">f8")
            ],
        )
        yield (
            f"do_blot/{interp}/not finite",
            lambda k=interp: blotted(spoiled(SOURCE_SHAPE), interp=k),
        )
        yield (
            f"do_blot/{interp}/window",
            lambda k=interp: blotted(Window(image(SOURCE_SHAPE)), interp=k, threads=2),
        )
    for name in odd_outputs(SHAPE):
        yield f"do_blot/out/{name}", lambda n=name: _into(blotted, *odd_outputs(SHAPE)[n])
    yield "do_blot/threads", lambda: [blotted(image(SOURCE_SHAPE), threads=n) for n in (1, 2, 5)]
    yield (
        "do_blot/a small part of a mosaic",
        lambda: cblot.do_blot(
            Window(image((700, 900))), scene.wcs((700, 900), crpix=(700.0, 150.0)), blot_wcs, 2.0
        ),
    )
    yield "do_blot/shape other than the WCS's", lambda: blotted(image((140, 150)))
    yield "do_blot/NDData", lambda: _nddata(blotted, source_wcs)
    yield "do_blot/pairs", lambda: _pairs(blotted, source_wcs)
    yield "do_blot/Quantity", lambda: _quantity(source_wcs, blot_wcs)


def _into(blotted: Any, out: np.ndarray, memory: np.ndarray) -> Any:
    blotted(image(SOURCE_SHAPE), out=out)
    return memory


def _nddata(blotted: Any, source_wcs: Any) -> Any:
    from astropy.nddata import CCDData, NDData

    pixels, mask = image(SOURCE_SHAPE), image(SOURCE_SHAPE, "u1") % 16 == 0
    return [
        blotted(NDData(pixels, mask=mask, wcs=source_wcs), None),
        blotted(CCDData(pixels, mask=mask, wcs=source_wcs, unit="electron/s"), None),
    ]


def _pairs(blotted: Any, source_wcs: Any) -> Any:
    from astropy.io import fits

    pixels = image(SOURCE_SHAPE)
    header = source_wcs.to_header(relax=True)
    return [
        blotted((pixels, source_wcs), None),
        blotted((pixels, header), None),
        blotted(fits.PrimaryHDU(pixels, header), None),
    ]


def _quantity(source_wcs: Any, blot_wcs: Any) -> Any:
    from astropy import units

    return cblot.do_blot(image(SOURCE_SHAPE) << units.one, source_wcs, blot_wcs, 2.0 * units.min)


def _classic() -> Iterator[Case]:
    for interp in CLASSIC:
        for parts in ("", "std"):
            for step in (None, 10):
                yield (
                    f"classic/drizzlepac/{interp}/{parts}/step {step}",
                    lambda k=interp, p=parts, n=step: _classically(k, distorted(p), n),
                )
    yield "classic/wcsmap", lambda: cblot.do_blot(
        image(SOURCE_SHAPE), scene.wcs(SOURCE_SHAPE), scene.wcs(SHAPE), 321.5, wcsmap=Bent,
        classic=True,
    )  # fmt: skip


def _classically(interp: str, blot_wcs: Any, step: int | None) -> Any:
    source_wcs, results = scene.wcs(SOURCE_SHAPE, scale=scene.SCALE * 0.8), []
    for source in (image(SOURCE_SHAPE), image(SOURCE_SHAPE, "f8"), spoiled(SOURCE_SHAPE)):
        results.append(
            cblot.do_blot(
                source, source_wcs, blot_wcs, 321.5, interp=interp, stepsize=step, classic=True
            )
        )
    mapping = cblot.Mapping(blot_wcs=blot_wcs, source_wcs=source_wcs, stepsize=step, classic=True)
    return [*results, mapping.pixmap(), mapping.blot(source, 321.5, interp, classic=True)]


def _dask() -> Iterator[Case]:
    for interp in ("poly5", "spline3", "lanczos5"):
        for chunks in ((40, 50), (90, 110)):
            for step in (None, 10):
                yield (
                    f"blot_dask/{interp}/{chunks}/step {step}",
                    lambda k=interp, c=chunks, n=step: _lazily(k, c, n),
                )


def _lazily(interp: str, chunks: tuple[int, int], step: int | None) -> Any:
    import dask.array as da

    from cblot.distributed import blot_dask

    source = da.from_array(image(SOURCE_SHAPE), chunks=(64, 48))
    made = blot_dask(
        source, scene.wcs(SOURCE_SHAPE), distorted("std"), 3.5, interp=interp, chunks=chunks,
        stepsize=step,
    )  # fmt: skip
    return made.compute(scheduler="synchronous")
