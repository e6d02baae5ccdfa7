"""Cases and the hashes of what they give."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np

Case: TypeAlias = tuple[str, Callable[[], Any]]


def digest(result: Any) -> str:
    """Hash of arrays (type, shape, bytes), texts and numbers, in lists of any depth."""
    sha = hashlib.sha256()
    _feed(sha, result)
    return sha.hexdigest()


def _feed(sha: Any, result: Any) -> None:
    if isinstance(result, (tuple, list)):
        sha.update(b"(")
        for each in result:
            _feed(sha, each)
        sha.update(b")")
    elif isinstance(result, np.ndarray):
        sha.update(f"{result.dtype.str}{result.shape}".encode())
        if result.dtype.kind == "f":  # one NaN: which of its bits are set is up to the compiler
            result = np.where(np.isnan(result), np.array(np.nan, result.dtype), result)
        sha.update(np.ascontiguousarray(result).tobytes())
    else:
        sha.update(repr(result).encode())


def recorded(cases: Iterable[Case]) -> dict[str, str]:
    """Hash of each case by name; of one that fails, its error."""
    hashes: dict[str, str] = {}
    for name, case in cases:
        assert name not in hashes, f"two cases are named {name}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                hashes[name] = digest(case())
            except ImportError as error:
                hashes[name] = f"absent: {error.name or error}"
            except Exception as error:
                hashes[name] = f"{type(error).__name__}: {error}"
    return hashes


def is_hash(value: str) -> bool:
    """Whether a case gave a result, and is neither an error nor absent."""
    return re.fullmatch("[0-9a-f]{64}", value) is not None


def differences(hashes: dict[str, str], expected: dict[str, str]) -> list[str]:
    """A line for each case that differs, is missing, or is new."""
    lines = []
    for name in sorted(hashes.keys() | expected.keys()):
        if name not in hashes:
            lines.append(f"missing: {name}")
        elif name not in expected:
            lines.append(f"new: {name}")
        elif hashes[name] != expected[name]:
            short = [h[:12] if is_hash(h) else h for h in (expected[name], hashes[name])]
            lines.append(f"differs: {name}: {short[0]} is now {short[1]}")
    return lines
