"""Compiles the handler against the C interface of the ``tunnel`` that is installed."""

from Cython.Build import cythonize
from setuptools import Extension, setup

import tunnel

setup(
    ext_modules=cythonize(
        [Extension("tunnel_hop_guard", ["tunnel_hop_guard.pyx"])],
        include_path=[tunnel.get_include()],
        compiler_directives={"language_level": 3},
    )
)
