"""FITS files: finding images in them, their pixels and keywords, and writing one whole."""

from __future__ import annotations

import errno
import os
import re
import sys
import uuid
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from astropy.io import fits
from numpy.typing import NDArray

from cblot._pixels import Pixels
from cblot._quiet import quietly

# What file systems of fsspec call that which changes with a file.
_REMOTE_IDENTITY = ("ETag", "etag", "LastModified", "Last-Modified", "mtime", "created")
# Keyword of what an output was made of.
FINGERPRINT = "CBLOTKEY"
# Extensions that belong to the WCS of another image.
_TABLES = ("D2IMARR", "WCSDVARR")
_EXTENSION = re.compile(r"^(?P<path>.+?)\[(?P<extension>[^\[\]]*)\]$", re.DOTALL)
_NAMED = re.compile(r"^['\"]?(?P<name>[^,'\"]*)['\"]?(?:\s*,\s*(?P<version>\d+))?$")


class NoImageError(ValueError):
    """A file has no such extension, or no image."""


@dataclass(frozen=True)
class Image:
    """One image of a FITS file or of an HDUList.

    Attributes
    ----------
    name : str
        What to call it: the name of the file and its extension in brackets.
    file : str
        Name of the file alone; empty if there is none.
    hdus : HDUList
        All of the file.
    index : int
        Its place there.
    path : Path or None
        The file, if it is a local one.
    pixels : Pixels
        Its pixels, which slice like an array.
    """

    name: str
    file: str
    hdus: Any = field(repr=False)
    index: int
    path: Path | None
    pixels: Pixels = field(repr=False)

    @property
    def header(self) -> Any:
        """Its own header."""
        return self.hdus[self.index].header

    @property
    def primary(self) -> Any:
        """Header of the file's first HDU."""
        return self.hdus[0].header

    @property
    def extension(self) -> tuple[str, int]:
        """EXTNAME and EXTVER, as they count for an image: SCI and 1 where there is none."""
        hdu = self.hdus[self.index]
        name = str(hdu.name or "").upper()
        return "SCI" if name in ("", "PRIMARY", "COMPRESSED_IMAGE") else name, int(hdu.ver or 1)

    def keyword(self, *names: str) -> tuple[str, Any] | None:
        """First of the keywords that is in the header or the primary one, with its value."""
        for name in names:
            for header in (self.header, self.primary):
                if name and name in header and header[name] not in (None, ""):
                    return name.upper(), header[name]
        return None

    def tables(self) -> list[Any]:
        """Copies of the HDUs with the lookup tables that its header refers to."""
        header, wanted = self.header, []
        for key, name in (("D2IM", "D2IMARR"), ("DP", "WCSDVARR")):
            wanted += [(name, int(header[f"{key}{i}.EXTVER"]))
                       for i in (1, 2) if f"{key}{i}.EXTVER" in header]  # fmt: skip
        if "AXISCORR" in header:
            wanted.append(("D2IMARR", 1))
        tables = [self.hdus[key] for key in dict.fromkeys(wanted) if key in self.hdus]
        return [fits.ImageHDU(table.data.copy(), table.header) for table in tables]


def _is_image(hdu: Any) -> bool:
    return bool(hdu.is_image) and hdu.header.get("NAXIS", 0) > 0 and hdu.name not in _TABLES


def _choose(hdus: Any, name: str) -> list[int]:
    """Science images of a file of which none was named."""
    images = [i for i, hdu in enumerate(hdus) if _is_image(hdu)]
    science = [i for i in images if hdus[i].name == "SCI"]
    if science:
        return science
    if not images:
        raise NoImageError(
            f"{name} has no image, or is cut short; its extensions are {_listing(hdus)}"
        )
    return images[:1]


def _listing(hdus: Any) -> str:
    return ", ".join(
        f"[{i}]" + (f" {hdu.name},{hdu.ver}" if hdu.name else "") for i, hdu in enumerate(hdus)
    )


