"""Options and arguments of the command line."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from cblot.cli import terminal
from cblot.core import machine
from cblot.core.shown import visible

# Name of the summary in a folder of outputs.
SUMMARY = "cblot_summary.json"
# Parameters that are no options.
POSITIONAL = ("data", "reference", "outdata")
_NEGATIVE = re.compile(r"-\.?\d[\d.]*(?:[eE][-+]?\d+)?")


def _seed(text: str) -> int:
    seed = int(text)
    if seed < 0:
        raise ValueError(text)
    return seed


def _count(text: str) -> int:
    return machine.count(int(text), "N")


_count.__name__ = "number"
_seed.__name__ = "seed"  # argparse's message names it


class _Print(argparse.Action):
    """Print a line and leave."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        terminal.say(self.const)
        parser.exit()


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are shown as they may be."""

    def error(self, message: str) -> NoReturn:
        super().error(visible(message))

    def _print_message(self, message: str, file: Any = None) -> None:
        if file is sys.stdout:
            terminal.say(message, end="")
        else:
            terminal.complain(message.rstrip("\n"))


class _Intermixed(_Parser):
    """A parser that takes options between positional arguments."""

    # Adds options that take long to be known, when it is the turn of this parser.
    add_later: Callable[[argparse.ArgumentParser], None] | None = None
    _inside = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if self._inside:
            return super().parse_known_args(args, namespace)
        if self.add_later is not None:
            add, self.add_later = self.add_later, None
            add(self)
        self._inside = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._inside = False


class _Version(argparse.Action):
    """Print the versions of all that has a part in the result."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        try:
            info = machine.build_info()
        except ValueError as error:
            parser.error(str(error))
        libraries = ", ".join(f"{name} {version(name)}" for name in ("numpy", "astropy", "stwcs"))
        python = ".".join(str(part) for part in sys.version_info[:3])
        terminal.say(
            f"cblot {version('cblot')}\ninstruction set {info['isa']} of "
            f"{', '.join(info['available'])}; compiled by {info['compiler']}\n"
            f"Python {python}, {libraries}"
        )
        parser.exit()


def _add_parameters(parser: argparse.ArgumentParser) -> None:
    """One option a parameter; those not given are absent, so that a configuration's count."""
    from cblot.tasks import parameters  # and astropy, whose parser reads their table

    groups: dict[str, Any] = {}
    for row in parameters.table().values():
        if row.name in POSITIONAL:
            continue
        title = row.section or "Parameters"
        group = groups.setdefault(title, None) or parser.add_argument_group(title.lower())
        groups[title] = group
        names = [f"--{row.name.replace('_', '-')}"]
        names += [f"--{alias}" for alias, name in parameters.ALIASES.items() if name == row.name]
        default = "" if row.default is None else f" (default: {_shown(row.default)})"
        text = (row.comment + default).replace("%", "%%")
        if row.kind == "boolean":
            action = argparse.BooleanOptionalAction
            group.add_argument(
                *names, dest=row.name, action=action, default=argparse.SUPPRESS, help=text
            )
        else:
            metavar = "NAME" if row.kind in ("option", "string") else "N"
            if row.choices:
                text = f"{text}: {', '.join(row.choices)}"
            group.add_argument(
                *names, dest=row.name, metavar=metavar, default=argparse.SUPPRESS, help=text
            )


