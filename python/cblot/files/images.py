"""FITS files: finding images in them, their pixels and keywords, and putting new ones together."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from astropy.io import fits
from numpy.typing import NDArray

from cblot.files import replace
from cblot.files.names import alone, is_address, local, split_extension, split_name
from cblot.files.wcs import wcs_of_image
from cblot.files.windows import Pixels
from cblot.forks.silence import quietly

# What file systems of fsspec call that which changes with a file.
_REMOTE_IDENTITY = ("ETag", "etag", "LastModified", "Last-Modified", "mtime", "created")
# Keyword of what an output was made of.
FINGERPRINT = "CBLOTKEY"
_AXIS = re.compile(r"NAXIS\d+")
# Extensions that belong to the WCS of another image.
_TABLES = ("D2IMARR", "WCSDVARR")


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
        name = _name(hdu)
        version = hdu.header.get("EXTVER", 1)
        if isinstance(version, bool) or not isinstance(version, int):
            raise ValueError(f"{self.name}: EXTVER must be a whole number, got {version!r}")
        return "SCI" if name in ("", "PRIMARY", "COMPRESSED_IMAGE") else name, version or 1

    def keyword(self, *names: str) -> tuple[str, Any] | None:
        """First of the keywords that is in the header or the primary one, with its value."""
        for name in names:
            for header in (self.header, self.primary):
                if name and name in header and header[name] not in (None, ""):
                    return name.upper(), header[name]
        return None

    def wcs(self) -> Any:
        """Its WCS; see `wcs_of_image`."""
        return wcs_of_image(self.hdus, self.index, self.name)

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


def _name(hdu: Any) -> str:
    """EXTNAME, in upper case: FITS knows no other, though files do."""
    return str(hdu.name or "").strip().upper()


def _is_image(hdu: Any) -> bool:
    return bool(hdu.is_image) and hdu.header.get("NAXIS", 0) > 0 and _name(hdu) not in _TABLES


def _choose(hdus: Any, name: str) -> list[int]:
    """Science images of a file of which none was named."""
    images = [i for i, hdu in enumerate(hdus) if _is_image(hdu)]
    science = [i for i in images if _name(hdus[i]) == "SCI"]
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
    named = split_extension(text)
    try:
        if text.lstrip("+-").isdecimal():
            index = int(text)
            if not 0 <= index < len(hdus):
                raise KeyError(index)
        elif named is not None:
            index = hdus.index_of(named[0] if named[1] is None else named)
        else:
            raise KeyError(text)
    except KeyError:
        raise NoImageError(
            f"{name} has no extension [{extension}]; its extensions are {_listing(hdus)}"
        ) from None
    if not _is_image(hdus[index]):
        raise NoImageError(f"{name}[{extension}] is not an image with pixels")
    return index


def _file_of(hdu: Any) -> Any:
    """File of an HDU, as astropy has it; or None."""
    place = hdu.fileinfo() if hasattr(hdu, "fileinfo") else None
    return place["file"] if place else None


def file_of(source: Any) -> str:
    """Name of the file that an image was given as or came from; empty if there is none."""
    if isinstance(source, (str, os.PathLike)):
        return split_name(os.fspath(source))[0]
    if isinstance(source, fits.HDUList):
        return source.filename() or ""
    if isinstance(source, Image):
        return str(source.path or "")
    file = _file_of(source)
    return str(file.name or "") if file else ""


def open_file_of(source: Any) -> os.stat_result | None:
    """What tells the open file that an image is read from, wherever its name leads by now."""
    if isinstance(source, fits.HDUList):
        file = source._file
    else:
        file = _file_of(source.hdus[source.index] if isinstance(source, Image) else source)
    try:
        return os.fstat(file._file.fileno())
    except (AttributeError, OSError, ValueError):  # there is none, or it is closed
        return None


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
        _check_axes(source, name)
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
    text = local(os.fspath(source))
    remote = is_address(text)
    path, extension = split_name(text if remote else os.path.expanduser(text))
    if not remote and not os.path.exists(path):
        hint = "; is a bracket missing?" if "[" in path or "]" in path else ""
        if "*" in path or "?" in path:
            hint = "; patterns are the shell's, or glob's, to expand"
        raise FileNotFoundError(f"{what}: there is no file {path}{hint}")
    if not remote:
        replace.check_regular(path, what)
    name = os.path.basename(path)
    status = None if remote else os.stat(path)
    with ExitStack() as stack:
        try:
            hdus = stack.enter_context(fits.open(path, memmap=False, use_fsspec=remote or None))
            _check_axes(hdus, name)
            chosen = _choose(hdus, name) if extension is None else [find(hdus, extension, name)]
        except ImportError as error:
            if not remote:  # for a compression, say
                raise OSError(f"{what}: {path} can't be read: {error}") from error
            raise RuntimeError(
                f"{what}: {path} needs {error.name or error}: pip install 'cblot[remote]'"
            ) from error
        except (NoImageError, MemoryError):
            raise
        except Exception as error:
            if remote:  # what libraries of the network raise is their own
                reason = f"{type(error).__name__}: {error}"
                raise OSError(f"{what}: {path} can't be read: {reason}") from error
            # Without astropy's advice, which is for its own callers.
            reason = " ".join(str(error).split(" If this is really")[0].split())
            if not isinstance(error, (OSError, EOFError)):  # a keyword of no use, a torn archive
                reason = f"{type(error).__name__}: {reason}"
            raise OSError(f"{what}: {path} can't be read as a FITS file: {reason}") from error
        if not remote:
            _check_length(hdus, path, what)
        images = [_image(hdus, i, name, path, status) for i in chosen]
        for image in images:
            stack.callback(image.pixels.close)
        yield images


def _check_axes(hdus: Any, name: str) -> None:
    """Go through a file's extensions; one of a negative size would lead astropy back for ever."""
    place = 0
    while True:
        try:
            header = hdus[place].header
        except IndexError:
            return
        except (TypeError, ValueError, KeyError):
            _check_sizes(_header_after(hdus, place), f"{name}[{place}]")
            raise
        _check_sizes(header, f"{name}[{place}]")
        size = (hdus[place].fileinfo() or {"datSpan": 0})["datSpan"]
        if size < 0:
            raise OSError(f"{name}[{place}]: PCOUNT and GCOUNT make its size {size} bytes")
        place += 1