def find(hdus: Any, extension: str, name: str) -> int:
    """Index of an extension given as in ``[1]``, ``[sci]`` or ``[SCI,2]``."""
    text = extension.strip()
    match = _NAMED.match(text)
    try:
        if text.lstrip("+-").isdecimal():
            index = int(text)
            if not 0 <= index < len(hdus):
                raise KeyError(index)
        elif match and match["name"].strip():
            version = match["version"]
            key = match["name"].strip().upper()
            index = hdus.index_of((key, int(version)) if version else key)
        else:
            raise KeyError(text)
    except KeyError:
        raise NoImageError(
            f"{name} has no extension [{extension}]; its extensions are {_listing(hdus)}"
        ) from None
    if not _is_image(hdus[index]):
        raise NoImageError(f"{name}[{extension}] is not an image with pixels")
    return index


def is_address(text: str) -> bool:
    """Whether a name is the address of a remote file."""
    return "://" in text


def file_of(source: Any) -> str:
    """Name of the file that an image was given as or came from; empty if there is none."""
    if isinstance(source, (str, os.PathLike)):
        return split_name(os.fspath(source))[0]
    if isinstance(source, fits.HDUList):
        return source.filename() or ""
    place = source.fileinfo() if hasattr(source, "fileinfo") else None
    return str(place["file"].name or "") if place else ""


def named_extension(source: Any) -> tuple[str, tuple[str, int]] | None:
    """File and extension of a name that ends in one as in ``[SCI,2]``."""
    if not isinstance(source, (str, os.PathLike)):
        return None
    path, extension = split_name(os.fspath(source))
    match = _NAMED.match((extension or "").strip())
    if not match or not match["version"] or not match["name"].strip():
        return None
    return os.path.basename(path), (match["name"].strip().upper(), int(match["version"]))


def split_name(text: str) -> tuple[str, str | None]:
    """Split a file's name and the extension in brackets after it, if any."""
    match = None if not is_address(text) and os.path.exists(text) else _EXTENSION.match(text)
    return (match["path"], match["extension"]) if match else (text, None)


@contextmanager
def opened(source: Any, what: str) -> Iterator[list[Image]]:
    """Open the science images of a file: that which is named, else all.

    Parameters
    ----------
    source : str, Path, HDUList or HDU
        A file's name may end in an extension in brackets: ``[1]``, ``[sci]`` or ``[SCI,2]``, and
        may be an address (``https://``, ``s3://``) that fsspec reads. What the caller opened stays
        open.
    what : str
        What to call it in errors.

    Raises
    ------
    TypeError
        If it is none of these.
    OSError
        If there is no such file, or it is not a FITS file.
    ValueError
        If it has no such extension, or no image.
    RuntimeError
        If it is an address, and fsspec or what it needs is not installed.
    """
    if isinstance(source, fits.HDUList):
        path = source.filename()
        name = os.path.basename(path or "HDUList")
        yield [_image(source, i, name, path) for i in _choose(source, name)]
        return
    if hasattr(source, "header") and hasattr(source, "is_image"):
        with _company_of(source) as (hdus, path):
            name = os.path.basename(path) if path else f"{type(source).__name__} {source.name}"
            place = 0 if isinstance(source, fits.PrimaryHDU) else len(hdus) - 1
            if not _is_image(source):
                raise ValueError(f"{what}: {name.strip()} is not an image with pixels")
            yield [_image(hdus, place, name.strip(), path)]
        return
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(
            f"{what} must be the name of a FITS file, a Path, an HDUList or an HDU, got "
            f"{type(source).__name__}"
        )
    text = os.fspath(source)
    remote = is_address(text)
    path, extension = split_name(text if remote else os.path.expanduser(text))
    if not remote and not os.path.exists(path):
        hint = "; is a bracket missing?" if "[" in path or "]" in path else ""
        raise FileNotFoundError(f"{what}: there is no file {path}{hint}")
    name = os.path.basename(path)
    status = None if remote else os.stat(path)
    with ExitStack() as stack:
        try:
            hdus = stack.enter_context(fits.open(path, memmap=False, use_fsspec=remote or None))
            chosen = _choose(hdus, name) if extension is None else [find(hdus, extension, name)]
        except ImportError as error:
            raise RuntimeError(
                f"{what}: {path} needs {error.name or error}: pip install 'cblot[remote]'"
            ) from error
        except (NoImageError, MemoryError):
            raise
        except Exception as error:
            if remote:  # what libraries of the network raise is their own
                reason = f"{type(error).__name__}: {error}"
                raise OSError(f"{what}: {path} can't be read: {reason}") from error
            if not isinstance(error, (OSError, EOFError, zlib.error)):
                raise
            # Without astropy's advice, which is for its own callers.
            reason = str(error).split(" If this is really")[0]
            raise OSError(f"{what}: {path} can't be read as a FITS file: {reason}") from error
        if not remote:
            _check_length(hdus, path, what)
        images = [_image(hdus, i, name, path, status) for i in chosen]
        for image in images:
            stack.callback(image.pixels.close)
        yield images


