"""Builds ``tests.fuzz.fuzzer`` and ``tests.fuzz.impostor``, out of tree, under the sanitizers."""

from __future__ import annotations

from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup  # type: ignore[import-untyped]

HERE = Path(__file__).parent
FLAGS = ["-O0", "-g1", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-strict-aliasing"]

setup(
    script_args=["-q", "build_ext", "--build-lib", "build/sanitize/lib", "--build-temp", "build/sanitize/base"],
    ext_modules=cythonize(
        [Extension(f"tests.fuzz.{name}", [str(HERE / f"{name}.pyx")], extra_compile_args=FLAGS,
                   extra_link_args=["-fsanitize=address,undefined"]) for name in ("fuzzer", "impostor")],
        include_path=[".", str(HERE)],
        build_dir="build/sanitize",
        compiler_directives={"language_level": 3, "cdivision": True, "boundscheck": False, "wraparound": False},
    ),
)  # fmt: skip
