"""The rooms of the project, and who may enter which."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from benchmarks import rooms

ROOT = Path(__file__).resolve().parents[1]
CSRC = ROOT / "csrc"
SOURCES = sorted(p for p in CSRC.rglob("*.*") if p.suffix in {".h", ".hpp", ".cpp", ".def"})
CORE = [p for p in SOURCES if p.name != "bindings.cpp" and not p.name.startswith("python_")]
PUBLIC = [p for p in CORE if p.is_relative_to(CSRC / "include")]
# Made when the library is built.
GENERATED = {"cblot/version.hpp", "mapping_files.hpp"}


def room(path: Path) -> str:
    return path.relative_to(CSRC).as_posix()


def includes(path: Path) -> set[str]:
    return set(re.findall(r'# *include ["<]([^">]+)[">]', path.read_text()))


@cache
def reached(path: Path) -> frozenset[str]:
    """The files of csrc that one includes, and those that these do."""
    found: set[str] = set()
    for name in re.findall(r'# *include "([^"]+)"', path.read_text()):
        if name in GENERATED:
            continue
        file = next(p for at in (CSRC / "include", CSRC) if (p := at / name).exists())
        found |= {room(file)} | reached(file)
    return frozenset(found)


@pytest.mark.parametrize("path", CORE, ids=room)
def test_core_knows_no_python(path: Path) -> None:
    assert not {i for i in includes(path) if "pybind11" in i or "Python" in i or "numpy" in i}
    assert not {i for i in reached(path) if i.startswith("python_")}


@pytest.mark.parametrize("path", PUBLIC, ids=room)
def test_what_is_public_includes_what_is_public(path: Path) -> None:
    assert reached(path) <= {room(p) for p in PUBLIC}


def test_rooms_of_the_core() -> None:
    assert reached(CSRC / "interp.hpp") == {"simd.hpp"}
    weights = {"interp.hpp", "edge.hpp"}
    pixels = {"job.hpp", "locate.hpp", "sampler.hpp", "sink.hpp", "gain.hpp", "blot_tile.hpp"}
    for path in [*(CSRC / "mapping").rglob("*.hpp"), CSRC / "source_box.hpp"]:
        assert not reached(path) & (weights | pixels | {"dispatch.hpp"}), room(path)
    assert not reached(CSRC / "blot.cpp") & (weights | pixels - {"job.hpp"})


# Rooms of the package from the ground up: each may import those on floors below it.
FLOORS = (
    {"core", "forks", "remarks"},
    {"geometry", "photometry"},
    {"files", "resample"},
    {"demo", "tasks"},
    {"ablot", "cli", "distributed", "pars", "peers"},
    {"__init__", "__main__"},
)
# What is imported from one room alone.
ONLY_IN = {
    "cblot.core._core": {"core"},
    "astropy.io": {"files"},
    "fsspec": {"files"},
    "astropy.coordinates": {"geometry"},
    "astropy.extern": {"tasks"},
    "dask": {"tasks"},
    "distributed": {"tasks"},
    "tqdm": {"tasks"},
    "stsci": {"tasks"},
    "drizzle": {"demo"},
    "matplotlib": {"demo"},
    "pybind11": set[str](),
    "drizzlepac": set[str](),
    "stcal": set[str](),
    "reproject": set[str](),
    "scipy": set[str](),
}
# Rooms that know nothing of these.
NEVER = {
    "core": ("astropy", "stwcs"),
    "photometry": ("astropy", "stwcs"),
    "geometry": tuple(
        f"cblot.core.{module}" for module in ("annotated", "outputs", "region", "request", "source")
    ),  # never a pixel
    "remarks": ("astropy", "numpy"),
    "forks": ("astropy", "numpy"),
    "tasks": ("astropy.wcs", "astropy.io", "stwcs"),
    "peers": ("astropy", "stwcs"),
    "cli": ("astropy", "stwcs", "numpy"),
}


def is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def test_rooms_import_what_is_below() -> None:
    floor = {room: at for at, some in enumerate(FLOORS) for room in some}
    assert set(floor) == rooms.rooms()
    up = [f"{a} -> {b}" for a, b in sorted(rooms.arrows()) if floor[a] <= floor[b]]
    assert not up
    assert max(rooms.levels().values()) <= 6
    assert len(rooms.arrows()) <= 45


def test_what_only_one_room_imports() -> None:
    for path in rooms.files():
        room = rooms.room_of(path)
        for made in rooms.imports(path):
            for package, allowed in ONLY_IN.items():
                assert room in allowed or not is_in(made.name, package), made
            for package in NEVER.get(room, ()):
                foreign = is_in(made.name, package) and not is_in(made.name, "astropy.extern")
                assert not foreign, made


def test_ablot_holds_names_only() -> None:
    body = ast.parse((rooms.PACKAGE / "ablot" / "__init__.py").read_text()).body
    assert {type(node) for node in body} <= {ast.Expr, ast.ImportFrom, ast.Assign}
    assert [node.targets[0].id for node in body if isinstance(node, ast.Assign)] == ["__all__"]