def _end(hdus: Any) -> int:
    """Byte at which a file ends, if it is whole."""
    places = [hdu.fileinfo() for hdu in hdus]
    return max(int(place["datLoc"] + place["datSpan"]) for place in places)


def _check_length(hdus: Any, path: str, what: str) -> None:
    """Refuse a file that is cut short, of which chips may be missing."""
    file = hdus[0].fileinfo()["file"]
    size, end = os.path.getsize(path), _end(hdus)
    # The last block may lack its padding.
    if file.compression:
        return
    if size <= end - 2880:
        raise OSError(f"{what}: {path} is cut short: it has {size} bytes of {end}")
    with open(path, "rb") as rest:
        rest.seek(end)
        if rest.read(8) == b"XTENSION":  # astropy leaves out an extension without a whole header
            raise OSError(f"{what}: {path} is cut short, in the header of extension {len(hdus)}")


@contextmanager
def _company_of(hdu: Any) -> Iterator[tuple[Any, str | None]]:
    """Put an HDU in a list with what its file, if it has one, says for it: first or last."""
    file_of = (hdu.fileinfo() or {}).get("file")
    path = file_of.name if file_of else None
    if not path or not os.path.exists(path):
        yield fits.HDUList([hdu]), None
        return
    with fits.open(path, memmap=False) as file:
        others = [other for other in file[1:] if other.name in _TABLES]
        first = isinstance(hdu, fits.PrimaryHDU)
        yield fits.HDUList([hdu, *others] if first else [file[0], *others, hdu]), path


def _image(hdus: Any, index: int, name: str, path: str | None, status: Any = None) -> Image:
    """Image of a file; `status` is that of a local one which nobody else has opened."""
    hdu = hdus[index]
    extension = "" if index == 0 else f"[{hdu.name},{hdu.ver}]" if hdu.name else f"[{index}]"
    tiled = isinstance(hdu, fits.CompImageHDU)
    remote = path is not None and is_address(path)
    pixels = Pixels(hdu, name + extension, path if status else None, tiled, status, remote)
    local = Path(path) if path and not remote else None
    file = os.path.basename(path) if path else ""
    return Image(name + extension, file, hdus, index, local, pixels)


def about_address(address: str) -> list[Any]:
    """Size and what else tells a remote file from what it was before; empty if nothing does."""
    try:
        import fsspec

        system, path = fsspec.core.url_to_fs(address)
        about = system.info(path)
    except Exception:  # told where it is opened
        return []
    told = [about.get(name) for name in _REMOTE_IDENTITY]
    return [str(value) for value in (*told, about.get("size"))] if any(told) else []


def made_of(path: Path) -> str:
    """Fingerprint of what a whole file was made of; empty if it has none, or is cut short."""
    try:
        with quietly(), fits.open(path, memmap=False) as hdus:
            whole = _end(hdus) == path.stat().st_size
            return str(hdus[0].header.get(FINGERPRINT, "")) if whole else ""
    except (OSError, EOFError, ValueError, TypeError, KeyError):
        return ""


def from_bytes(content: bytes) -> Any:
    """Return the HDUList of a file's content."""
    return fits.HDUList.fromstring(content)


def new_header() -> Any:
    """Return an empty header."""
    return fits.Header()


