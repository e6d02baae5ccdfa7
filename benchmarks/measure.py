"""Times and peak memory of calls, side by side."""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
# A call that is shorter is repeated until there is something to measure.
LEAST_SECONDS = 0.05
Clock = Callable[[], float]


def interleaved(
    calls: Sequence[Callable[[], Any]],
    rounds: int,
    clock: Clock = time.process_time,
    least_seconds: float = LEAST_SECONDS,
) -> list[list[float]]:
    """Seconds of each call in each round; in a round each call has its turn, the first in turn too.

    Processor seconds, unless another clock is given: other work on the machine counts less then.
    """
    times: list[list[float]] = [[] for _ in calls]
    for k in range(rounds):
        for n in range(len(calls))[:: 1 if k % 2 else -1]:
            times[n].append(_seconds(calls[n], clock, least_seconds))
    return times


def _seconds(call: Callable[[], Any], clock: Clock, least: float) -> float:
    spent, count = 0.0, 0
    while not count or spent < least:
        start = clock()
        result = call()
        spent += clock() - start
        count += 1
        del result  # giving its memory back is not the call's
    return spent / count


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
