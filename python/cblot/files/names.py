"""Names: of files and of the extensions in them, and of the files that are written."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

_ENDINGS = (".fits.gz", ".fits.fz", ".fits", ".fit.gz", ".fit", ".fts", ".fz")
# Bytes that file systems have for a name.
LONGEST = 255
# Addresses of what is a local file all the same, as fsspec has them.
_LOCAL = ("file://", "local://")
_EXTENSION = re.compile(r"^(?P<path>.+?)\[(?P<extension>[^\[\]]*)\]$", re.DOTALL)
_NAMED = re.compile(r"^['\"]?(?P<name>[^,'\"]*)['\"]?(?:\s*,\s*(?P<version>\d+))?$")
# What a header's value, or an address, may not bring into a name.
_UNSAFE = re.compile(r"[^A-Za-z0-9_.+-]")
_OUTPUT = "_blt.fits"


def is_address(text: str) -> bool:
    """Whether a name is the address of a remote file."""
    return "://" in text


def local(text: str) -> str:
    """Name of the file that ``file://`` and ``local://`` stand for; others stay as they are.

    Of a chain of addresses, as in ``simplecache::file:///a.fits``, it is still the address.
    """
    for prefix in _LOCAL:
        if text.startswith(prefix):
            return text[len(prefix) :]
    return text


def expanded(name: str | os.PathLike[str]) -> Path:
    """Path of a name in which ``~`` is one's home and ``~user`` a user's.

    Where there is no such user it stays as it is, as in a shell.

    Raises
    ------
    RuntimeError
        If one's home is not known.
    """
    path = Path(name)
    try:
        return path.expanduser()
    except RuntimeError:
        if path.parts[0] == "~":
            raise
        return path


def last_link(text: str) -> str:
    """What a chain of addresses, ``simplecache::file:///a.fits``, reads in the end."""
    return local(text.rsplit("::", 1)[-1]) if is_address(text) else text


def split_name(text: str) -> tuple[str, str | None]:
    """Split a file's name and the extension in brackets after it, if any."""
    text = local(text)
    match = None if not is_address(text) and os.path.exists(text) else _EXTENSION.match(text)
    return (match["path"], match["extension"]) if match else (text, None)


def split_extension(text: str) -> tuple[str, int | None] | None:
    """EXTNAME, and EXTVER if there is one, of an extension as in ``sci`` or ``'SCI',2``."""
    match = _NAMED.match(text.strip())
    if not match or not match["name"].strip():
        return None
    return match["name"].strip().upper(), int(match["version"]) if match["version"] else None


def named_extension(source: str | os.PathLike[str]) -> tuple[str, tuple[str, int]] | None:
    """File, alone, and extension of a name that ends in one as in ``[SCI,2]``."""
    path, extension = split_name(os.fspath(source))
    found = split_extension(extension or "")
    if found is None or found[1] is None:
        return None
    return alone(path), (found[0], found[1])


def alone(path: str) -> str:
    """Name of a file without its folders; of an address, without what is asked of a server."""
    if is_address(path):
        if path.startswith(("http://", "https://")):
            path = urlsplit(path).path
        return _UNSAFE.sub("_", path.rstrip("/").rsplit("/", 1)[-1])
    return os.path.basename(path)


def same(path: Path) -> str:
    """Key that is one for the names that are one file on some file system: in upper case, say."""
    return unicodedata.normalize("NFC", str(path)).casefold()


def stem(file: str) -> str:
    """What the names of a file's outputs begin with: its own, of characters that can be shown."""
    name = split_ending(file)[0]
    return "".join("_" if c in "/\\" or not c.isprintable() else c for c in name) or "blot"


def is_cut(file: str) -> bool:
    """Whether names of a file's outputs may have to be shortened, so that they begin otherwise."""
    return len(os.fsencode(stem(file))) > LONGEST // 2


def _label(extension: tuple[str, int]) -> str:
    return _UNSAFE.sub("_", "_{}{}".format(*extension).lower())


def _in_folder(file: str, label: str) -> str:
    """Name of an output in a folder, cut where it would be too long: then with a digest of it."""
    name = stem(file) + label
    room = LONGEST - len(_OUTPUT)
    encoded = os.fsencode(name)
    if len(encoded) > room:
        digest = "-" + hashlib.sha256(encoded).hexdigest()[:12]
        name = encoded[: room - len(digest)].decode(errors="ignore") + digest
    return name + _OUTPUT


def output_paths(
    outdata: str | os.PathLike[str], chips: Sequence[tuple[str, tuple[str, int]] | None]
) -> list[Path]:
    """Name of the output of each chip, given as its file's name, EXTNAME and EXTVER, or as None.

    One chip's is `outdata`, with ``.fits`` appended if it has no ending of FITS. In a folder, which
    exists or is named as one (see `is_folder`), it is the reference's, with ``_sci1_blt`` for
    extension ``[SCI,1]``. Of several chips each has ``_sci1`` before the ending. Whatever a header
    holds, no more than letters, digits and ``_-+.`` of it come into a name.

    Raises
    ------
    ValueError
        If two would have one name, or `outdata` is no name.
    """
    if "\0" in os.fspath(outdata):
        raise ValueError(f"outdata must be the name of a file or a folder, got {outdata!r}")
    target = expanded(outdata)
    folder = is_folder(outdata) or target.is_dir()
    name, ending = split_ending(target.name)
    paths = []
    for chip in chips:
        label = _label(chip[1]) if chip else "_sci1"
        if folder:
            paths.append(target / _in_folder(chip[0] if chip else "", label))
        else:
            label = label if len(chips) > 1 else ""
            paths.append(target.with_name(name + label + (ending or ".fits")))
    keys = [same(path) for path in paths]
    twice = {path.name for path, key in zip(paths, keys, strict=True) if keys.count(key) > 1}
    if twice:
        raise ValueError(f"several outputs would be named {', '.join(sorted(twice))}")
    return paths


def is_folder(outdata: str | os.PathLike[str]) -> bool:
    """Whether a name says of itself that it is that of a folder.

    It ends in a slash; or it is a Path, which drops the slash, and has no ending of FITS.
    """
    text = os.fspath(outdata)
    if text.endswith(("/", os.sep)):
        return True
    return not isinstance(outdata, str) and not split_ending(text)[1]


def split_ending(name: str) -> tuple[str, str]:
    """Name of a FITS file, and its ending if it has one of FITS."""
    for ending in _ENDINGS:
        if name.lower().endswith(ending):
            return name[: -len(ending)], name[-len(ending) :]
    return name, ""