def hdulist_of(pixels: NDArray[Any], header: Any, tables: Sequence[Any] = ()) -> Any:
    """Return a simple FITS image with lookup tables of its WCS as extensions."""
    return fits.HDUList([fits.PrimaryHDU(pixels, header), *tables])


class Inputs:
    """The files that are read, by whatever names: none may be written.

    Parameters
    ----------
    images : sequence
        Images as they were given; see `opened`.
    """

    def __init__(self, images: Sequence[Any]) -> None:
        self._files = set()
        for image in images:
            path = os.path.expanduser(file_of(image))
            if path and not is_address(path) and os.path.exists(path):
                self._files.add(self._identity(path))

    @staticmethod
    def _identity(path: str | os.PathLike[str]) -> tuple[int, int]:
        status = os.stat(path)
        return status.st_dev, status.st_ino

    def check(self, path: Path) -> None:
        """Refuse to write one of them.

        Raises
        ------
        ValueError
            If a path is one.
        """
        if path.exists() and self._identity(path) in self._files:
            raise ValueError(f"the output must not be an input: {path}")


def check_target(
    path: Path, overwrite: bool, inputs: Inputs, *, folder_is_made: bool = False
) -> None:
    """Refuse a name that can't be written.

    Raises
    ------
    OSError
        If it exists and may not be overwritten, is a folder, or its folder does not exist.
    ValueError
        If it is that of an input, or of a compressed image.
    """
    if path.suffix.lower() == ".fz":
        raise ValueError(f"the output is a simple FITS image, which {path} must not be named")
    if not folder_is_made and not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} to write {path.name} in")
    if path.is_dir():
        raise IsADirectoryError(f"the output {path} is a folder")
    inputs.check(path)
    if path.exists() and not overwrite:
        raise FileExistsError(f"the output {path} exists, and overwrite is no")


def _beside(path: Path, tag: str) -> Path:
    """Return a name for a file while it is written; `sweep` knows them by the tag."""
    # astropy tells by the end of a name whether to compress.
    ending = ".fits.gz" if path.suffix.lower() == ".gz" else ".fits"
    return path.with_name(f".{path.stem}.{tag}{uuid.uuid4().hex[:12]}{ending}")


def sweep(folder: Path, tag: str) -> list[Path]:
    """Remove what lost processes left half-written under a tag, and tell what it was."""
    left = list(folder.glob(f".*.{tag}*.fits*"))
    for path in left:
        with suppress(OSError):
            path.unlink()
    return left


def _flush(path: Path) -> None:
    """Have a file on the disk: renamed before, it might be there without content after a crash."""
    file = os.open(path, os.O_RDWR)
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # not every file system can
            raise
    finally:
        os.close(file)


def write(hdus: Any, path: Path, tag: str = "") -> None:
    """Write beside, flush and rename: a file of that name is whole, the old one or the new.

    Parameters
    ----------
    hdus : HDUList
        No more the caller's: its pixels are put in the order of bytes that FITS has.
    path : Path
    tag : str, default ''
        Part of the name that the file has while it is written.

    Raises
    ------
    OSError
        If it can't be written; then nothing is left of it.
    """
    if path.is_symlink():  # what it points to is replaced, not the link
        path = path.resolve()
    own = _beside(path, tag)
    pixels = hdus[0].data
    if pixels.dtype.isnative and sys.byteorder == "little":  # astropy would swap, and swap back
        hdus[0].data = pixels.byteswap(inplace=True).view(pixels.dtype.newbyteorder(">"))
    try:
        hdus.writeto(own, output_verify="silentfix")
        _flush(own)
        if path.exists():
            os.chmod(own, path.stat().st_mode & 0o777)
        os.replace(own, path)
    except OSError as error:
        reason = error.strerror or str(error)
        if "requested and" in reason:  # what NumPy says of a write that the system cuts short
            reason = f"there is no room for it ({reason})"
        message = f"{path} can't be written: {reason}"
        raise (OSError(error.errno, message) if error.errno else OSError(message)) from error
    finally:
        with suppress(OSError):
            own.unlink(missing_ok=True)
