"""What is compared: two calls, most often a peer's and cblot's that does the same, and where."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib import import_module
from typing import Any

import numpy as np

import cblot

from .measure import Clock
from .scene import SKIES, Place, Scene

ALIASES = ("bilinear", "lsinc", "lan3", "lan5")
INTERPOLANTS = tuple(name for name in cblot.interpolants() if name not in ALIASES)
THEIR_NAMES = {"lanczos3": "lan3", "lanczos5": "lan5"}
POSES = (Place(0.5), Place(30.0), Place(60.0), Place(90.0), Place(25.0, 0.5), Place(25.0, 2.0))
# For peers so slow that the rest would be waiting.
FEW_POSES = POSES[0], POSES[2], POSES[4]
SIDES = (20, 40, 100, 300, 1000, 4000)
MANY = (10_000, 10_000)


@dataclass(frozen=True)
class Table:
    """Cases that are printed together; `package` is the peer's.

    A ratio is the first call's time over the second's, and the worst is the least, or, of a
    `cost`, the greatest. Of `calls`, times are told a call, else a pixel.
    """

    title: str
    package: str = ""
    cost: bool = False
    calls: bool = False
    clock: Clock = time.process_time


@dataclass(frozen=True)
class Case:
    """One ratio: of two calls at a place. They give the same image, or `table` says what not."""

    table: Table
    row: str
    column: str
    place: Place
    first: Callable[[Scene], Any]
    second: Callable[[Scene], Any]

    @property
    def ours(self) -> Callable[[Scene], Any]:
        """The call of cblot's that the table tells the time of."""
        return self.first if self.table.cost else self.second

    @property
    def name(self) -> str:
        return f"{self.table.title}: {self.row}, {self.column}"


