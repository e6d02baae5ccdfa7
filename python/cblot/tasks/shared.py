"""What all chips of a run share: settings, names of outputs, and what must not be overwritten."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from cblot.files import images, names
from cblot.files.images import Image
from cblot.files.replace import check_regular, is_null
from cblot.files.write import Inputs
from cblot.remarks import remark
from cblot.resample import Mapping
from cblot.tasks import chip as chips
from cblot.tasks.chip import Chip, paths_of
from cblot.tasks.outcome import DONE, SKIPPED, Outcome
from cblot.tasks.parameters import Settings, in_effect, known, settings_of
from cblot.tasks.resume import fingerprint_of, identity_of, is_current

log = logging.getLogger(__name__)

# What the file task calls the arguments of `blot_exposures`.
_INSTEAD = {"data": "source", "reference": "references", "outdata": "outdir"}


def checked_settings(
    configObj: Any,  # noqa: N803
    parameters: dict[str, Any],
    wcsmap: Any,
    arguments: dict[str, Any],
) -> Settings:
    """Parameters of many chips; see `blot_exposures`.

    Those of the file task that stand for `arguments` of `blot_exposures` can't be given by name. In
    a configuration, which may be that of one exposure, they are not used; where they differ, that
    is a remark.

    Raises
    ------
    TypeError, ValueError
        For a parameter that can't be used.
    """
    for key in parameters:
        name = known(key)
        if name in _INSTEAD:
            raise TypeError(f"blot_exposures has no parameter {key}; pass {_INSTEAD[name]}")
    settings, told = in_effect(settings_of(configObj, parameters))
    for text in told:
        remark(log, text)
    for name, instead in _INSTEAD.items():
        if settings[name] and settings[name] not in _texts(arguments[instead]):
            text = f"configObj's {name}, {settings[name]}, is not used: {instead} counts"
            remark(log, text)
        settings[name] = ""
    if isinstance(wcsmap, Mapping):
        raise TypeError("wcsmap must be a class here, as each chip has a mapping of its own")
    return settings


def _texts(given: Any) -> list[str]:
    """Names among what is given: one, or many."""
    several = given if isinstance(given, (list, tuple)) else [given]
    return [os.fspath(name) for name in several if isinstance(name, (str, os.PathLike))]


def listed(references: Any) -> list[Any]:
    """References as a list.

    Raises
    ------
    TypeError
        If it is no sequence.
    ValueError
        If there is none.
    """
    one = isinstance(references, (str, os.PathLike)) or hasattr(references, "fileinfo")
    if not one and not isinstance(references, Iterable):
        raise TypeError(f"references must be exposures, got {type(references).__name__}")
    found = [references] if one else list(references)
    if not found:
        raise ValueError("there is nothing to blot without references")
    return found


def label(reference: Any) -> str:
    """What to call a reference."""
    if isinstance(reference, (str, os.PathLike)):
        return os.fspath(reference)
    return images.file_of(reference) or type(reference).__name__


def folder_of(outdir: Any) -> Path:
    """Folder of the outputs, which need not be there yet.

    Raises
    ------
    TypeError
        If it is no name.
    """
    if not isinstance(outdir, (str, os.PathLike)):
        raise TypeError(f"outdir must be the name of a folder, got {type(outdir).__name__}")
    return names.expanded(outdir)


def make_folder(outdir: Any) -> Path:
    """Make the folder of the outputs, if need be.

    Raises
    ------
    TypeError, OSError
        If it can't be.
    """
    folder = folder_of(outdir)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"outdir must be a folder, got the file {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def summary_path(summary: Any, inputs: Inputs) -> Path | None:
    """Where the summary goes, if it is wanted: what can't be is refused before any work is done.

    Raises
    ------
    TypeError, ValueError, OSError
        If it is not the name of a file, is an input, is named as an image, or has no folder.
    """
    if summary is None:
        return None
    if not isinstance(summary, (str, os.PathLike)):
        raise TypeError(f"summary must be the name of a file, got {type(summary).__name__}")
    path = names.expanded(summary)
    if is_null(path):
        return path
    inputs.check(path)
    if names.split_ending(path.name)[1]:
        raise ValueError(f"the summary is JSON, and {path} is the name of a FITS file")
    check_regular(path, "the summary")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} to write {path.name} in")
    return path


class Run:
    """What all chips of a run share, and where their outputs go; it can be sent elsewhere.

    Parameters
    ----------
    data_identity : list or None
        Of the clean image before it was opened; see `identity_of`.
    folder : Path or None
        Of the outputs; None where they are returned.
    settings : dict
    wcsmap : class or None
    resume : bool
    tag : str
        Part of the names that files have while they are written.
    """

    def __init__(
        self,
        data_identity: list[Any] | None,
        folder: Path | None,
        settings: Settings,
        *,
        wcsmap: Any,
        resume: bool,
        tag: str,
    ) -> None:
        self._data_identity, self.folder, self.settings = data_identity, folder, settings
        self.wcsmap, self.resume, self.tag = wcsmap, resume, tag

    def chips(
        self, reference: Any, order: int, inputs: Inputs | None = None, only: int | None = None
    ) -> Iterator[tuple[Outcome, Callable[[Image, Any], Chip] | None]]:
        """Open an exposure and go through its chips, or the one at a place in its file.

        Yields
        ------
        outcome : Outcome
            As far as it is known: of a failure, or of a chip that is skipped, the end of it.
        prepare : callable or None
            Makes the chip ready, of the clean image and its WCS, while the exposure is open.
        """
        # Before it is opened: should it change in between, the output is not taken for current.
        identity = None if self.wcsmap else identity_of(reference)
        with images.opened(reference, "reference") as exposures:
            paths = paths_of(f"{self.folder or '.'}{os.sep}", exposures)
            for place, (exposure, path) in enumerate(zip(exposures, paths, strict=True)):
                if only not in (None, exposure.index):
                    continue
                extension = "{},{}".format(*exposure.extension)
                outcome = Outcome(
                    label(reference), extension, order=(order, place), place=exposure.index
                )
                if self.folder is not None:
                    outcome.output = str(path)
                try:
                    files = [self._data_identity, identity]
                    fingerprint = fingerprint_of(files, exposure.extension, self.settings)
                    if self.folder is not None:
                        if inputs is not None:
                            inputs.check(path)
                        if self.resume and is_current(path, fingerprint):
                            outcome.status = SKIPPED
                except Exception as error:
                    yield outcome.failed(error), None
                    continue
                if outcome.status == SKIPPED:
                    yield outcome, None
                else:
                    yield outcome, partial(self._ready, exposure, path, fingerprint)

    def _ready(
        self, exposure: Image, path: Path, fingerprint: str, source: Image, wcs: Any
    ) -> Chip:
        # A caller's class may not be one for several threads.
        own = wcs.deepcopy() if self.wcsmap else wcs
        (chip,) = chips.prepare(
            source, own, [exposure], [path], self.settings,
            folder_is_made=True, written=self.folder is not None,
        )  # fmt: skip
        return replace(chip, fingerprint=fingerprint)

    def make(self, outcome: Outcome, chip: Chip, pixels: Any, threads: int) -> None:
        """Make a chip and note what becomes of it."""
        start = time.perf_counter()
        try:
            told, outcome.hdus = chips.make(chip, pixels, self.wcsmap, threads, self.tag)
            for text in told:
                remark(log, text)
            ny, nx = chip.blot_wcs.array_shape
            outcome.pixels, outcome.status = int(ny) * int(nx), DONE
        except Exception as error:
            outcome.failed(error)
        outcome.seconds += time.perf_counter() - start


def _outputs(reference: Any, folder: Path) -> list[Path]:
    """Names of the outputs of a reference."""
    named = isinstance(reference, (str, os.PathLike))
    name = names.named_extension(reference) if named else None
    if name is not None:  # no need to open it
        return names.output_paths(f"{folder}{os.sep}", [name])
    with images.opened(reference, "reference") as exposures:
        return paths_of(f"{folder}{os.sep}", exposures)


def _suspects(references: Sequence[Any]) -> list[int]:
    """References whose outputs may have the name of another one's: no other need be opened.

    An output is named by its file and its extension, ``a_flt`` and ``_sci1``: of two that are one,
    one file's name begins as the other's, up to an underscore.
    """
    by_stem: dict[str, list[int]] = {}
    cut = []
    for k, reference in enumerate(references):
        file = names.alone(images.file_of(reference))
        if names.is_cut(file):
            cut.append(k)
        by_stem.setdefault(names.same(Path(names.stem(file))), []).append(k)
    found = {k for places in by_stem.values() if len(places) > 1 for k in places}
    for stem, places in by_stem.items():
        for at in (i for i, letter in enumerate(stem) if letter == "_"):
            if stem[:at] in by_stem:
                found.update(by_stem[stem[:at]], places)
    return sorted(found.union(cut if len(cut) > 1 else ()))


def clashes(references: Sequence[Any], folder: Path) -> dict[int, str]:
    """Which references would write what one before them does, and why they are left out.

    Names that differ in upper and lower case alone are one file on many systems, and count as one.
    """
    found: dict[int, str] = {}
    taken: dict[str, int] = {}
    for k in _suspects(references):
        try:
            paths = _outputs(references[k], folder)
        except Exception:  # told when its turn comes
            log.debug("%s can't be opened", label(references[k]))
            continue
        same = [path for path in paths if names.same(path) in taken]
        if same:
            first = label(references[taken[names.same(same[0])]])
            found[k] = f"its output would be {same[0].name}, as that of {first}"
        else:
            taken |= dict.fromkeys(map(names.same, paths), k)
    return found
