"""Whether an output is whole and up to date: what it was made of stands in its header."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from cblot.core.machine import __version__
from cblot.files import images, names
from cblot.tasks.parameters import Settings

# Parameters that do not change an output.
_INDIFFERENT = ("data", "reference", "outdata", "overwrite", "threads")


def identity_of(name: Any) -> list[Any] | None:
    """What tells a file, or a remote one, from another and from what it was before.

    Returns
    -------
    list or None
        None for what is not the name of a file that is there: it can't be told.
    """
    if not isinstance(name, (str, os.PathLike)):
        return None
    path, extension = names.split_name(os.path.expanduser(names.local(os.fspath(name))))
    if names.is_address(path):
        about = images.about_address(path)
        return [path, extension, about] if about else None
    if not os.path.exists(path):
        return None
    status = os.stat(path)
    return [os.path.basename(path), extension, status.st_size, status.st_mtime_ns]


def fingerprint_of(files: list[list[Any] | None], chip: Any, settings: Settings) -> str:
    """Fingerprint of all that a chip's output is made of; empty if it can't be told."""
    if None in files:
        return ""
    used = {name: value for name, value in settings.items() if name not in _INDIFFERENT}
    text = json.dumps([__version__, files, list(chip), used], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def is_current(path: Path, fingerprint: str) -> bool:
    """Whether a file is whole and was made of the same."""
    return bool(fingerprint) and path.is_file() and images.made_of(path) == fingerprint
