from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

class CoreError(ValueError): ...

class NodeMapping:
    def __init__(self, x: NDArray[np.float64], y: NDArray[np.float64], step: int) -> None: ...

class PixmapMapping:
    def __init__(self, pixmap: NDArray[np.float64]) -> None: ...

class CallbackMapping:
    def __init__(
        self,
        function: Callable[[int, int, NDArray[np.float64], NDArray[np.float64]], None],
        nx: int,
    ) -> None: ...

def blot(
    source: NDArray[Any],
    out: NDArray[Any],
    mapping: NodeMapping | PixmapMapping | CallbackMapping,
    *,
    interp: str,
    sinscl: float,
    exptime: float,
    pix_ratio: float,
    fillval: float,
    classic: str,
    threads: int,
    isa: str,
) -> int: ...
def validate(
    *, interp: str, sinscl: float, exptime: float, pix_ratio: float, classic: str
) -> None: ...
def kernel_names() -> list[str]: ...
def resolve_isa(name: str) -> str: ...
def available_isas() -> list[str]: ...

compiler: str
