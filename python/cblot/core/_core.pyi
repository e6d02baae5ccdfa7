from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

# interp ... isa and threads are the rows of options.def, whose defaults those have that are left
# out. The package leaves none to chance: here all that a call reads are required.

class CoreError(ValueError): ...

class NodeMapping:
    @property
    def x(self) -> NDArray[np.float64]: ...
    @property
    def y(self) -> NDArray[np.float64]: ...
    @property
    def step(self) -> int: ...
    def __init__(
        self,
        x: NDArray[np.float64],
        y: NDArray[np.float64],
        step: int,
        patches: tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]] | None = None,
    ) -> None: ...
    def bend(self) -> float: ...

class PixmapMapping:
    def __init__(self, pixmap: NDArray[np.float64]) -> None: ...

class CallbackMapping:
    def __init__(
        self,
        function: Callable[[int, int, NDArray[np.float64], NDArray[np.float64]], None],
        nx: int,
    ) -> None: ...

_Pair: TypeAlias = tuple[float, float]
_Projection: TypeAlias = tuple[float, float, float, float, float, float, float, float]
_Table: TypeAlias = tuple[NDArray[np.float32], _Pair, _Pair, _Pair] | None

class ExactMapping:
    def __init__(
        self,
        *,
        exposure: _Projection,
        source: _Projection,
        sip: tuple[NDArray[np.float64], NDArray[np.float64], _Pair] | None,
        detector_x: _Table,
        detector_y: _Table,
        table_x: _Table,
        table_y: _Table,
    ) -> None: ...
    def nodes(
        self,
        x: NDArray[np.float64],
        y: NDArray[np.float64],
        *,
        step: int,
        threads: int,
        isa: str,
    ) -> None: ...
    def positions_at(self, x: NDArray[np.float64], y: NDArray[np.float64], *, isa: str) -> None: ...

AnyMapping: TypeAlias = NodeMapping | PixmapMapping | CallbackMapping | ExactMapping

def node_count(step: int, n: int) -> int: ...
def patch_size(step: int, n: int) -> int: ...
def greatest_roughness(table: NDArray[np.float32], n: int, down: bool) -> float: ...
def greatest_kink(table: NDArray[np.float32], down: bool) -> float: ...
def positions(
    mapping: AnyMapping, pixmap: NDArray[np.float64], *, origin: float, threads: int, isa: str
) -> None: ...
def blot(
    source: NDArray[Any],
    out: NDArray[Any],
    mapping: AnyMapping,
    *,
    source_place: tuple[int, int, int, int] | None,
    out_place: tuple[int, int, int, int] | None,
    interp: str,
    sinscl: float,
    exptime: float,
    pix_ratio: float,
    fillval: float,
    classic: str,
    threads: int,
    isa: str,
) -> int: ...
def source_box(
    mapping: AnyMapping,
    *,
    shape: tuple[int, int],
    region: tuple[int, int, int, int],
    source_shape: tuple[int, int],
    interp: str,
    sinscl: float,
    classic: str,
    threads: int,
    isa: str,
) -> tuple[int, int, int, int]: ...
def read_file_window(fd: int, offset: int, stride: int, to: NDArray[Any]) -> None: ...
def validate(
    *, interp: str, sinscl: float, exptime: float, pix_ratio: float, classic: str
) -> None: ...
def kernel_names() -> list[str]: ...
def resolve_isa(name: str) -> str: ...
def available_isas() -> list[str]: ...

compiler: str
