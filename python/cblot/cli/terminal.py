"""What the command line says: to people, who see no control characters, and to other programs."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from cblot.core.shown import visible


def complain(text: str) -> None:
    """Write to standard error, if there is one."""
    if sys.stderr is not None:
        with suppress(OSError):
            print(visible(text, keep="\n\t"), file=sys.stderr, flush=True)


def say(text: str, end: str = "\n") -> None:
    """Write text of ours to standard output."""
    if sys.stdout is not None:
        with _Output():
            print(visible(text, keep="\n\t") if sys.stdout.isatty() else text, end=end)


def say_name(name: str | os.PathLike[str]) -> None:
    """Write a line with the name of a file: its very bytes, but to a terminal."""
    stream = sys.stdout
    if stream is None or stream.isatty() or not hasattr(stream, "buffer"):
        return say(visible(os.fspath(name)))
    with _Output():
        stream.flush()
        stream.buffer.write(os.fsencode(name) + b"\n")


class _Output:
    """Nothing more is written after an error; one who read and has gone is none: work goes on."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        if kind is None or not issubclass(kind, OSError):
            return False
        let_go()
        return issubclass(kind, BrokenPipeError)


def let_go() -> None:
    """Write what is still to be written to nowhere."""
    if sys.stdout is not None:
        with suppress(OSError), open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())


def ended(status: int, command: str) -> int:
    """Exit status, after all that was said is written: else Python complains of it at its end."""
    try:
        with _Output():
            if sys.stdout is not None:
                sys.stdout.flush()
    except OSError as error:
        complain(f"{command}: {error}")
        return status or 1
    return status
