"""Calls as in `cases`, cblot's side only, for asv: a history of times and peak memory."""

from __future__ import annotations

from typing import Any, ClassVar

import cblot

from .cases import INTERPOLANTS
from .scene import Place, at

THREADS = (1, None)
ROLLS = (0.5, 60.0)


class DoBlot:
    """A whole chip through a pair of WCS objects."""

    params: ClassVar[Any] = (INTERPOLANTS, (10, None), THREADS, ROLLS)
    param_names: ClassVar[Any] = ("interp", "stepsize", "threads", "roll")

    def setup(self, *parameters: Any) -> None:
        self.scene = at(Place(parameters[-1]))

    def _call(self, interp: str, stepsize: int | None, threads: int | None, **kw: Any) -> None:
        s = self.scene
        cblot.do_blot(
            s.source, s.source_wcs, s.blot_wcs, 1.0,
            interp=interp, stepsize=stepsize, threads=threads, **kw,
        )  # fmt: skip

    def time_do_blot(
        self, interp: str, stepsize: int | None, threads: int | None, _roll: float
    ) -> None:
        self._call(interp, stepsize, threads)

    def peakmem_do_blot(
        self, interp: str, stepsize: int | None, threads: int | None, _roll: float
    ) -> None:
        self._call(interp, stepsize, threads)


class Classic(DoBlot):
    """The peers' arithmetic."""

    params: ClassVar[Any] = (("nearest", "linear", "poly3", "poly5"), (10,), THREADS, ROLLS)

    def time_do_blot(
        self, interp: str, stepsize: int | None, threads: int | None, _roll: float
    ) -> None:
        self._call(interp, stepsize, threads, classic=True)

    peakmem_do_blot: ClassVar[None] = None


class BlotImage:
    """A whole chip through a pixel map."""

    params: ClassVar[Any] = (INTERPOLANTS, THREADS, ROLLS)
    param_names: ClassVar[Any] = ("interp", "threads", "roll")

    def setup(self, *parameters: Any) -> None:
        scene = at(Place(parameters[-1]))
        self.source, self.pixmap = scene.source, scene.pixmap

    def time_blot_image(self, interp: str, threads: int | None, _roll: float) -> None:
        cblot.blot_image(self.source, self.pixmap, interp=interp, threads=threads)


class Mapping:
    """Positions alone."""

    params: ClassVar[Any] = (THREADS, ("one-axis", "two-axis"))
    param_names: ClassVar[Any] = ("threads", "tables")

    def setup(self, _threads: int | None, tables: str) -> None:
        self.scene = at(Place(tables=tables))

    def time_pixmap(self, threads: int | None, _tables: str) -> None:
        self.scene.exact_mapping.pixmap(threads=threads)

    def time_making_a_mapping(self, _threads: int | None, _tables: str) -> None:
        cblot.Mapping(blot_wcs=self.scene.blot_wcs, source_wcs=self.scene.source_wcs)
