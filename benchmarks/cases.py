"""What is compared: a call of a peer, and cblot's call that does the same.

Imports of peers are inside the functions, so that a missing one costs just its own rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

import cblot

from .scene import Scene, chip

SHORT = {"lanczos3": "lan3", "lanczos5": "lan5"}
Call = Callable[[], Any]


@dataclass(frozen=True)
class Case:
    """One row: `peer` and `ours` give the same image (or what `note` says)."""

    group: str
    interp: str
    against: str
    peer: Call
    ours: Callable[[int], Any]  # of the number of threads
    note: str = ""

    @property
    def name(self) -> str:
        return f"{self.group} {self.interp}".strip()


@cache
def pixmap() -> np.ndarray:
    scene = chip()
    return cblot.Mapping(
        blot_wcs=scene.blot_wcs, source_wcs=scene.source_wcs, stepsize=None
    ).pixmap()


def _do_blot(scene: Scene, **kw: Any) -> Callable[[int], Any]:
    return lambda threads: cblot.do_blot(
        scene.source, scene.source_wcs, scene.blot_wcs, 1.0, threads=threads, **kw
    )


def _blot_image(scene: Scene, **kw: Any) -> Callable[[int], Any]:
    return lambda threads: cblot.blot_image(scene.source, pixmap(), threads=threads, **kw)


def against_drizzlepac() -> Iterator[Case]:
    from drizzlepac import ablot
    from drizzlepac.wcs_functions import WCSMap

    scene = chip()

    def peer(**kw: Any) -> Call:
        return lambda: ablot.do_blot(scene.source, scene.source_wcs, scene.blot_wcs, 1.0, **kw)

    for interp in ("nearest", "linear", "poly3", "poly5", "sinc"):
        note = "drizzlepac's values are garbage" if interp == "sinc" else ""
        ours = _do_blot(scene, interp=interp)
        yield Case("stepsize 10", interp, "drizzlepac", peer(interp=interp), ours, note)
    for interp in ("linear", "poly5"):
        exact = _do_blot(scene, interp=interp, stepsize=None)
        theirs = peer(interp=interp, wcsmap=WCSMap)
        yield Case("exact", interp, "drizzlepac", theirs, exact)
    exact = _do_blot(scene, interp="poly5", stepsize=None)
    yield Case("exact, theirs not", "poly5", "drizzlepac", peer(interp="poly5"), exact,
               "drizzlepac's at stepsize 10")  # fmt: skip
    for interp in ("linear", "poly5"):
        classic = _do_blot(scene, interp=interp, classic=True)
        yield Case("classic", interp, "drizzlepac", peer(interp=interp), classic, "the same bits")


def against_drizzle() -> Iterator[Case]:
    from drizzle.resample import blot_image
    from drizzle.utils import calc_pixmap

    scene = chip()
    for interp in ("nearest", "linear", "poly3", "poly5", "lanczos3", "lanczos5"):
        theirs = SHORT.get(interp, interp)
        yield Case(
            "pixel map", interp, "drizzle",
            lambda k=theirs: blot_image(scene.source, pixmap(), interp=k),
            _blot_image(scene, interp=interp),
        )  # fmt: skip
    mapping = cblot.Mapping(blot_wcs=scene.blot_wcs, source_wcs=scene.source_wcs, stepsize=None)
    yield Case(
        "making the pixel map", "", "drizzle",
        lambda: calc_pixmap(scene.blot_wcs, scene.source_wcs),
        lambda threads: mapping.pixmap(threads=threads),
    )  # fmt: skip


def against_scipy() -> Iterator[Case]:
    from scipy.ndimage import map_coordinates

    scene = chip()
    positions = np.moveaxis(pixmap()[..., ::-1], -1, 0)
    for interp, order in (("nearest", 0), ("linear", 1), ("spline3", 3)):
        yield Case(
            "pixel map", interp, "scipy",
            lambda n=order: map_coordinates(
                scene.source, positions, order=n, mode="mirror", output=np.float32
            ),
            _blot_image(scene, interp=interp),
            "map_coordinates, filter included" if order == 3 else "map_coordinates",
        )  # fmt: skip


def against_reproject() -> Iterator[Case]:
    from reproject import reproject_interp

    scene = chip()
    orders = (("nearest", "nearest-neighbor"), ("linear", "bilinear"), ("spline3", "bicubic"))
    for interp, order in orders:
        yield Case(
            "exact", interp, "reproject",
            lambda k=order: reproject_interp(
                (scene.source, scene.source_wcs), scene.blot_wcs,
                shape_out=scene.blot_wcs.array_shape, order=k, return_footprint=False,
            ),
            _do_blot(scene, interp=interp, stepsize=None),
            "reproject_interp",
        )  # fmt: skip


def without_peer() -> Iterator[Case]:
    """Interpolants that no peer has with a WCS."""
    scene = chip()
    for interp in ("spline3", "lanczos3", "lanczos5"):
        ours = _do_blot(scene, interp=interp)
        yield Case("stepsize 10", interp, "", lambda: None, ours)


GROUPS = (against_drizzlepac, against_drizzle, against_scipy, against_reproject, without_peer)
