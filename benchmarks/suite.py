"""The calls of `cases`, cblot's side only, for asv: a history of times and peak memory."""

from __future__ import annotations

from typing import Any, ClassVar

import cblot

from .cases import pixmap
from .scene import chip

ALIASES = ("bilinear", "lsinc", "lan3", "lan5")
INTERPOLANTS = tuple(name for name in cblot.interpolants() if name not in ALIASES)
THREADS = (1, None)


class DoBlot:
    """A whole chip through a pair of WCS objects."""

    params: ClassVar[Any] = (INTERPOLANTS, (10, None), THREADS)
    param_names: ClassVar[Any] = ("interp", "stepsize", "threads")

    def setup(self, *_: Any) -> None:
        self.scene = chip()

    def _call(self, interp: str, stepsize: int | None, threads: int | None, **kw: Any) -> None:
        s = self.scene
        cblot.do_blot(
            s.source, s.source_wcs, s.blot_wcs, 1.0,
            interp=interp, stepsize=stepsize, threads=threads, **kw,
        )  # fmt: skip

    def time_do_blot(self, interp: str, stepsize: int | None, threads: int | None) -> None:
        self._call(interp, stepsize, threads)

    def peakmem_do_blot(self, interp: str, stepsize: int | None, threads: int | None) -> None:
        self._call(interp, stepsize, threads)


class Classic(DoBlot):
    """The peers' arithmetic."""

    params: ClassVar[Any] = (("nearest", "linear", "poly3", "poly5"), (10,), THREADS)

    def time_do_blot(self, interp: str, stepsize: int | None, threads: int | None) -> None:
        self._call(interp, stepsize, threads, classic=True)

    peakmem_do_blot: ClassVar[None] = None


class BlotImage:
    """A whole chip through a pixel map."""

    params: ClassVar[Any] = (INTERPOLANTS, THREADS)
    param_names: ClassVar[Any] = ("interp", "threads")

    def setup(self, *_: Any) -> None:
        self.source, self.pixmap = chip().source, pixmap()

    def time_blot_image(self, interp: str, threads: int | None) -> None:
        cblot.blot_image(self.source, self.pixmap, interp=interp, threads=threads)


class Mapping:
    """Positions alone."""

    params: ClassVar[Any] = (THREADS,)
    param_names: ClassVar[Any] = ("threads",)

    def setup(self, *_: Any) -> None:
        pair = {"blot_wcs": chip().blot_wcs, "source_wcs": chip().source_wcs}
        self.mapping = cblot.Mapping(**pair, stepsize=None)

    def time_pixmap(self, threads: int | None) -> None:
        self.mapping.pixmap(threads=threads)

    def time_making_a_mapping(self, _threads: int | None) -> None:
        cblot.Mapping(blot_wcs=chip().blot_wcs, source_wcs=chip().source_wcs)
