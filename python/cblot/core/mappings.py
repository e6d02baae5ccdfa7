"""The core's kinds of mapping, and the positions that one has."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cblot.core import machine
from cblot.core._core import (
    CallbackMapping,
    CoreError,
    ExactMapping,
    NodeMapping,
    PixmapMapping,
    greatest_kink,
    greatest_roughness,
    node_count,
    patch_size,
    positions,
)

AnyMapping: TypeAlias = NodeMapping | PixmapMapping | CallbackMapping | ExactMapping

__all__ = [
    "AnyMapping",
    "CallbackMapping",
    "CoreError",
    "ExactMapping",
    "NodeMapping",
    "PixmapMapping",
    "greatest_kink",
    "greatest_roughness",
    "node_count",
    "patch_size",
    "pixmap_of",
    "without_callback",
]


def pixmap_of(
    mapping: AnyMapping, shape: tuple[int, int], origin: float = 0.0, threads: int = 1
) -> NDArray[np.float64]:
    """Source positions of all output pixels, plus `origin`; shape (ny, nx, 2)."""
    pixmap = np.empty((*shape, 2))
    positions(mapping, pixmap, origin=origin, threads=threads, isa=machine.ISA)
    return pixmap


def without_callback(mapping: AnyMapping, shape: tuple[int, int]) -> AnyMapping:
    """Ask a callback for all positions: it may be slow, and can't be asked elsewhere."""
    if not isinstance(mapping, CallbackMapping):
        return mapping
    return PixmapMapping(pixmap_of(mapping, shape))
