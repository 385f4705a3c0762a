"""Builds every ``ext/**/*.pyx`` as the module of the same place under ``tunnel/``.

A new native module needs no registration: ``ext/a/b.pyx`` becomes ``tunnel.a.b``.
``TUNNEL_BUILD`` is ``release``, or ``quick`` (less optimized, for one run of the tests), or ``sanitize``
(with the address and undefined-behaviour sanitizers). All compile the same C sources.
``TUNNEL_EXTENSIONS=no`` installs metadata and scripts alone: an editable install would compile
everything in a folder of its own, from which nothing can be rebuilt in part.
"""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

SOURCES = sorted(Path("ext").rglob("*.pyx")) if os.environ.get("TUNNEL_EXTENSIONS") != "no" else []
SANITIZERS = "-fsanitize=address,undefined"
KINDS = {
    "release": ["-O3", "-fno-semantic-interposition"],
    "quick": ["-O1", "-g0"],
    "sanitize": ["-O0", "-g1", "-fno-omit-frame-pointer", SANITIZERS],
}
KIND = os.environ.get("TUNNEL_BUILD", "release")
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
        extra_compile_args=[*KINDS[KIND], "-fno-strict-aliasing", "-Wno-unused-function", "-Wno-sign-compare"],
        extra_link_args=[SANITIZERS] if KIND == "sanitize" else [],
    )


setup(
    ext_modules=cythonize(
        [extension(source) for source in SOURCES],
        include_path=[".", "ext"],
        build_dir="build",
        compiler_directives=DIRECTIVES,
        nthreads=os.cpu_count() or 1,
        show_all_warnings=False,
    )
)