@cache
def _function(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    return getattr(import_module(module), attribute)


def drizzlepac(s: Scene, **keywords: Any) -> Any:
    """Its sinc does the same work as ours, but its values are garbage."""
    do_blot = _function("drizzlepac.ablot.do_blot")
    return do_blot(s.source, s.source_wcs, s.blot_wcs, 1.0, **keywords)


def drizzlepac_exact(s: Scene, **keywords: Any) -> Any:
    return drizzlepac(s, wcsmap=_function("drizzlepac.wcs_functions.WCSMap"), **keywords)


def drizzlepac_dithered(s: Scene, **keywords: Any) -> Any:
    do_blot = _function("drizzlepac.ablot.do_blot")
    return do_blot(s.source, s.source_wcs, next(s.dithered), 1.0, **keywords)


def drizzle(s: Scene, interp: str, **keywords: Any) -> Any:
    interp = THEIR_NAMES.get(interp, interp)
    blot_image = _function("drizzle.resample.blot_image")
    return blot_image(s.source, s.pixmap, interp=interp, **keywords)


def drizzle_pixmap(s: Scene) -> Any:
    return _function("drizzle.utils.calc_pixmap")(s.blot_wcs, s.source_wcs)


def scipy(s: Scene, order: int) -> Any:
    positions = np.moveaxis(s.pixmap[..., ::-1], -1, 0)
    map_coordinates = _function("scipy.ndimage.map_coordinates")
    return map_coordinates(s.source, positions, order=order, mode="mirror", output=np.float32)


def reproject(s: Scene, order: str) -> Any:
    return _function("reproject.reproject_interp")(
        (s.source, s.source_wcs), s.blot_wcs, shape_out=s.blot_wcs.array_shape, order=order,
        return_footprint=False,
    )  # fmt: skip


def do_blot(s: Scene, *, threads: int = 1, **keywords: Any) -> Any:
    return cblot.do_blot(
        s.source, s.source_wcs, s.blot_wcs, 1.0, threads=threads, **keywords
    )  # fmt: skip


def do_blot_dithered(s: Scene, **keywords: Any) -> Any:
    return cblot.do_blot(s.source, s.source_wcs, next(s.dithered), 1.0, threads=1, **keywords)


def mapped(s: Scene, **keywords: Any) -> Any:
    return s.mapping.blot(s.source, 1.0, threads=1, **keywords)


def blot_image(s: Scene, *, threads: int = 1, **keywords: Any) -> Any:
    return cblot.blot_image(s.source, s.pixmap, threads=threads, **keywords)


def pixmap(s: Scene) -> Any:
    return s.exact_mapping.pixmap(threads=1)


def through_wcs() -> Iterator[Case]:
    nodes = Table("`do_blot` against drizzlepac's", "drizzlepac")
    classic = Table("`do_blot` with `classic=True` against drizzlepac's", "drizzlepac")
    exact = Table("`do_blot` with exact positions against drizzlepac's exact", "drizzlepac")
    for place in POSES:
        for interp in ("nearest", "linear", "poly3", "poly5", "sinc"):
            calls = partial(drizzlepac, interp=interp), partial(do_blot, interp=interp)
            yield Case(nodes, interp, place.pose, place, *calls)
        for interp in ("nearest", "linear", "poly3", "poly5"):
            ours = partial(do_blot, interp=interp, classic=True)
            yield Case(classic, interp, place.pose, place, partial(drizzlepac, interp=interp), ours)
    for place in POSES:
        for tables in ("one-axis", "two-axis"):
            at, row = replace(place, tables=tables), f"poly5, {tables} detector tables"
            ours = partial(do_blot, stepsize=None)
            yield Case(exact, row, place.pose, at, drizzlepac_exact, ours)


def through_pixmap() -> Iterator[Case]:
    table = Table("`blot_image` against drizzle's", "drizzle")
    making = Table("making a pixel map against drizzle's `calc_pixmap`", "drizzle")
    for place in POSES:
        for interp in ("nearest", "linear", "poly3", "poly5", "lanczos3", "lanczos5"):
            calls = partial(drizzle, interp=interp), partial(blot_image, interp=interp)
            yield Case(table, interp, place.pose, place, *calls)
        stretched = {"interp": "sinc", "sinscl": 1.1}
        yield Case(
            table, "sinc, sinscl 1.1", place.pose, place, partial(drizzle, **stretched),
            partial(blot_image, **stretched),
        )  # fmt: skip
    for place in FEW_POSES:
        for tables in ("one-axis", "two-axis"):
            yield Case(
                making, f"{tables} detector tables", place.pose, replace(place, tables=tables),
                drizzle_pixmap, pixmap,
            )  # fmt: skip


def others() -> Iterator[Case]:
    """Who blot with less: no nodes, no poly5."""
    table = Table("`blot_image` against scipy's `map_coordinates`", "scipy")
    for place in FEW_POSES:
        for interp, order in (("nearest", 0), ("linear", 1), ("spline3", 3)):
            calls = partial(scipy, order=order), partial(blot_image, interp=interp)
            yield Case(table, interp, place.pose, place, *calls)
    table = Table("`do_blot` with exact positions against `reproject_interp`", "reproject")
    orders = (("nearest", "nearest-neighbor"), ("linear", "bilinear"), ("spline3", "bicubic"))
    for place in FEW_POSES:
        for interp, theirs in orders:
            ours = partial(do_blot, interp=interp, stepsize=None)
            yield Case(table, interp, place.pose, place, partial(reproject, order=theirs), ours)


def sizes() -> Iterator[Case]:
    through_wcs = Table("`do_blot` of n x n pixels against drizzlepac's", "drizzlepac", calls=True)
    by_pixmap = Table("`blot_image` of n x n pixels against drizzle's", "drizzle", calls=True)
    for side in SIDES:
        for roll in (0.5, 60.0):
            place = Place(roll, shape=(side, side))
            case = partial(Case, through_wcs, column=f"{side}²", place=place)
            for interp in ("nearest", "poly5"):
                calls = partial(drizzlepac, interp=interp), partial(do_blot, interp=interp)
                yield case(f"{interp}, {roll:g}°", first=calls[0], second=calls[1])
            yield case(
                f"poly5, {roll:g}°, another WCS each time",
                first=drizzlepac_dithered, second=do_blot_dithered,
            )  # fmt: skip
            yield case(f"poly5, {roll:g}°, with a `Mapping`", first=drizzlepac, second=mapped)
            for interp in ("nearest", "poly5"):
                calls = partial(drizzle, interp=interp), partial(blot_image, interp=interp)
                yield Case(by_pixmap, f"{interp}, {roll:g}°", f"{side}²", place, *calls)


def costs() -> Iterator[Case]:
    over_linear = Table("cost of an interpolant over `linear`'s, `do_blot`", cost=True)
    over_nodes = Table("cost of exact positions over nodes, `do_blot` with `poly5`", cost=True)
    for place in POSES:
        for interp in INTERPOLANTS:
            yield Case(
                over_linear, interp, place.pose, place, partial(do_blot, interp=interp),
                partial(do_blot, interp="linear"),
            )  # fmt: skip
        for tables in ("one-axis", "two-axis"):
            yield Case(
                over_nodes, f"{tables} detector tables", place.pose, replace(place, tables=tables),
                partial(do_blot, stepsize=None), do_blot,
            )  # fmt: skip
    for place in FEW_POSES:
        for sky in SKIES:
            yield Case(
                over_nodes, sky, place.pose, replace(place, sky=sky),
                partial(do_blot, stepsize=None), do_blot,
            )  # fmt: skip


def on_one_thread() -> list[Case]:
    """All but the next, those of one place together, so that its images are made once."""
    groups = through_wcs(), through_pixmap(), others(), sizes(), costs()
    found = [case for group in groups for case in group]
    places = list(dict.fromkeys(case.place for case in found))
    return sorted(found, key=lambda case: places.index(case.place))


def on_threads(threads: int) -> list[Case]:
    table = Table(f"{threads} threads over one, by the clock", clock=time.perf_counter)
    places = {
        "8 Mpx, 0.5°": Place(0.5),
        "8 Mpx, 60°": Place(60.0),
        "100 Mpx, 0.5°": Place(0.5, tables="none", shape=MANY),
        "100 Mpx, 60°": Place(60.0, tables="none", shape=MANY),
    }
    found = []
    for column, place in places.items():
        for interp in INTERPOLANTS:
            calls = (partial(do_blot, interp=interp, threads=n) for n in (1, threads))
            found.append(Case(table, interp, column, place, *calls))
    return found
