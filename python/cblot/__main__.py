"""The command line: ``cblot blot``, ``cblot params``, ``cblot demo``."""

from __future__ import annotations

import argparse
import copy
import logging
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cblot import _arguments, _batch, _names, _parameters, _replace, _report, _tasks, _terminal
from cblot._arguments import POSITIONAL, SUMMARY


class _Terminated(KeyboardInterrupt):
    """What SIGTERM raises: files that are half-written are removed, as on Ctrl-C."""


def _terminate(*_: Any) -> None:
    raise _Terminated("terminated")


@contextmanager
def _terminable() -> Iterator[None]:
    """Have SIGTERM raise meanwhile, where nobody else has said what it does."""
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


class _UsageError(Exception):
    """What was asked for can't be asked for so."""


def _run_blot(arguments: argparse.Namespace) -> int:
    overrides = {
        name: value for name, value in vars(arguments).items()
        if name in _parameters.table() and name not in POSITIONAL
    }  # fmt: skip
    try:
        _parameters.settings_of(None, overrides)
    except ValueError as error:
        raise _UsageError(str(error)) from error
    settings = _parameters.settings_of(arguments.config, overrides)
    data, *given = arguments.files or [settings["data"]]
    references: list[str | None] = [*given] or [settings["reference"] or None]
    outdata = arguments.output or settings["outdata"]
    if not data:
        raise _UsageError("DATA is needed, the clean image")
    if references == [None] and not settings["user_wcs"]:
        raise _UsageError("a REFERENCE is needed, or --user-wcs and all of its values")
    if not outdata:
        raise _UsageError("-o OUT is needed, the file or folder to write")
    if _of_many(arguments) and references != [None] and not _names.is_folder(outdata):
        if Path(outdata).name.lower().endswith(_names.ENDINGS):
            raise _UsageError("--jobs, --resume, --summary and --progress need a folder as OUT")
        outdata = f"{outdata}/"
    if _wants_folder(references, str(outdata)):
        return _run_exposures(data, [r for r in references if r], outdata, settings, arguments)
    for path in _tasks.blot(data, references[0], outdata, {**settings, "reference": ""}):
        if not arguments.quiet:
            _terminal.say_name(path)
    return 0


def _of_many(arguments: argparse.Namespace) -> bool:
    """Whether an option is given that is for many exposures: OUT is a folder then."""
    given = (arguments.jobs, arguments.resume, arguments.summary, arguments.progress is not None)
    return any(given)


def _wants_folder(references: Sequence[str | None], outdata: str) -> bool:
    """Whether the output is a folder, for an exposure a chip or for many."""
    if references == [None]:
        return False
    folder = Path(outdata).expanduser()
    if folder.is_dir() or _names.is_folder(outdata):
        return True
    several = len(references) > 1 or len(_tasks.planned(references[0], outdata)) > 1
    if several and (folder.exists() or folder.name.lower().endswith(_names.ENDINGS)):
        raise _UsageError(f"OUT must be a folder for more than one chip, got {folder}")
    return several


def _run_exposures(
    data: str, references: Sequence[str], outdir: str, settings: Any, arguments: argparse.Namespace
) -> int:
    logging.getLogger("cblot.progress").setLevel(logging.INFO)
    given = {name: value for name, value in settings.items() if name not in POSITIONAL}
    target = arguments.summary or os.path.join(os.path.expanduser(outdir), SUMMARY)
    status = 0
    try:
        result = _batch.blot_exposures(
            data, references, outdir, given,
            jobs=arguments.jobs, resume=arguments.resume,
            progress=False if arguments.quiet else arguments.progress,
            summary=None if target == "-" else target,
        )  # fmt: skip
    except _report.Interrupted as interruption:
        terminated = isinstance(interruption.__cause__, _Terminated)
        result, status = interruption.summary, 143 if terminated else 130
        _terminal.complain(f"cblot blot: {interruption}")
    if target == "-":
        _terminal.say(result.to_json(), end="")
    elif not arguments.quiet:
        for path in result.outputs:
            _terminal.say_name(path)
    failed = result.count(_report.FAILED)
    if failed:
        made = len(result.outcomes) - failed
        _terminal.complain(f"cblot blot: {failed} failed, {made} chips are there")
    return status or (0 if result.ok else 1)


