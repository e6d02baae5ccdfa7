"""The rooms of the project, and who may enter which."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "csrc").rglob("*.[ch]pp"))
CORE = [p for p in SOURCES if p.name != "bindings.cpp" and not p.name.startswith("python_")]
PACKAGE = sorted((ROOT / "python" / "cblot").rglob("*.py"))


def includes(path: Path) -> set[str]:
    return set(re.findall(r'#include ["<]([^">]+)[">]', path.read_text()))


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return found


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
    assert not includes(ROOT / "csrc" / "mapping.hpp") & {"sampler.hpp", "interp.hpp"}
    assert not includes(ROOT / "csrc" / "blot.cpp") & {"interp.hpp", "sampler.hpp", "mapping.hpp"}


# module -> what only it, or those listed, may import
ONLY = {
    "cblot._core": {
        "_build.py",
        "_calls.py",
        "_coefficients.py",
        "_mapping.py",
        "_nodes.py",
        "_pixels.py",
        "_resample.py",
        "_run.py",
    },
    "astropy.io.fits": {"_fits.py", "run.py", "geometry.py"},
    "astropy.io": {"_fits.py", "run.py", "geometry.py"},
    "astropy.wcs": {
        "_coefficients.py",
        "_grids.py",
        "_maps.py",
        "_scale.py",
        "_sky.py",
        "_wcs.py",
        "geometry.py",
        "run.py",
    },
    "astropy.extern": {"_parameters.py"},
    "cblot._fits": {
        "_astrodrizzle.py",
        "_batch.py",
        "_chips.py",
        "_headers.py",
        "_jobs.py",
        "_plan.py",
        "_resume.py",
        "_targets.py",
        "_tasks.py",
        "distributed.py",
    },
    "dask": {"_lazy.py", "distributed.py"},
    "distributed": {"_lazy.py", "distributed.py"},
    "fsspec": {"_fits.py"},
    "tqdm": {"_report.py"},
    "stsci": {"_teal.py"},
    "astropy.coordinates": {"_sky.py"},
    "stwcs": {"_grids.py", "_scale.py"},
}
# Rooms of pure functions, and of names.
PURE = {
    "_scaling.py": {"_arrays"},
    "_arrays.py": {"_images"},
    "_images.py": set(),
    "_maps.py": {"_arrays", "_scale"},
    "_nodes.py": {"_core", "_maps"},
    "_outputs.py": {"_windows"},
    "_remarks.py": set(),
    "_scale.py": set(),
    "_sky.py": set(),
    "_windows.py": {"_arrays", "_images"},
    "_names.py": set(),
    "_terminal.py": set(),
    "_forks.py": set(),
    "_quiet.py": set(),
    "ablot/__init__.py": {"_astrodrizzle", "_resample", "_tasks"},
    "_replace.py": set(),
}


@pytest.mark.parametrize("path", PACKAGE, ids=lambda p: p.name)
def test_rooms_of_the_package(path: Path) -> None:
    found = imports(path)
    for module, allowed in ONLY.items():
        if path.name not in allowed:
            assert not {i for i in found if i == module or i.startswith(module + ".")}
    for peer in ("drizzlepac", "stcal", "reproject", "scipy"):
        assert not {i for i in found if i.split(".")[0] == peer}
    name = path.relative_to(ROOT / "python" / "cblot").as_posix()
    if name in PURE:
        rooms = {i.split(".")[1] for i in found if i.startswith("cblot.")}
        assert rooms <= PURE[name]


def test_ablot_holds_names_only() -> None:
    body = ast.parse((ROOT / "python" / "cblot" / "ablot" / "__init__.py").read_text()).body
    assert {type(node) for node in body} <= {ast.Expr, ast.ImportFrom, ast.Assign}
    assert [node.targets[0].id for node in body if isinstance(node, ast.Assign)] == ["__all__"]


def test_files_are_short() -> None:
    tests = ROOT / "tests"
    for path in [*SOURCES, *PACKAGE, *tests.glob("*.py"), *tests.glob("cpp/*.[ch]pp")]:
        assert len(path.read_text().splitlines()) <= 500, path
