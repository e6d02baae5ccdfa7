"""``cblot blot`` and ``cblot params``: the file tasks, as the command line asks for them."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from cblot.cli import terminal
from cblot.cli.arguments import POSITIONAL, SUMMARY
from cblot.cli.status import Terminated, UsageError
from cblot.files import names, replace
from cblot.tasks import blot, outcome, parameters, threads


def run_blot(arguments: argparse.Namespace) -> int:
    """Do ``cblot blot``."""
    overrides = {
        name: value for name, value in vars(arguments).items()
        if name in parameters.table() and name not in POSITIONAL
    }  # fmt: skip
    try:
        parameters.settings_of(None, overrides)
    except ValueError as error:
        raise UsageError(str(error)) from error
    settings = parameters.settings_of(arguments.config, overrides)
    data, *given = arguments.files or [settings["data"]]
    references: list[str | None] = [*given] or [settings["reference"] or None]
    outdata = arguments.output or settings["outdata"]
    if not data:
        raise UsageError("DATA is needed, the clean image")
    if references == [None] and not settings["user_wcs"]:
        raise UsageError("a REFERENCE is needed, or --user-wcs and all of its values")
    if not outdata:
        raise UsageError("-o OUT is needed, the file or folder to write")
    if _of_many(arguments) and references == [None]:
        raise UsageError("--jobs, --resume, --summary and --progress need a REFERENCE")
    if _of_many(arguments) and not names.is_folder(outdata):
        if names.split_ending(outdata)[1]:
            raise UsageError("--jobs, --resume, --summary and --progress need a folder as OUT")
        outdata = f"{outdata}/"
    folder = names.expanded(outdata)
    if references == [None]:
        return _run_one(data, None, outdata, settings, arguments)
    is_folder = folder.is_dir() or names.is_folder(outdata)
    if len(references) == 1 and not is_folder:
        with suppress(blot.SeveralChipsError):  # those go to a folder
            return _run_one(data, references[0], outdata, settings, arguments)
    if not is_folder and (folder.exists() or names.split_ending(folder.name)[1]):
        raise UsageError(f"OUT must be a folder for more than one chip, got {folder}")
    return _run_exposures(data, [r for r in references if r], outdata, settings, arguments)


def _of_many(arguments: argparse.Namespace) -> bool:
    """Whether an option is given that is for many exposures: OUT is a folder then."""
    given = (arguments.jobs, arguments.resume, arguments.summary, arguments.progress is not None)
    return any(given)


def _run_one(
    data: str, reference: str | None, outdata: str, settings: Any, arguments: argparse.Namespace
) -> int:
    """Blot onto one chip, or a user's grid."""
    given = {**settings, "reference": ""}
    for path in blot.blot_chips(data, reference, outdata, given, only_one=True):
        if not arguments.quiet:
            terminal.say_name(path)
    return 0


def _run_exposures(
    data: str, references: Sequence[str], outdir: str, settings: Any, arguments: argparse.Namespace
) -> int:
    logging.getLogger("cblot.progress").setLevel(logging.INFO)
    given = {name: value for name, value in settings.items() if name not in POSITIONAL}
    target = arguments.summary or str(names.expanded(outdir) / SUMMARY)
    status = 0
    try:
        result = threads.blot_exposures(
            data, references, outdir, given,
            jobs=arguments.jobs, resume=arguments.resume,
            progress=False if arguments.quiet else arguments.progress,
            summary=None if target == "-" else target,
        )  # fmt: skip
    except outcome.Interrupted as interruption:
        terminated = isinstance(interruption.__cause__, Terminated)
        result, status = interruption.summary, 143 if terminated else 130
        terminal.complain(f"cblot blot: {interruption}")
    if target == "-":
        terminal.say(result.to_json(), end="")
    elif not arguments.quiet:
        for path in result.outputs:
            terminal.say_name(path)
    failed = result.count(outcome.FAILED)
    if failed:
        made = len(result.outcomes) - failed
        terminal.complain(f"cblot blot: {failed} failed, {made} chips are there")
    return status or (0 if result.ok else 1)


def run_params(arguments: argparse.Namespace) -> int:
    """Do ``cblot params``."""
    text = parameters.config_text(parameters.settings_of(arguments.config, {}))
    if arguments.output is None:
        terminal.say(text, end="")
    else:
        replace.replace_text(Path(arguments.output), text, new=True)
    return 0
