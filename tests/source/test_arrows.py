"""Who may import whom: the layers of the package, for Python imports and for cimports alike.

A module imports from its own layer and from the layers below it, never from above. What a module
outside the package may be imported where is the second table.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from tests.source.tree import at, files, module_name, parsed, report, without_strings

LAYERS = (
    "errors reasons arguments impairment pcapng offloads arena packet batch endpoint endpoints address rng secret wire"
    " file_watch",
    "parse flow ether transport neighbour ecn icmp_error pmtu offload offload.* verbs hold timer netns"
    " nft tables tables.* crypto crypto.*",
    "columns packet.pyx batch.pyx handler device stage scatter plan reader breath blame send dwell counters account"
    " protocols protocols.*",
    "netlink",
    "devices devices.* handlers handlers.*",
    "graph graph_* engine engine_* service control runtime workers worker crew config options registry trust"
    " toml_lines",
    "lab lab.*",
    "testing testing.*",
    "cli cli.* wg wg.* __main__ __init__",
)
# The C face of a packet and of a batch is the ground floor; their Python faces offer what the passes can.
FACES = ("packet.pyx", "batch.pyx")

# A module may not import these, though a layer below it holds them.
NEVER = {
    "devices.*": ("handlers", "handlers.*"),
    "handlers.*": ("devices", "devices.*", "netlink"),
    "graph": ("devices.*", "handlers.*"),
    "engine": ("devices.*", "handlers.*"),
    "lab.*": ("graph", "engine", "devices.*", "handlers.*"),
}

# Modules outside the package that only these of its modules may import.
DOORS = {
    # control: its server runs on the engine's loop.
    "asyncio": ("engine", "service", "control", "netlink", "lab.*", "cli", "cli.*", "testing", "testing.*", "wg.*"),
    "uvloop": ("service", "cli.*", "wg.*"),
    "pyroute2": ("netlink", "cli.*"),
    "rich": ("cli.*",),
    "scapy": ("cli.*",),
    "click": ("cli", "cli.*"),
    "pytest": ("testing.*",),
}
SANS_IO = ("asyncio", "socket", "os", "time", "random", "threading", "select", "secrets")

CYTHON_IMPORT = re.compile(r"^\s*(?:from\s+([\w.]+)\s+c?import\s+(.*)|c?import\s+([\w.]+))")


def matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def short(module: str) -> str:
    """``tunnel.tables.fdb`` is ``tables.fdb``."""
    return module.removeprefix("tunnel.") if module != "tunnel" else "__init__"


def layer(name: str) -> int | None:
    return next((number for number, row in enumerate(LAYERS) if matches(name, row.split())), None)


def layer_of(path: Path) -> int | None:
    name = short(module_name(path))
    return layer(f"{name}.pyx" if f"{name}{path.suffix}" in FACES else name)


@cache
def modules() -> frozenset[str]:
    return frozenset(module_name(path) for path in sources())


def named(package: str, names: list[str]) -> list[str]:
    """``from tunnel import reasons`` imports the module, ``from tunnel.reasons import MAX`` too."""
    return [f"{package}.{name}" if f"{package}.{name}" in modules() else package for name in names]


def sources() -> list[Path]:
    return [
        path
        for path in files("tunnel", "ext", endings=(".py", ".pyx", ".pxd"))
        if not path.name.startswith("_") or path.name.startswith("__")
    ]


def python_imports(path: Path) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, at(path, node.lineno, "relative import: name the package")
            names = named(node.module or "", [alias.name for alias in node.names])
            found += [(node.lineno, name) for name in names]
    return found


def in_line(line: str) -> list[str]:
    match = CYTHON_IMPORT.match(line)
    if not match:
        return []
    package, names, whole = match.groups()
    if whole:
        return [whole]
    listed = [name.split()[0] for name in re.split(r"[(),\\]", names) if name.strip()]
    return list(dict.fromkeys(named(package, listed or ["*"])))


def cython_imports(path: Path) -> list[tuple[int, str]]:
    lines = without_strings(path.read_text()).splitlines()
    return [(number, name) for number, line in enumerate(lines, 1) for name in in_line(line)]


def imports(path: Path) -> list[tuple[int, str]]:
    """Line and full name of every module that a source imports, wherever in it."""
    return python_imports(path) if path.suffix == ".py" else cython_imports(path)


def inside(path: Path) -> list[tuple[int, str]]:
    return [(line, name) for line, name in imports(path) if name.split(".")[0] == "tunnel"]


def outside(path: Path) -> list[tuple[int, str]]:
    return [(line, name.split(".")[0]) for line, name in imports(path) if name.split(".")[0] != "tunnel"]


def test_every_module_has_a_layer():
    missing = [
        at(path, 1, "give it a layer in tests/source/test_arrows.py")
        for path in sources()
        if layer_of(path) is None
    ]
    assert not missing, report(missing)


def test_imports_point_down():
    wrong = []
    for path in sources():
        mine = layer_of(path)
        for line, name in inside(path):
            theirs = layer(short(name))
            if mine is not None and theirs is not None and theirs > mine:
                wrong.append(at(path, line, f"imports {name}, which lies above it"))
    assert not wrong, report(wrong)


def test_neighbours_that_stay_strangers():
    wrong = []
    for path in sources():
        for pattern, never in NEVER.items():
            if matches(short(module_name(path)), (pattern,)):
                wrong += [
                    at(path, line, f"{pattern} never imports {name}")
                    for line, name in inside(path)
                    if matches(short(name), never)
                ]
    assert not wrong, report(wrong)


def test_doors_to_other_packages():
    wrong = [
        at(path, line, f"imports {name}: only {', '.join(DOORS[name])} may")
        for path in sources()
        for line, name in outside(path)
        if name in DOORS and not matches(short(module_name(path)), DOORS[name])
    ]
    assert not wrong, report(wrong)


def test_protocols_are_sans_io():
    wrong = [
        at(path, line, f"imports {name}: time and entropy are arguments here")
        for path in sources()
        if matches(short(module_name(path)), ("protocols.*",))
        for line, name in outside(path)
        if name in SANS_IO
    ]
    assert not wrong, report(wrong)


def test_what_is_heavy_is_imported_late():
    heavy = ("pyroute2", "scapy", "rich", "uvloop")
    program = f"import sys, tunnel; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
