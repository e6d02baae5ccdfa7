"""What a caller hands over besides arrays: mappings, odd WCS, names, drizzlepac itself."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.faults.scene import SHAPE, SOURCE_SHAPE, plane, plane_image, wcs
from benchmarks.faults.sky import look, through_numbers
from benchmarks.faults.verdict import Group, Nothing, Wrong, compare, refusals

GROUP = Group("Callers")


def _pair(angle: float = 20.0, **keywords: Any) -> tuple[Any, Any]:
    return wcs(SHAPE, angle=angle, **keywords), wcs(SOURCE_SHAPE)


@GROUP.case("a Mapping made for the other chip, of the same shape", must_fail=True)
def mapping_of_another(package: Any) -> None:
    import cblot

    package.only("cblot")
    blot_wcs, source_wcs = _pair()
    other = _pair(20.0, centre=(150.0, 2.001))[0]
    mapping = cblot.Mapping(blot_wcs=other, source_wcs=source_wcs)
    package.do_blot(plane_image(), source_wcs, blot_wcs, wcsmap=mapping)


@GROUP.case("a Mapping of two WCS by place, which may be swapped", must_fail=True)
def mapping_by_place(package: Any) -> None:
    import cblot

    package.only("cblot")
    refusals(cblot.Mapping)(*_pair())


@GROUP.case("a Mapping that blots without any WCS", valid=True)
def mapping_blots(package: Any) -> None:
    import cblot

    package.only("cblot")
    pair = _pair()
    mapping = refusals(cblot.Mapping)(blot_wcs=pair[0], source_wcs=pair[1])
    if not hasattr(mapping, "blot"):
        raise Wrong("a Mapping can't blot")
    look(refusals(mapping.blot)(plane_image(), 3.0), through_numbers(*pair), gain=3.0)


@GROUP.case("a clean image with its WCS, as (array, wcs)", valid=True)
def array_and_wcs(package: Any) -> None:
    pair = _pair()
    result = package.do_blot((plane_image(), pair[1]), None, pair[0])
    look(result, through_numbers(*pair))


@GROUP.case("a clean image with its WCS, as an HDU", valid=True)
def hdu_as_source(package: Any) -> None:
    from astropy.io import fits

    pair = _pair()
    hdu = fits.ImageHDU(plane_image(), pair[1].to_header())
    look(package.do_blot(hdu, None, pair[0]), through_numbers(*pair))


@GROUP.case("a clean image as a memoryview")
def memory_view(package: Any) -> None:
    pair = _pair()
    look(package.do_blot(memoryview(plane_image()), pair[1], pair[0]), through_numbers(*pair))


@GROUP.case("a clean image of another shape than its WCS", valid=True)
def another_shape(package: Any) -> None:
    pair = _pair()
    shape = (SOURCE_SHAPE[0] + 7, SOURCE_SHAPE[1] - 5)
    result = package.do_blot(plane_image(shape), pair[1], pair[0])
    look(result, through_numbers(*pair), shape)


@GROUP.case("a part of a clean image with the slice of its WCS", valid=True)
def sliced(package: Any) -> None:
    blot_wcs, source_wcs = _pair()
    part = (slice(11, 70), slice(13, 80))
    cut = source_wcs.slice(part)
    cut.array_shape, cut.pscale = (59, 67), source_wcs.pscale
    x, y = through_numbers(blot_wcs, source_wcs)
    result = package.do_blot(plane_image()[part], cut, blot_wcs)
    inside = (x >= 13) & (x < 80) & (y >= 11) & (y < 70)
    compare(result, np.where(inside, plane(x, y), 0.0), 0.02)


class RowMap:
    """A mapping as users write them for drizzlepac: of the positions of one row."""

    def __init__(self, blot_wcs: Any, source_wcs: Any) -> None:
        self.blot_wcs, self.source_wcs = blot_wcs, source_wcs

    def forward(self, x: Any, y: Any) -> Any:
        if len(x) != self.blot_wcs.array_shape[1]:
            raise ValueError(f"a row has {self.blot_wcs.array_shape[1]} pixels, not {len(x)}")
        return self.source_wcs.wcs_world2pix(*self.blot_wcs.all_pix2world(x, y, 1), 1)


@GROUP.case("a wcsmap that knows the positions of one row a call", valid=True)
def row_map(package: Any) -> None:
    pair = _pair()
    result = package.do_blot(plane_image(), pair[1], pair[0], wcsmap=RowMap)
    look(result, through_numbers(*pair))


@GROUP.case("drizzlepac's own WCSMap as the wcsmap", valid=True)
def drizzlepacs_map(package: Any) -> None:
    if package.name == "drizzle":
        raise Nothing
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from drizzlepac.wcs_functions import WCSMap
    pair = _pair()
    result = package.do_blot(plane_image(), pair[1], pair[0], wcsmap=WCSMap)
    look(result, through_numbers(*pair))


@GROUP.case("a LinearMap where a class is expected", must_fail=True)
def linear_map(package: Any) -> None:
    import cblot

    package.only("cblot")
    blot_wcs, source_wcs = _pair()
    package.do_blot(plane_image(), source_wcs, blot_wcs, wcsmap=cblot.LinearMap(xsh=3.0))


@GROUP.case("an output in a memory map", valid=True)
def memory_map(package: Any) -> None:
    path = Path("out.raw")
    out = np.memmap(path, np.float32, "w+", shape=SHAPE)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] + 5.25
    package.blot_image(plane_image(), np.stack([x, y], axis=-1), out=out, interp="poly5",
                       sinscl=1.0, exptime=1.0, scale=1.0, fill=0.0)  # fmt: skip
    out.flush()
    compare(np.fromfile(path, np.float32).reshape(SHAPE), plane(x, y), 2e-3)


@GROUP.case("the footprint, of an image that is 0 in places", valid=True)
def footprint(package: Any) -> None:
    package.only("cblot")
    blot_wcs, source_wcs = wcs((90, 120), angle=20.0), wcs(SOURCE_SHAPE)
    image = plane_image()
    image[20:50] = 0.0
    made = package.do_blot(image, source_wcs, blot_wcs, return_footprint=True, interp="nearest")
    x, y = through_numbers(blot_wcs, source_wcs)
    near = (abs(x) < 0.1) | (abs(y) < 0.1) | (abs(x - 90) < 0.1) | (abs(y - 80) < 0.1)
    inside = (x >= 0) & (x < 90) & (y >= 0) & (y < 80)
    compare(made[1], inside, 1e-6, where=~near)


@GROUP.case("runBlot with an empty configuration and no exposures", valid=True)
def empty_configuration(package: Any) -> None:
    from types import SimpleNamespace

    _ablot(package).runBlot([], SimpleNamespace(single_wcs=_pair()[1]), {})


def _ablot(package: Any) -> Any:
    """A package's ``ablot``, the errors of whose functions are known as its own."""
    import importlib
    from types import SimpleNamespace

    if package.name == "drizzle":
        raise Nothing
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = importlib.import_module(f"{package.name}.ablot")
    return SimpleNamespace(runBlot=refusals(module.runBlot), run_blot=refusals(module.run_blot))


@GROUP.case("cdriz.tblot of a patched drizzlepac, far edge, nearest", valid=True)
def patched_entry(package: Any) -> None:
    """What drizzlepac's own reads beyond its image."""
    package.only("cblot")
    import cblot

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from drizzlepac import cdriz
    result, edge = np.zeros((4, 5), "f4"), (SOURCE_SHAPE[1] - 0.3, SOURCE_SHAPE[0] - 0.3)

    def answer(x: Any, y: Any) -> Any:
        return x * 0 + edge[0] + 1, y * 0 + edge[1] + 1

    with cblot.patch_drizzlepac():
        cdriz.tblot(plane_image(), result, 1, 90, 1, 80, 1.0, 1.0, 1.0, 1.0, "center", "nearest",
                    1.0, -9.0, 1.0, 1, answer)  # fmt: skip
    compare(result, np.full((4, 5), plane(SOURCE_SHAPE[1] - 1, SOURCE_SHAPE[0] - 1)), 1e-3)
