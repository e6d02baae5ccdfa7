"""Writing a file whole: beside its name, flushed, and renamed. Every writer comes through here."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import socket
import stat
import sys
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # not every system has it
    fcntl = None  # type: ignore[assignment]

# A file while it is written: .NAME.cblot-TAG-HOST-PROCESS-NUMBER and an ending.
_OWN = re.compile(
    r"\..*\.cblot-(?P<tag>[^-]*)-(?P<host>[0-9a-f]{8})-(?P<pid>\d+)-[0-9a-f]{12}\..*", re.DOTALL
)
# Bytes of the name that are kept in it, so that it is never too long.
_KEPT = 64
# Seconds after which what another machine left behind, unchanged, is no more its own.
_ABANDONED = 86400.0
# What a file system says that has no locks.
_NO_LOCKS = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK)
# What it says that can't flush, and that has no links.
_NO_FLUSH = (errno.EINVAL, errno.ENOTSUP)
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
_KINDS = (
    (stat.S_ISDIR, "a folder"), (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"),
    (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"),
)  # fmt: skip


def check_regular(path: str | os.PathLike[str], what: str) -> None:
    """Refuse what is there and is no file: reading it may never end, writing would replace it.

    Raises
    ------
    OSError
        If it is a folder, a device, a pipe or a socket, or a link to one; `what` begins the
        message.
    """
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    if stat.S_ISREG(mode):
        return
    kind = next((name for test, name in _KINDS if test(mode)), "no file")
    error = IsADirectoryError if stat.S_ISDIR(mode) else OSError
    raise error(f"{what} {os.fspath(path)} must be a regular file, and is {kind}")


def is_null(path: str | os.PathLike[str]) -> bool:
    """Whether what is written there is dropped: ``/dev/null``, by any name."""
    try:
        found, null = os.stat(path), os.stat(os.devnull)
    except OSError:
        return False
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == null.st_rdev


def _host() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def _beside(path: Path, tag: str, ending: str) -> Path:
    kept = os.fsencode(path.stem)[:_KEPT].decode(errors="ignore")
    own = f"{tag}-{_host()}-{os.getpid()}-{uuid.uuid4().hex[:12]}"
    return path.with_name(f".{kept}.cblot-{own}{ending}")


def _locked(descriptor: int) -> bool | None:
    """Whether a lock could be had on a file; None where there are none."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return None
        raise
    return True


def _opened(path: Path, tag: str, ending: str) -> tuple[Path, int]:
    """Open a new file beside a path, which is locked as long as it is open."""
    while True:
        own = _beside(path, tag, ending)
        descriptor = os.open(own, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        # Someone who clears up may have come between the two: then it is another one's turn.
        if _locked(descriptor) is not False and os.fstat(descriptor).st_nlink:
            return own, descriptor
        os.close(descriptor)


def _alive(pid: int) -> bool:
    if sys.platform == "win32":  # where this would end it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _remove_lost(path: Path, match: re.Match[str]) -> bool:
    """Remove a file that nobody is writing any more, if it is one."""
    at_home = match["host"] == _host()
    # Locks and processes of another machine can't always be seen.
    if not at_home and time.time() - path.stat().st_mtime < _ABANDONED:
        return False
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_NONBLOCK", 0))
    try:
        locked = _locked(descriptor)
        if locked is None:
            locked = not (at_home and _alive(int(match["pid"])))
        if locked:  # still: whoever has just made it sees that it is gone
            path.unlink()
        return locked
    finally:
        os.close(descriptor)


def sweep(folders: Iterable[Path], tag: str = "") -> list[Path]:
    """Remove what lost processes left half-written, and tell what it was.

    Parameters
    ----------
    folders : iterable of Path
    tag : str, optional
        Of a run that is over: all with its tag is removed. By default it is what nobody writes any
        more, as its lock tells; of another machine, what was not changed for a day.
    """
    removed = []
    for folder in folders:
        with suppress(OSError), os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.name.startswith(".")]
            for name in names:
                match, path = _OWN.fullmatch(name), folder / name
                with suppress(OSError):
                    if match and tag and match["tag"] == tag:
                        path.unlink()
                    elif not match or tag or not _remove_lost(path, match):
                        continue
                    removed.append(path)
    return removed


def _flush(path: Path) -> None:
    """Have a file on the disk: renamed before, it might be there without content after a crash."""
    file = os.open(path, os.O_RDWR)
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno not in _NO_FLUSH:  # not every file system can
            raise
    finally:
        os.close(file)


def _link(own: Path, path: Path) -> None:
    """Give a file its name, which must be new."""
    try:
        os.link(own, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        try:
            os.replace(own, path)
        except BaseException:
            path.unlink()
            raise


def replace(
    path: Path,
    write: Callable[[Path], Any],
    *,
    tag: str = "",
    ending: str = ".tmp",
    new: bool = False,
) -> None:
    """Write beside, flush and rename: a file of that name is whole, the old one or the new.

    Parameters
    ----------
    path : Path
        Of a link, what it points to is replaced, not the link.
    write : callable
        Is called with the path of an empty file, to write the content there.
    tag : str, default ''
        Of a run, for `sweep`; letters and digits.
    ending : str, default '.tmp'
        Of the name that the file has while it is written.
    new : bool, default False
        Whether there must be no file of that name.

    Raises
    ------
    FileExistsError
        If it must be new, and is not.
    OSError
        If it can't be written, or is no regular file; then nothing is left of it.
    """
    if not new:
        path = Path(os.path.realpath(path)) if path.is_symlink() else path
        check_regular(path, "the output")
    elif os.path.lexists(path):
        raise FileExistsError(f"{path} exists, and is left as it is")
    try:
        own, lock = _opened(path, tag, ending)
        try:
            write(own)
            _flush(own)
            if new:
                _link(own, path)
            else:
                with suppress(FileNotFoundError):
                    os.chmod(own, path.stat().st_mode & 0o777)
                os.replace(own, path)
        finally:
            with suppress(OSError):
                own.unlink(missing_ok=True)
            os.close(lock)
    except OSError as error:
        reason = error.strerror or str(error)
        if "requested and" in reason:  # what NumPy says of a write that the system cuts short
            reason = f"there is no room for it ({reason})"
        message = f"{path} can't be written: {reason}"
        raise (OSError(error.errno, message) if error.errno else OSError(message)) from error


def replace_text(path: Path, text: str, *, new: bool = False) -> None:
    """Write a file of text; see `replace`."""
    replace(path, lambda own: own.write_text(text, encoding="utf-8"), new=new)
