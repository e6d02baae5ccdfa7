"""The commands, and how they end."""

from __future__ import annotations

import argparse
import copy
import logging
import sys
import traceback
import warnings
from collections.abc import Sequence
from importlib import import_module

from cblot.cli import terminal
from cblot.cli.arguments import parsed
from cblot.cli.status import Terminated, UsageError, terminable
from cblot.core.shown import one_line, visible

# The commands, by the modules that have them: no more is imported than is asked for.
_MODULES = {"blot": "blot", "params": "blot", "demo": "demo"}


class _LowerCase(logging.Formatter):
    """Levels in lower case, as warnings of Python's kind have them here, and messages shown."""

    def format(self, record: logging.LogRecord) -> str:
        record = copy.copy(record)
        record.msg, record.args = visible(record.getMessage()), None
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
    warnings.showwarning = lambda message, *_, **__: terminal.complain(
        f"cblot {arguments.command}: warning: {one_line(message)}"
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
        arguments = parsed(sys.argv[1:] if argv is None else argv)
        command = f"cblot {arguments.command}"
        status = _run(arguments)
    except SystemExit as leaving:  # of the parser, which has said what there is to say
        command, status = "cblot", int(leaving.code or 0)
    except OSError as error:  # help that can't be written
        terminal.complain(f"cblot: {error}")
        return 1
    except KeyboardInterrupt:  # while modules are imported
        terminal.complain("cblot: interrupted")
        return 130
    return terminal.ended(status, command)


def _run(arguments: argparse.Namespace) -> int:
    # Before warnings are shown as they are here: astropy, when imported, shows its own in its way.
    module = import_module(f"cblot.cli.{_MODULES[arguments.command]}")
    with warnings.catch_warnings(), terminable():
        _set_loudness(arguments)
        try:
            return int(getattr(module, f"run_{arguments.command}")(arguments))
        except UsageError as error:
            terminal.complain(f"cblot {arguments.command}: error: {one_line(error)}")
            return 2
        except BrokenPipeError:
            # Whoever read the output has gone; nothing more is to be written to it.
            terminal.let_go()
            return 1
        except (Exception, KeyboardInterrupt) as error:
            if getattr(arguments, "debug", False):
                terminal.complain(traceback.format_exc().rstrip())
            else:
                what = one_line(error) or type(error).__name__
                if type(error) is KeyboardInterrupt:
                    what = "interrupted"
                terminal.complain(f"cblot {arguments.command}: {what}")
            if isinstance(error, KeyboardInterrupt):
                return 143 if isinstance(error, Terminated) else 130
            return 1
