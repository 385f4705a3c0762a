"""``python -m bench.tools.extension SOURCE.pyx FOLDER``: builds a Cython plugin as its own users would."""

from __future__ import annotations

import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

import tunnel

source, folder = map(Path, sys.argv[1:])
setup(
    script_args=["-q", "build_ext", "--build-lib", str(folder), "--build-temp", str(folder / "objects")],
    ext_modules=cythonize(  # type: ignore[no-untyped-call]
        [Extension(source.stem, [str(source)], extra_compile_args=["-O2"])],
        include_path=[tunnel.get_include()],
        build_dir=str(folder / "sources"),
        compiler_directives={"language_level": 3},
        quiet=True,
    ),
)
