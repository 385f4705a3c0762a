"""Builds every ``ext/**/*.pyx`` as the module of the same place under ``tunnel/``.

A new native module needs no registration: ``ext/a/b.pyx`` becomes ``tunnel.a.b``.
``TUNNEL_SANITIZE=1`` builds with the address and undefined-behaviour sanitizers.
``TUNNEL_EXTENSIONS=no`` installs metadata and scripts alone: an editable install would compile
everything in a folder of its own, from which nothing can be rebuilt in part.
"""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

SOURCES = sorted(Path("ext").rglob("*.pyx")) if os.environ.get("TUNNEL_EXTENSIONS") != "no" else []
SANITIZE = bool(os.environ.get("TUNNEL_SANITIZE"))
FLAGS = (
    ["-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined"]
    if SANITIZE
    else ["-O3", "-fno-semantic-interposition"]
)
DIRECTIVES = {
    "language_level": 3,
    "auto_pickle": False,
    "autotestdict": False,
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "embedsignature": False,
}


def extension(source: Path) -> Extension:
    """The extension that one ``.pyx`` builds."""
    name = ".".join(("tunnel", *source.with_suffix("").parts[1:]))
    return Extension(
        name,
        [str(source)],
        include_dirs=["ext"],
        libraries=["crypto"] if "_libcrypto" in source.read_text() else [],
        extra_compile_args=[*FLAGS, "-fno-strict-aliasing", "-Wno-unused-function", "-Wno-sign-compare"],
        extra_link_args=["-fsanitize=address,undefined"] if SANITIZE else [],
    )


setup(
    ext_modules=cythonize(
        [extension(source) for source in SOURCES],
        include_path=[".", "ext"],
        build_dir="build/sanitize" if SANITIZE else "build",
        compiler_directives=DIRECTIVES,
        nthreads=os.cpu_count() or 1,
        show_all_warnings=False,
    )
)
