"""The command line: ``cblot demo``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def _seed(text: str) -> int:
    seed = int(text)
    if seed < 0:
        raise ValueError(text)
    return seed


_seed.__name__ = "seed"  # argparse's message names it


def _parser() -> argparse.ArgumentParser:
    from cblot import __version__

    parser = argparse.ArgumentParser(
        prog="cblot", description="Resample clean images onto the pixels of distorted exposures."
    )
    parser.add_argument("--version", action="version", version=f"cblot {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
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


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process if not given.

    Returns
    -------
    int
        Exit status: 0, or 1 if the command failed. Wrong usage leaves with status 2.
    """
    arguments = _parser().parse_args(argv)
    try:
        from cblot.demo.run import run

        run(arguments.outdir, arguments.seed)
    except ImportError as error:
        if (error.name or "").split(".")[0] not in ("drizzle", "matplotlib"):
            raise
        print("cblot demo needs the demo extra: pip install 'cblot[demo]'", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"cblot demo: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