def _run_params(arguments: argparse.Namespace) -> int:
    text = _parameters.config_text(_parameters.settings_of(arguments.config, {}))
    if arguments.output is None:
        _terminal.say(text, end="")
    else:
        _replace.replace_text(Path(arguments.output), text, new=True)
    return 0


def _run_demo(arguments: argparse.Namespace) -> int:
    try:
        from cblot.demo.run import run

        run(arguments.outdir, arguments.seed)
    except ImportError as error:
        if (error.name or "").split(".")[0] not in ("drizzle", "matplotlib"):
            raise
        raise RuntimeError("it needs the demo extra: pip install 'cblot[demo]'") from error
    return 0


_COMMANDS = {"blot": _run_blot, "params": _run_params, "demo": _run_demo}


class _LowerCase(logging.Formatter):
    """Levels in lower case, as warnings of Python's kind have them here, and messages shown."""

    def format(self, record: logging.LogRecord) -> str:
        record = copy.copy(record)
        record.msg, record.args = _terminal.visible(record.getMessage()), None
        return super().format(record).replace(record.levelname, record.levelname.lower(), 1)


def _set_loudness(arguments: argparse.Namespace) -> None:
    verbose = getattr(arguments, "verbose", 0)
    level = {0: logging.WARNING, 1: logging.INFO}.get(verbose, logging.DEBUG)
    handler = logging.StreamHandler()
    handler.setFormatter(_LowerCase(f"cblot {arguments.command}: %(levelname)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    # On the handler: what is not shown is noted in a summary all the same.
    handler.setLevel(logging.ERROR if _quiet(arguments) else logging.NOTSET)
    logging.getLogger("cblot").setLevel(level)
    warnings.showwarning = lambda message, *_, **__: _terminal.complain(
        f"cblot {arguments.command}: warning: {_terminal.one_line(message)}"
    )
    warnings.simplefilter("ignore" if _quiet(arguments) else "default", UserWarning)


def _quiet(arguments: argparse.Namespace) -> bool:
    return bool(getattr(arguments, "quiet", False))


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process if not given.

    Returns
    -------
    int
        Exit status: 0, or 1 if the command failed, or one of many exposures did. 2 for wrong usage,
        130 after Ctrl-C, 143 after SIGTERM.
    """
    try:
        arguments = _arguments.parsed(sys.argv[1:] if argv is None else argv)
        command = f"cblot {arguments.command}"
        status = _run(arguments)
    except SystemExit as leaving:  # of the parser, which has said what there is to say
        command, status = "cblot", int(leaving.code or 0)
    except OSError as error:  # help that can't be written
        _terminal.complain(f"cblot: {error}")
        return 1
    return _terminal.ended(status, command)


def _run(arguments: argparse.Namespace) -> int:
    with warnings.catch_warnings(), _terminable():
        _set_loudness(arguments)
        try:
            return _COMMANDS[arguments.command](arguments)
        except _UsageError as error:
            _terminal.complain(f"cblot {arguments.command}: error: {_terminal.one_line(error)}")
            return 2
        except BrokenPipeError:
            # Whoever read the output has gone; nothing more is to be written to it.
            _terminal.let_go()
            return 1
        except (Exception, KeyboardInterrupt) as error:
            if getattr(arguments, "debug", False):
                _terminal.complain(traceback.format_exc().rstrip())
            else:
                what = _terminal.one_line(error) or type(error).__name__
                if type(error) is KeyboardInterrupt:
                    what = "interrupted"
                _terminal.complain(f"cblot {arguments.command}: {what}")
            if isinstance(error, KeyboardInterrupt):
                return 143 if isinstance(error, _Terminated) else 130
            return 1


if __name__ == "__main__":
    sys.exit(main())
