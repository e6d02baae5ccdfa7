"""Rectangles of an output, for one that is made in parts, elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cblot.core import _core, arrays, machine
from cblot.core.mappings import AnyMapping
from cblot.core.request import source_box
from cblot.core.source import Box


@dataclass(frozen=True)
class Region:
    """How to make any rectangle of an output: for one that is made in parts, elsewhere.

    Attributes
    ----------
    core : object
        What `_core.blot` takes; it can be pickled.
    shape, source_shape : tuple of int
        Shapes (ny, nx) of the whole output and the whole source.
    options : dict
        Of the core.
    fillval : float
    """

    core: AnyMapping
    shape: tuple[int, int]
    source_shape: tuple[int, int]
    options: dict[str, Any]
    fillval: float

    def box(self, region: Box) -> Box:
        """Rows and columns of the source that a rectangle depends on; equal ones if on none."""
        threads = machine.thread_count(None)
        return source_box(self.core, self.shape, region, self.source_shape, threads, self.options)

    def blot(
        self, pixels: NDArray[Any], box: Box, region: Box, dtype: Any, threads: int
    ) -> NDArray[Any]:
        """Make a rectangle of the pixels of its box."""
        y0, y1, x0, x1 = region
        out = np.empty((y1 - y0, x1 - x0), dtype)
        _core.blot(
            arrays.as_source(pixels, "source"), out, self.core,
            source_place=(box[0], box[2], *self.source_shape), out_place=(y0, x0, *self.shape),
            fillval=self.fillval, threads=threads, isa=machine.ISA, **self.options,
        )  # fmt: skip
        return out
