"""The command line: ``cblot blot``, ``cblot params``, ``cblot demo``."""

from __future__ import annotations

import argparse
import logging
import os
import re
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cblot import _batch, _build, _names, _parameters, _replace, _report, _tasks, build_info

# Name of the summary in a folder of outputs.
SUMMARY = "cblot_summary.json"
_POSITIONAL = ("data", "reference", "outdata")
_NEGATIVE = re.compile(r"-\.?\d[\d.]*(?:[eE][-+]?\d+)?")


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


def _seed(text: str) -> int:
    seed = int(text)
    if seed < 0:
        raise ValueError(text)
    return seed


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise ValueError(text)
    return count


_count.__name__ = "number"
_seed.__name__ = "seed"  # argparse's message names it


class _Print(argparse.Action):
    """Print a line and leave."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        print(self.const)
        parser.exit()


class _Intermixed(argparse.ArgumentParser):
    """A parser that takes options between positional arguments."""

    _inside = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if self._inside:
            return super().parse_known_args(args, namespace)
        self._inside = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._inside = False


class _Version(argparse.Action):
    """Print the versions of all that has a part in the result."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        try:
            info = build_info()
        except ValueError as error:
            parser.error(str(error))
        libraries = ", ".join(f"{name} {version(name)}" for name in ("numpy", "astropy", "stwcs"))
        python = ".".join(str(part) for part in sys.version_info[:3])
        print(
            f"cblot {version('cblot')}\ninstruction set {info['isa']} of "
            f"{', '.join(info['available'])}; compiled by {info['compiler']}\n"
            f"Python {python}, {libraries}"
        )
        parser.exit()


def _add_parameters(parser: argparse.ArgumentParser) -> None:
    """One option a parameter; those not given are absent, so that a configuration's count."""
    groups: dict[str, Any] = {}
    for row in _parameters.table().values():
        if row.name in _POSITIONAL:
            continue
        title = row.section or "Parameters"
        group = groups.setdefault(title, None) or parser.add_argument_group(title.lower())
        groups[title] = group
        names = [f"--{row.name.replace('_', '-')}"]
        names += [f"--{alias}" for alias, name in _parameters.ALIASES.items() if name == row.name]
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
    parser = argparse.ArgumentParser(
        prog="cblot", description="Resample clean images onto the pixels of distorted exposures."
    )
    parser.add_argument(
        "--version", action=_Version, nargs=0, help="show versions and the instruction set"
    )
    for option, line, text in (
        ("--includes", f"-I{_build.get_include()}", "flag for a C or C++ compiler"),
        ("--libs", _build.linker_flags(), "flags for its linker"),
        ("--cmakedir", _build.get_cmake_dir(), "folder for CMake's cblot_DIR"),
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
        "where Ctrl-C ended many exposures, 143 after SIGTERM.",
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
    _add_parameters(blot)

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


def _run_blot(arguments: argparse.Namespace) -> int:
    overrides = {
        name: value for name, value in vars(arguments).items()
        if name in _parameters.table() and name not in _POSITIONAL
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
            print(path)
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
    given = {name: value for name, value in settings.items() if name not in _POSITIONAL}
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
        print(f"cblot blot: {interruption}", file=sys.stderr)
    if target == "-":
        print(result.to_json(), end="")
    elif not arguments.quiet:
        for path in result.outputs:
            print(path)
    failed = result.count(_report.FAILED)
    if failed:
        made = len(result.outcomes) - failed
        print(f"cblot blot: {failed} failed, {made} chips are there", file=sys.stderr)
    return status or (0 if result.ok else 1)


def _run_params(arguments: argparse.Namespace) -> int:
    text = _parameters.config_text(_parameters.settings_of(arguments.config, {}))
    if arguments.output is None:
        print(text, end="")
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
    """Levels in lower case, as warnings of Python's kind have them here."""

    def format(self, record: logging.LogRecord) -> str:
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
    warnings.showwarning = lambda message, *_, **__: print(
        f"cblot {arguments.command}: warning: {_one_line(message)}", file=sys.stderr
    )
    warnings.simplefilter("ignore" if _quiet(arguments) else "default", UserWarning)


def _quiet(arguments: argparse.Namespace) -> bool:
    return bool(getattr(arguments, "quiet", False))


def _one_line(message: object) -> str:
    return " ".join(str(message).split())


def _joined(argv: Sequence[str]) -> list[str]:
    """Arguments with negative numbers joined to the option before: argparse misses -1e-3."""
    joined: list[str] = []
    for argument in argv:
        if joined and joined[-1].startswith("--") and _NEGATIVE.fullmatch(argument):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


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
        130 where Ctrl-C ended many exposures, 143 after SIGTERM.
    """
    arguments = _parser().parse_args(_joined(sys.argv[1:] if argv is None else argv))
    with warnings.catch_warnings(), _terminable():
        _set_loudness(arguments)
        try:
            return _COMMANDS[arguments.command](arguments)
        except _UsageError as error:
            print(f"cblot {arguments.command}: error: {_one_line(error)}", file=sys.stderr)
            return 2
        except BrokenPipeError:
            # Whoever read the output has gone; nothing more is to be written to it.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except (Exception, KeyboardInterrupt) as error:
            if getattr(arguments, "debug", False):
                traceback.print_exc()
            else:
                what = _one_line(error) or type(error).__name__
                print(f"cblot {arguments.command}: {what}", file=sys.stderr)
            return 143 if isinstance(error, _Terminated) else 1


if __name__ == "__main__":
    sys.exit(main())