def _shown(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="cblot", description="Resample clean images onto the pixels of distorted exposures."
    )
    parser.add_argument(
        "--version", action=_Version, nargs=0, help="show versions and the instruction set"
    )
    for option, line, text in (
        ("--includes", f"-I{machine.get_include()}", "flag for a C or C++ compiler"),
        ("--libs", machine.linker_flags(), "flags for its linker"),
        ("--cmakedir", machine.get_cmake_dir(), "folder for CMake's cblot_DIR"),
    ):
        parser.add_argument(option, action=_Print, nargs=0, const=line, help=f"print the {text}")
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="command", parser_class=_Intermixed
    )

    blot = commands.add_parser(
        "blot",
        help="blot a clean image in a file onto exposures",
        usage="cblot blot [options] DATA REFERENCE [REFERENCE ...] -o OUT",
        description="Blot a clean image onto every chip of the exposures, and write one FITS image "
        "for each. Names of files may end in an extension in brackets, such as [sci,1]; then it is "
        "that chip alone.",
        epilog="Example: cblot blot med.fits 'j8c0d1bwq_flc.fits[sci,1]' -o blot.fits. Exit "
        "status: 0; 1 if something failed, an exposure among many, say; 2 for wrong usage; 130 "
        "after Ctrl-C, 143 after SIGTERM.",
    )
    blot.add_argument(
        "files",
        metavar="FILE",
        nargs="*",
        help="DATA, the clean image: a median, or a drizzled mosaic; then each REFERENCE, an "
        "exposure to re-create (default: those of --config)",
    )
    blot.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="file to write; a folder, made if need be, for more than one chip or with a slash at "
        "its end; in it, names are as exposure_flt_sci1_blt.fits",
    )
    blot.add_argument("--config", metavar="FILE", help="parameters in a .cfg file; options win")
    many = blot.add_argument_group("for a folder of outputs")
    many.add_argument(
        "-j",
        "--jobs",
        type=_count,
        metavar="N",
        help="chips at work at once (default: one a processor)",
    )
    many.add_argument(
        "--resume",
        action="store_true",
        help="skip chips whose output is whole and was made of the same files (by name, size and "
        "time of change) with the same parameters",
    )
    many.add_argument(
        "--summary",
        metavar="FILE",
        help=f"what became of every chip, as JSON; - prints it (default: {SUMMARY} in the folder, "
        "where it is that of the last run)",
    )
    many.add_argument(
        "--progress",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="a bar, which takes tqdm, or a line for every chip (default: a bar on a terminal)",
    )
    loudness = blot.add_mutually_exclusive_group()
    loudness.add_argument(
        "-v", "--verbose", action="count", default=0, help="say more; -vv all there is"
    )
    loudness.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")
    blot.add_argument("--debug", action="store_true", help="show the traceback of an error")
    blot.add_later = _add_parameters

    params = commands.add_parser(
        "params",
        help="print the parameters, or write a .cfg file of them",
        description="Print a .cfg file with all parameters, their defaults and what they mean.",
    )
    params.add_argument("-o", "--output", metavar="FILE", help="file to write, which must be new")
    params.add_argument("--config", metavar="FILE", help="show the values of this .cfg file")

    demo = commands.add_parser(
        "demo",
        help="find cosmic rays in four synthetic exposures",
        description="Make four exposures as of ACS/WFC, drizzle them, take the median, blot it "
        "back, and flag the cosmic rays; write FITS files and a picture.",
    )
    demo.add_argument(
        "-o",
        "--outdir",
        type=Path,
        default=Path("cblot-demo"),
        help="directory to write in (default: %(default)s)",
    )
    demo.add_argument(
        "--seed", type=_seed, default=1, help="seed of the random numbers (default: %(default)s)"
    )
    return parser


def _joined(argv: Sequence[str]) -> list[str]:
    """Arguments with negative numbers joined to the option before: argparse misses -1e-3."""
    joined: list[str] = []
    for argument in argv:
        if joined and joined[-1].startswith("--") and _NEGATIVE.fullmatch(argument):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def parsed(argv: Sequence[str]) -> argparse.Namespace:
    """Options and arguments; what comes after ``--`` is no option.

    Raises
    ------
    SystemExit
        For those that can't be, and where there is no more to do.
    """
    given, parser = list(argv), _parser()
    end = given.index("--") if "--" in given else len(given)
    found, names = parser.parse_args(_joined(given[:end])), given[end + 1 :]
    if names and not hasattr(found, "files"):
        parser.error(f"unrecognized arguments: {' '.join(names)}")
    if names:
        found.files = [*found.files, *names]
    return found
