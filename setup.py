"""Builds every ``ext/**/*.pyx`` as the module of the same place under ``tunnel/``.

A new native module needs no registration: ``ext/a/b.pyx`` becomes ``tunnel.a.b``.
``TUNNEL_SANITIZE=1`` builds with the address and undefined-behaviour sanitizers.
"""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

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
        extra_compile_args=[*FLAGS, "-fno-strict-aliasing", "-Wno-unused-function", "-Wno-sign-compare"],
        extra_link_args=["-fsanitize=address,undefined"] if SANITIZE else [],
    )


setup(
    ext_modules=cythonize(
        [extension(source) for source in sorted(Path("ext").rglob("*.pyx"))],
        include_path=[".", "ext"],
        build_dir="build/sanitize" if SANITIZE else "build",
        compiler_directives=DIRECTIVES,
        nthreads=os.cpu_count() or 1,
        show_all_warnings=False,
    )
)
