"""The C++ and C library as a stranger uses it: built against what is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

import cblot
from conftest import ROOT

pytestmark = pytest.mark.slow


def run(*command: Any, cwd: Path | None = None, **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, text=True, capture_output=True, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def need(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"no {program} to build with")


def ask(option: str) -> str:
    return run(sys.executable, "-m", "cblot", option).strip()


def test_what_is_told_is_there() -> None:
    assert ask("--includes") == f"-I{cblot.get_include()}"
    assert ask("--cmakedir") == cblot.get_cmake_dir()
    assert (Path(cblot.get_include()) / "cblot" / "blot.hpp").is_file()
    assert (Path(cblot.get_include()) / "cblot" / "blot.h").is_file()
    assert (Path(cblot.get_cmake_dir()) / "cblotConfig.cmake").is_file()


def test_one_version() -> None:
    assert f"project(cblot VERSION {cblot.__version__} " in (ROOT / "CMakeLists.txt").read_text()


def test_cpp_example_gives_do_blots_bits(data_dir: Path, tmp_path: Path) -> None:
    need("cmake", "c++", "pkg-config")
    if subprocess.run(["pkg-config", "--exists", "cfitsio", "wcslib"], check=False).returncode:
        pytest.skip("no CFITSIO and wcslib; on Debian: libcfitsio-dev, wcslib-dev")
    shutil.copytree(ROOT / "examples" / "cpp", tmp_path / "cpp")
    run("cmake", f"-Dcblot_DIR={ask('--cmakedir')}", "-S", tmp_path / "cpp", "-B", tmp_path / "b")
    run("cmake", "--build", tmp_path / "b")
    clean, exposure = data_dir / "hrc_47tuc_drz.fits", data_dir / "hrc_47tuc_flt.fits"
    program, out = tmp_path / "b" / "blot_fits", tmp_path / "out.fits"
    text = run(program, f"{clean}[1]", f"{exposure}[1]", out, "60.0")
    assert text == f"cblot {cblot.__version__}: 1048576 of 1048576 pixels are covered\n"
    with warnings.catch_warnings(), fits.open(clean) as source, fits.open(exposure) as chip:
        warnings.simplefilter("ignore")
        pixels, wcs = source[1].data, (WCS(source[1].header), WCS(chip[1].header))
    np.testing.assert_array_equal(fits.getdata(out), cblot.do_blot(pixels, *wcs, 60.0))
    done = subprocess.run(
        [program, "no.fits", "no.fits", out, "1"], capture_output=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith(b"blot_fits: no.fits: ")


def test_c_example(tmp_path: Path) -> None:
    need("make", "cc", "pkg-config")
    shutil.copytree(ROOT / "examples" / "c", tmp_path / "c")
    packages = Path(cblot.get_cmake_dir()).parents[1] / "pkgconfig"
    run("make", cwd=tmp_path / "c", PKG_CONFIG_PATH=str(packages))
    text = run(tmp_path / "c" / "blot_shift", "30", "2.5", "-1.25", tmp_path / "out.pgm")
    assert text.startswith(f"cblot {cblot.__version__}: ")
    picture = (tmp_path / "out.pgm").read_bytes()
    assert len(picture) == len(b"P5\n256 256\n255\n") + 256 * 256
    pixels = np.frombuffer(picture[-65536:], np.uint8).reshape(256, 256)
    # The same through Python.
    j, i = np.mgrid[:256, :256].astype(float)
    r = np.hypot(i - 128.0, j - 100.0)
    source = (100 + 80 * np.cos(r / 6) + (i // 16 + j // 16) % 2 * 50).astype("f4")
    u, v = i - 127.5 - 2.5, j - 127.5 + 1.25
    c, s = np.cos(np.radians(30)), np.sin(np.radians(30))
    pixmap = np.stack([c * u + s * v + 127.5, -s * u + c * v + 127.5], axis=-1)
    expected = np.clip(cblot.blot_image(source, pixmap, interp="lanczos3"), 0, 255)
    np.testing.assert_allclose(pixels, expected, rtol=0, atol=0.51)


PROGRAM = """
#include <cblot/blot.hpp>
#include <cstdio>
int main() { std::puts(cblot::version()); return cblot::kernel_names().empty() ? 1 : 0; }
"""


def test_flags_of_the_command_line(tmp_path: Path) -> None:
    need("c++")
    (tmp_path / "main.cpp").write_text(PROGRAM)
    flags = ask("--includes").split(), ask("--libs").split()
    run("c++", "-std=c++17", *flags[0], "main.cpp", "-o", "main", *flags[1], cwd=tmp_path)
    assert run(tmp_path / "main").strip() == cblot.__version__


@pytest.mark.parametrize("shared", ["OFF", "ON"])
def test_install_without_python(tmp_path: Path, shared: str) -> None:
    """CMake's own install, static and shared, found by CMake and by pkg-config."""
    need("cmake", "c++", "pkg-config")
    build, prefix = tmp_path / "build", tmp_path / "prefix"
    run("cmake", "-S", ROOT, "-B", build, f"-DBUILD_SHARED_LIBS={shared}",
        f"-DCMAKE_INSTALL_PREFIX={prefix}", "-DCMAKE_BUILD_TYPE=Debug")  # fmt: skip
    run("cmake", "--build", build, "-j", "2")
    run("cmake", "--install", build)
    (tmp_path / "main.cpp").write_text(PROGRAM)
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.18)\nproject(stranger LANGUAGES CXX)\n"
        "find_package(cblot 0.1 REQUIRED)\nadd_executable(stranger main.cpp)\n"
        "target_link_libraries(stranger PRIVATE cblot::cblot)\n"
    )
    run("cmake", "-S", tmp_path, "-B", tmp_path / "s", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", tmp_path / "s")
    assert run(tmp_path / "s" / "stranger").strip() == cblot.__version__
    (packages,) = prefix.rglob("cblot.pc")
    asked = {"PKG_CONFIG_PATH": str(packages.parent)}
    flags = run("pkg-config", "--cflags", "--libs", "cblot", **asked).split()
    run("c++", "-std=c++17", "main.cpp", "-o", "main", *flags, cwd=tmp_path)
    library = str(packages.parents[1])
    assert run(tmp_path / "main", LD_LIBRARY_PATH=library).strip() == cblot.__version__


def test_a_program_in_c_by_cmake(tmp_path: Path) -> None:
    need("cmake", "cc")
    shutil.copy(ROOT / "tests" / "cpp" / "c_header.c", tmp_path / "main.c")
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.18)\nproject(stranger LANGUAGES C)\n"
        "find_package(cblot REQUIRED)\nadd_executable(stranger main.c)\n"
        "target_link_libraries(stranger PRIVATE cblot::cblot)\n"
    )
    run("cmake", "-S", tmp_path, "-B", tmp_path / "b", f"-Dcblot_DIR={ask('--cmakedir')}")
    run("cmake", "--build", tmp_path / "b")
    run(tmp_path / "b" / "stranger")


def test_add_subdirectory(tmp_path: Path) -> None:
    need("cmake", "c++")
    (tmp_path / "main.cpp").write_text(PROGRAM)
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.18)\nproject(host LANGUAGES CXX)\n"
        f"add_subdirectory({ROOT} cblot)\nadd_executable(host main.cpp)\n"
        "target_link_libraries(host PRIVATE cblot::cblot)\n"
    )
    # SKBUILD is what a host that is a Python package of its own has set.
    run("cmake", "-S", tmp_path, "-B", tmp_path / "b", "-DCMAKE_BUILD_TYPE=Debug", "-DSKBUILD=2")
    run("cmake", "--build", tmp_path / "b", "-j", "2")
    assert run(tmp_path / "b" / "host").strip() == cblot.__version__
