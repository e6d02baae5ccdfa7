"""Images and positions of whole numbers and divisions by powers of two: the same on any machine."""

from __future__ import annotations

from typing import Any

import numpy as np


def scrambled(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Numbers of 32 bits without a pattern (splitmix64 of the index), as int64."""
    z = np.arange(np.prod(shape), dtype=np.uint64) + np.uint64(1 + 1_000_003 * seed)
    z *= np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (z >> np.uint64(32)).astype(np.int64).reshape(shape)


def image(shape: tuple[int, int], dtype: Any = "f4", seed: int = 0) -> np.ndarray:
    """Noise that uses the digits that a type has."""
    numbers, dtype = scrambled(shape, seed), np.dtype(dtype)
    if dtype.kind == "b":
        return numbers % 2 == 1
    if dtype.kind in "iu":
        largest = min(np.iinfo(dtype).max, 2**31 - 1)
        return (numbers % largest).astype(dtype)
    if dtype.itemsize == 2:
        return ((numbers % 2048 - 1024) / 8.0).astype(dtype)
    return ((numbers - 2**31) / 2.0**24 + scrambled(shape, seed + 77) / 2.0**44).astype(dtype)


def spoiled(shape: tuple[int, int], dtype: Any = "f4") -> np.ndarray:
    """The same with samples that are not finite: alone, side by side, and in a corner."""
    made = image(shape, dtype)
    ny, nx = shape
    made[ny // 3, nx // 4] = np.nan
    made[ny // 2, nx // 2 : nx // 2 + 3] = np.nan
    made[ny // 2 + 9, nx // 3] = np.inf
    made[ny // 3 + 5, nx - 9] = -np.inf
    made[:2, :2] = np.nan
    return made


def smooth(shape: tuple[int, int], origin: tuple[float, float] = (-2.25, -1.5)) -> np.ndarray:
    """Positions that advance by somewhat more than a pixel, curved, and begin outside."""
    j, i = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    x = origin[0] + i * (1.0 + 2.0**-6) + j * (2.0**-5 + 2.0**-33) + i * j * 2.0**-14
    y = origin[1] + j * (1.0 + 2.0**-7) - i * (2.0**-6 + 2.0**-33) + i * i * 2.0**-13
    return np.stack([x, y], axis=-1)


def scattered(shape: tuple[int, int], source_shape: tuple[int, int], seed: int = 5) -> np.ndarray:
    """Positions anywhere in the source, and up to two pixels beyond."""
    fractions = scrambled((*shape, 2), seed) / 2.0**32
    return fractions * (np.array(source_shape[::-1]) + 4.0) - 2.0


def rims(source_shape: tuple[int, int]) -> np.ndarray:
    """Positions round all four edges, and half-way between samples, by fractions down to an ulp."""
    steps = [0.0, 2.0**-52, 2.0**-24, 0.125, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.5]
    steps += [0.5 - 2.0**-26, 0.5 + 2.0**-26]

    def along(n: int) -> np.ndarray:
        near = np.array([*steps, *(-s for s in steps), -0.0])
        beside = np.array([np.nextafter(n, 0.0), np.nextafter(n, n + 1.0), np.nextafter(0.5, 0.0)])
        return np.concatenate([near, n - 1.0 + near, n + near, n // 2 + near, beside])

    x, y = np.meshgrid(along(source_shape[1]), along(source_shape[0]))
    return np.stack([x, y], axis=-1)


def turned(shape: tuple[int, int], source_shape: tuple[int, int], turn: Any, scale: float) -> Any:
    """Positions by a rotation, given by its cosine and sine, and a scale about the centres."""
    j, i = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    u, v = (i - (shape[1] - 1) / 2.0) * scale, (j - (shape[0] - 1) / 2.0) * scale
    x = u * turn[0] - v * turn[1] + (source_shape[1] - 1) / 2.0
    y = u * turn[1] + v * turn[0] + (source_shape[0] - 1) / 2.0
    return np.stack([x, y], axis=-1)