def _check_sizes(header: Any, name: str) -> None:
    for key in ("NAXIS", *(key for key in header if _AXIS.fullmatch(key))):
        length = header.get(key, 0)
        if not isinstance(length, int) or isinstance(length, bool) or length < 0:
            raise OSError(f"{name}: {key} must be a whole number of at least 0, got {length!r}")


def _header_after(hdus: Any, place: int) -> Any:
    """Header of an extension of which astropy can make no HDU."""
    before = hdus[place - 1].fileinfo()
    with open(before["file"].name, "rb") as file:
        file.seek(before["datLoc"] + before["datSpan"])
        return fits.Header.fromfile(file)


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


def _is(path: str, status: os.stat_result) -> bool:
    return os.path.samestat(os.stat(path), status)


@contextmanager
def _company_of(hdu: Any) -> Iterator[tuple[Any, str | None]]:
    """Put an HDU in a list with what its file, if it has one, says for it: first or last."""
    file = _file_of(hdu)
    path = file.name if file else None
    # A name that is relative may lead to another file by now.
    own, there = open_file_of(hdu), path if path and os.path.isfile(path) else None
    if there is None or (own is not None and not file.compression and not _is(there, own)):
        yield fits.HDUList([hdu]), None
        return
    with fits.open(path, memmap=False) as content:
        _check_axes(content, os.path.basename(there))
        others = [other for other in content[1:] if other.name in _TABLES]
        first = isinstance(hdu, fits.PrimaryHDU)
        yield fits.HDUList([hdu, *others] if first else [content[0], *others, hdu]), path


def _image(hdus: Any, index: int, name: str, path: str | None, status: Any = None) -> Image:
    """Image of a file; `status` is that of a local one which nobody else has opened."""
    hdu = hdus[index]
    extension = "" if index == 0 else f"[{hdu.name},{hdu.ver}]" if hdu.name else f"[{index}]"
    tiled = isinstance(hdu, fits.CompImageHDU)
    remote = path is not None and is_address(path)
    pixels = Pixels(hdu, name + extension, path if status else None, tiled, status, remote)
    there = Path(path) if path and not remote else None
    file = alone(path) if path else ""
    return Image(name + extension, file, hdus, index, there, pixels)


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
            _check_axes(hdus, path.name)
            whole = _end(hdus) == path.stat().st_size
            # Cut between two extensions, it ends as a file may.
            whole = whole and hdus[0].header.get("NEXTEND", len(hdus) - 1) == len(hdus) - 1
            return str(hdus[0].header.get(FINGERPRINT, "")) if whole else ""
    except (OSError, EOFError, ValueError, TypeError, KeyError):
        return ""


def from_bytes(content: bytes) -> Any:
    """Return the HDUList of a file's content."""
    return fits.HDUList.fromstring(content)


def new_header(keywords: Mapping[str, Any] | None = None) -> Any:
    """Return a header with these keywords alone."""
    return fits.Header([fits.Card(*card) for card in (keywords or {}).items()])


def extension(pixels: NDArray[Any], header: Any, name: str, version: int = 1) -> Any:
    """Return an image to go into an extension of a file."""
    return fits.ImageHDU(pixels, header, name=name, ver=version)


def several(primary: Any, extensions: Sequence[Any]) -> Any:
    """Return an empty primary HDU with a header, and extensions."""
    return fits.HDUList([fits.PrimaryHDU(header=primary), *extensions])


def simple(pixels: NDArray[Any], header: Any, tables: Sequence[Any] = ()) -> Any:
    """Return a simple FITS image with lookup tables of its WCS as extensions."""
    return fits.HDUList([fits.PrimaryHDU(pixels, header), *tables])


def extended(primary: Any, pixels: NDArray[Any], header: Any, tables: Sequence[Any] = ()) -> Any:
    """Return an empty primary HDU with a header, the image as ``[SCI,1]``, and lookup tables."""
    hdus = several(primary, [extension(pixels, header, "SCI"), *tables])
    hdus[0].header["EXTEND"] = True
    hdus[0].header["NEXTEND"] = (len(hdus) - 1, "number of extensions")
    return hdus
