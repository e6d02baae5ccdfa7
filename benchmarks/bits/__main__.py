"""Hashes of results, to see that a change of the inside changes no bit of them.

``python -m benchmarks.bits --write FILE`` writes the hash (SHA-256 of type, shape and bytes) of
some 800 results, by their names; ``--check FILE`` prints every name whose hash differs, is
missing or is new, and then ends with 1. Only public names of cblot are used, so the same cases run
before and after; no more than a minute on one core.

Bits do not depend on the instruction set, so a FILE of one is good for all: run it once for each,
with ``CBLOT_ISA=baseline``, ``avx2``, ``avx512`` in the environment. Results of ``arrays`` depend
on IEEE arithmetic alone and are the same on any machine (``tests/recorded_bits.json``, made by
``--only arrays --write``); ``sky`` and ``files`` also on wcslib, the C library's sine, and versions
of astropy and NumPy: those compare on one machine, in one environment. NaN is NaN, whichever it is.
A case that fails is recorded as its error, and one whose package is not there as absent;
``--write`` ends with 1 then, for such a FILE checks little.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from .record import differences, is_hash, recorded

GROUPS = ("arrays", "sky", "files")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bits", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", type=Path, metavar="FILE")
    what.add_argument("--check", type=Path, metavar="FILE")
    parser.add_argument("--only", choices=GROUPS, action="append", help="groups; default: all")
    arguments = parser.parse_args(argv)
    logging.disable()  # what is logged is not what is recorded
    groups = arguments.only or GROUPS
    hashes: dict[str, str] = {}
    for group in groups:
        found = recorded(import_module(f"benchmarks.bits.{group}").cases())
        hashes.update({f"{group}/{name}": value for name, value in found.items()})
    if arguments.write:
        arguments.write.write_text(json.dumps(hashes, indent=1, sort_keys=True) + "\n")
        odd = [f"{name}: {value}" for name, value in hashes.items() if not is_hash(value)]
        print(*odd, f"{len(hashes)} results, {len(odd)} of them without a hash", sep="\n")
        return 1 if odd or not hashes else 0
    expected = json.loads(arguments.check.read_text())
    expected = {name: h for name, h in expected.items() if name.split("/")[0] in groups}
    lines = differences(hashes, expected)
    print(*lines, f"{len(hashes)} results, {len(lines)} not as in {arguments.check}", sep="\n")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
