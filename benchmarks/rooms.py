"""The house: which room of the package imports which, in how many levels; and files that are long.

``python -m benchmarks.rooms`` draws it. A room is a file or a folder at the top of the package. An
import in a function counts, and so does what a door hands out when it is asked for; what is only
for type checkers does not, but for such doors.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "python" / "cblot"
# Lines of a file above which it may well hold two kinds of knowledge.
LONG = 500


class Import(NamedTuple):
    """One import: the file, its line, what is imported (dotted), and whether only for checkers."""

    path: Path
    line: int
    name: str
    checkers: bool


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def _walk(node: ast.AST, checkers: bool) -> Iterator[tuple[ast.AST, bool]]:
    yield node, checkers
    for child in ast.iter_child_nodes(node):
        inside = (
            isinstance(node, ast.If)
            and "TYPE_CHECKING" in ast.unparse(node.test)
            and child in node.body
        )
        yield from _walk(child, checkers or inside)


def imports(path: Path) -> Iterator[Import]:
    """All imports of a file, those in functions among them."""
    for node, checkers in _walk(ast.parse(path.read_text()), False):
        for name in _names(node):
            yield Import(path, node.lineno, name, checkers)


def room_of(path: Path) -> str:
    """Room that a file of the package is in."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def files() -> list[Path]:
    """All files of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def rooms() -> set[str]:
    """All rooms."""
    return {room_of(path) for path in files()}


def arrows() -> set[tuple[str, str]]:
    """Pairs of rooms of which the first imports the second."""
    found = set()
    for path in files():
        doors = path.name == "__init__.py"  # what checkers see there is handed out
        for made in imports(path):
            first, *rest = made.name.split(".")
            if first != "cblot" or not rest or (made.checkers and not doors):
                continue
            if rest[0] in rooms() and rest[0] != room_of(path):
                found.add((room_of(path), rest[0]))
    return found


def levels() -> dict[str, int]:
    """Level of each room: 1 of those that import none, else one above the highest it imports.

    Raises
    ------
    RecursionError
        If they import each other in a ring.
    """
    below = arrows()

    @cache
    def level(room: str) -> int:
        return 1 + max((level(b) for a, b in below if a == room), default=0)

    return {room: level(room) for room in rooms()}


def long_files() -> list[tuple[int, Path]]:
    """Sources and tests that are long."""
    found = [*files()]
    for pattern in ("csrc/**/*.[ch]pp", "tests/*.py", "tests/cpp/*.[ch]pp", "benchmarks/**/*.py"):
        found += ROOT.glob(pattern)
    counted = [(len(path.read_text().splitlines()), path) for path in found]
    return sorted((lines, path) for lines, path in counted if lines > LONG)


def main() -> int:
    """Print the rooms by level, or remark on long files."""
    parser = argparse.ArgumentParser(prog="benchmarks.rooms", description=__doc__)
    parser.add_argument("--long", action="store_true", help="only remark on files that are long")
    arguments = parser.parse_args()
    for lines, path in long_files():
        print(f"{path.relative_to(ROOT)}: {lines} lines: are they one kind of knowledge?")
    if arguments.long:
        return 0
    found, below = levels(), arrows()
    for level in sorted(set(found.values()), reverse=True):
        for room in sorted(room for room, at in found.items() if at == level):
            print(f"{level}  {room:12} {' '.join(sorted(b for a, b in below if a == room))}")
    print(f"{len(found)} rooms, {max(found.values())} levels, {len(below)} arrows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
