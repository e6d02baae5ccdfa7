"""What is imported when: no astropy before a WCS or a file is touched. And the way to the core."""

from __future__ import annotations

import ast
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from benchmarks import rooms

import cblot
import task_files as files
from cblot.core import _core

# Those that a line imports, of what takes long to be imported.
LOADED = "import sys; print(*sorted({'astropy', 'stwcs', 'numpy', 'dask'} & set(sys.modules)))"
BLOT_IMAGE = (
    "import cblot, numpy as np; cblot.blot_image(np.ones((9, 9)), np.zeros((3, 3, 2)), threads=1)"
)


def output(*arguments: Any) -> list[str]:
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "loaded"),
    [
        ("import cblot", []),
        ("import cblot; cblot.build_info(), cblot.interpolants(), cblot.get_include()", []),
        ("import cblot; dir(cblot)", []),
        ("from cblot.cli.run import main; main(['--version'])", []),
        ("import cblot; cblot.blot_image", ["numpy"]),
        (BLOT_IMAGE, ["numpy"]),
        ("import cblot; cblot.tblot", ["numpy"]),
        ("import cblot; cblot.Mapping", ["numpy"]),
        ("import cblot; cblot.do_blot(None, None, None, 1)", ["numpy"]),
    ],
)
def test_no_astropy_before_it_is_needed(line: str, loaded: list[str]) -> None:
    code = (
        f"try:\n    {line}\nexcept (TypeError, SystemExit):\n    pass\nprint('loaded:')\n{LOADED}"
    )
    printed = output("-c", code)
    assert printed[printed.index("loaded:") + 1 :] == loaded


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_no_astropy_for_the_command_line_alone(option: str) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "cblot", option],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    modules = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert not {name for name in modules if name.split(".")[0] in ("astropy", "stwcs", "numpy")}


def test_names_of_the_package() -> None:
    code = """
import cblot
names = [name for name in cblot.__all__ if not hasattr(cblot, name)]
from cblot import *
assert blot_image is cblot.blot_image and ablot is cblot.ablot
assert set(dir(cblot)) == {*cblot.__all__, "getHelpAsString", "run"}  # the two that teal calls
import cblot.ablot, cblot.distributed, cblot.demo, cblot.pars
try:
    cblot.no_such_name
except AttributeError as error:
    print(error)
print(names)
"""
    told = "module 'cblot' has no attribute 'no_such_name' []"
    assert " ".join(output("-c", code)) == told


@pytest.mark.parametrize("package", ["", "geometry", "pars/ablot"])
def test_names_that_a_package_hands_out(package: str) -> None:
    """Those for type checkers, those that are imported when asked for, and those of ``__all__``."""
    text = (rooms.PACKAGE / package / "__init__.py").read_text()
    seen: set[tuple[str, str]] = set()
    handed: set[tuple[str, str]] = set()
    own, given = set(), None
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for made in node.body:
                assert isinstance(made, ast.ImportFrom)
                assert made.module
                seen |= {(made.module, alias.name) for alias in made.names}
            for made in ast.walk(node.orelse[0]):
                if isinstance(made, ast.Dict):
                    doors = ast.literal_eval(made)
                    handed = {
                        (f"cblot.{module}" if names else "cblot", name)
                        for module, names in doors.items() for name in names or [module]
                    }  # fmt: skip
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            given = set(ast.literal_eval(node.value))
        elif isinstance(node, ast.ImportFrom) and node.module == "cblot.core.machine":
            own = {alias.name for alias in node.names}
    assert seen == handed
    assert handed
    if given is not None:
        for_teal = {"getHelpAsString", "run"} if not package else set()
        assert given == {name for _, name in handed} - for_teal | own


@pytest.mark.parametrize(
    "name", ["Mapping", "WCSMap", "IdentityMap", "LinearMap", "do_blot", "blot", "blot_exposures"]
)
def test_what_is_public_can_be_pickled(name: str) -> None:
    assert pickle.loads(pickle.dumps(getattr(cblot, name))) is getattr(cblot, name)


def test_frames_from_the_task_to_the_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five of cblot's own: none of them only passes on what it is given."""
    data = files.write_data(tmp_path / "med.fits")
    reference = files.write_reference(tmp_path / "flt.fits", chips=1)
    blot, found = _core.blot, []

    def recorded(*arguments: Any, **options: Any) -> int:
        frame: Any = sys._getframe(1)
        while frame.f_globals["__name__"].startswith("cblot."):
            found.insert(0, f"{frame.f_globals['__name__']}.{frame.f_code.co_name}")
            frame = frame.f_back
        return blot(*arguments, **options)

    monkeypatch.setattr(_core, "blot", recorded)
    cblot.blot(data, reference, tmp_path / "out.fits")
    assert found == [
        "cblot.tasks.blot.blot",
        "cblot.tasks.blot.blot_chips",
        "cblot.tasks.chip.make",
        "cblot.tasks.chip.blotted",
        "cblot.core.request.run",
    ]
