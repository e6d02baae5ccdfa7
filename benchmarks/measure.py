"""Times and peak memory of calls, side by side."""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def interleaved(calls: Sequence[Callable[[], Any]], rounds: int) -> list[list[float]]:
    """Seconds of each call in each round; a call is run in turn with the others.

    A call much shorter than the longest is run up to three times a round, and the best taken.
    """
    times: list[list[float]] = [[] for _ in calls]
    for call in calls:
        call()
    for _ in range(rounds):
        for k, call in enumerate(calls):
            best = _once(call)
            for _ in range(2 if best < 1.0 else 0):
                best = min(best, _once(call))
            times[k].append(best)
    return times


def _once(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    result = call()
    seconds = time.perf_counter() - start
    del result  # giving its memory back is not the call's
    return seconds


def _resident(field: str) -> int:
    match = re.search(rf"^{field}:\s+(\d+) kB", STATUS.read_text(), re.MULTILINE)
    assert match
    return int(match[1]) * 1024


def peak_memory(call: Callable[[], Any]) -> int | None:
    """Bytes by which the process grows at most during a call, its result included (Linux)."""
    if not CLEAR.exists():
        return None
    gc.collect()
    CLEAR.write_text("5")  # the peak is now the present size
    before = _resident("VmRSS")
    result = call()
    peak = _resident("VmHWM") - before
    del result
    return max(peak, 0)
