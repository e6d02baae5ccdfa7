"""The rooms of the project, and who may enter which."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from benchmarks import rooms

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "csrc").rglob("*.[ch]pp"))
CORE = [p for p in SOURCES if p.name != "bindings.cpp" and not p.name.startswith("python_")]


def includes(path: Path) -> set[str]:
    return set(re.findall(r'#include ["<]([^">]+)[">]', path.read_text()))


@pytest.mark.parametrize("path", CORE, ids=lambda p: p.name)
def test_core_knows_no_python(path: Path) -> None:
    assert not {i for i in includes(path) if "pybind11" in i or "Python" in i or "numpy" in i}


def test_rooms_of_the_core() -> None:
    private = {p.name for p in CORE if "include" not in p.parts}
    for path in CORE:
        if "include" in path.parts:
            assert not includes(path) & private, f"{path.name} is public"
    interp = ROOT / "csrc" / "interp.hpp"
    assert includes(interp) == {"simd.hpp"}
    weights_and_pixels = {"interp.hpp", "sampler.hpp", "locate.hpp", "blot_tile.hpp"}
    for path in (ROOT / "csrc" / "mapping").rglob("*.hpp"):
        assert not includes(path) & weights_and_pixels
    assert not includes(ROOT / "csrc" / "source_box.hpp") & weights_and_pixels
    assert not includes(ROOT / "csrc" / "blot.cpp") & weights_and_pixels


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
    "geometry": ("cblot.core.request",),  # never a pixel
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
