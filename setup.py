"""Builds every ``ext/**/*.pyx`` as the module of the same place under ``tunnel/``.

A new native module needs no registration: ``ext/a/b.pyx`` becomes ``tunnel.a.b``, and is linked with
the libraries whose private externs it cimports (``ext/_libcrypto.pxd``).
``TUNNEL_BUILD`` is ``release``, or ``quick`` (less optimized, for one run of the tests), or ``sanitize``
(with the address and undefined-behaviour sanitizers). All compile the same C sources; ``TUNNEL_SANITIZE`` is
defined for what only the last one asserts.
``TUNNEL_EXTENSIONS=no`` installs metadata and scripts alone: an editable install would compile
everything in a folder of its own, from which nothing can be rebuilt in part.
"""

import os
import re
import shlex
import subprocess
import sysconfig
from functools import cache
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

SOURCES = sorted(Path("ext").rglob("*.pyx")) if os.environ.get("TUNNEL_EXTENSIONS") != "no" else []
SANITIZERS = "-fsanitize=address,undefined"
KINDS = {
    "release": ["-O3", "-g0", "-fno-semantic-interposition"],
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
# The private externs of a library, its name for the linker, and the header without which it is left out.
EXTERNS = {"_libcrypto": ("crypto", None), "_ipsec_mb": ("IPSec_MB", "intel-ipsec-mb.h")}


@cache
def has_header(name: str) -> bool:
    """Whether the C compiler finds it."""
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    flags = shlex.split(os.environ.get("CFLAGS", ""))
    command = [*compiler, *flags, "-fsyntax-only", "-include", name, "-x", "c", os.devnull]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def externs(source: Path) -> set[str]:
    """The private externs that a module cimports, itself or by others of them."""
    named = re.findall(r"^(?:from (?=\w+ cimport)|cimport )(_\w+)", source.read_text(), re.MULTILINE)
    return set(named).union(*(externs(Path("ext", f"{name}.pxd")) for name in named))


def libraries(source: Path) -> dict[str, str]:
    """What a module is linked with, by the names of the externs."""
    return {
        name: library
        for name, (library, header) in EXTERNS.items()
        if name in externs(source) and (header is None or has_header(header))
    }


def extension(source: Path) -> Extension:
    """The extension that one ``.pyx`` builds."""
    module = ".".join(("tunnel", *source.with_suffix("").parts[1:]))
    linked = libraries(source)
    return Extension(
        module,
        [str(source)],
        include_dirs=["ext"],
        define_macros=[(f"TUNNEL{name.upper()}", None) for name in (f"_{KIND}", *linked)],
        libraries=list(linked.values()),
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
