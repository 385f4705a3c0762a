"""Finds the class that a graph file calls by its type.

A type is a short name (built in, or of an installed plugin's entry point in the group
``tunnel.handlers`` or ``tunnel.devices``), ``package.module:Class``, or ``file.py:Class`` with the
path relative to the graph file's folder.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, NamedTuple

from tunnel import trust as trusted
from tunnel.config import choices, meant
from tunnel.errors import ConfigError

Kind = Literal["device", "handler"]

BUILT_IN: dict[Kind, dict[str, str]] = {
    "device": {
        "packet_socket": "tunnel.devices.packet_socket:PacketSocket",
        "pcap": "tunnel.devices.pcap:Pcap",
        "tap": "tunnel.devices.tuntap:Tap",
        "tun": "tunnel.devices.tuntap:Tun",
        "udp": "tunnel.devices.udp:Udp",
    },
    "handler": {
        "echo": "tunnel.handlers.echo:Echo",
        "impair": "tunnel.handlers.impair:Impair",
        "tee": "tunnel.handlers.tee:Tee",
        "udp_tunnel": "tunnel.handlers.udp_tunnel:UdpTunnel",
        "wire": "tunnel.handlers.wire:Wire",
    },
}


class Entry(NamedTuple):
    """One type that can be called by a short name; nothing of it has been imported."""

    kind: Kind
    name: str
    target: str           # package.module:Class
    distribution: str     # "tunnel" for what is built in
    version: str          # of the distribution; "" for what is built in


def entries(kind: Kind) -> list[Entry]:
    """All short names of a kind in order; a plugin cannot take the name of something built in."""
    own = [Entry(kind, name, target, "tunnel", "") for name, target in BUILT_IN[kind].items()]
    plugins = [
        Entry(kind, point.name, point.value, point.dist.name, point.dist.version)
        for point in entry_points(group=f"tunnel.{kind}s")
        if point.dist is not None and point.name not in BUILT_IN[kind]
    ]
    return sorted(own + plugins)


def find(kind: Kind, name: str, folder: Path = Path(), trust: bool = False) -> type[Any]:
    """The class that ``name`` means.

    ``folder`` is where a relative ``file.py`` is looked for, ``trust`` lets root run one that others
    may write. A ``ConfigError`` says why there is no such class.
    """
    where, _, attribute = name.partition(":")
    if attribute:
        module = _file_module(folder / where, trust) if where.endswith(".py") else _module(where, name)
    else:
        target = _target(kind, name)
        where, _, attribute = target.partition(":")
        module = _module(where, target)
    return _class(kind, module, attribute, where)


def _target(kind: Kind, name: str) -> str:
    known = entries(kind)
    found = [entry for entry in known if entry.name == name]
    if not found:
        raise ConfigError(f"found {name!r}: " + _unknown(kind, name, [entry.name for entry in known]))
    if len(found) > 1:
        raise ConfigError(
            f"{name!r} is the {kind} of several plugins, expected one of "
            + ", ".join(f"{entry.target} ({entry.distribution})" for entry in found)
        )
    return found[0].target


def _unknown(kind: Kind, name: str, known: list[str]) -> str:
    other: Kind = "handler" if kind == "device" else "device"
    if name in {entry.name for entry in entries(other)}:
        return f"it is a {other}, which belongs under [{other}s]"
    return f"no such {kind}{meant(name, known)}, {choices(known)}, package.module:Class or file.py:Class"


def _module(where: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(where)
    except Exception as error:      # whatever a plugin raises while it is imported
        raise ConfigError(f"{name}: {where} cannot be imported: {type(error).__name__}: {error}") from error


def _file_module(path: Path, trust: bool) -> ModuleType:
    """The file as a module, executed once for each content of a path."""
    source = trusted.read(path, trust)
    digest = hashlib.blake2s(bytes(path.absolute()) + b"\0" + source, digest_size=8).hexdigest()
    name = f"{path.stem}_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module      # where typing and dataclasses look annotations up
    try:
        exec(compile(source, path, "exec"), vars(module))
    except Exception as error:
        del sys.modules[name]
        raise ConfigError(f"{path}{_line(error, path)}: {type(error).__name__}: {error}") from error
    return module


def _line(error: Exception, path: Path) -> str:
    """``:12``, where in the file the exception came from."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f":{error.lineno}"
    line, trace = "", error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = f":{trace.tb_lineno}"
        trace = trace.tb_next
    return line


def _class(kind: Kind, module: ModuleType, name: str, where: str) -> type[Any]:
    contract = getattr(importlib.import_module(f"tunnel.{kind}"), kind.capitalize())
    found = getattr(module, name, None)
    if isinstance(found, type) and issubclass(found, contract):
        return found
    classes = {key: value for key, value in vars(module).items() if isinstance(value, type)}
    fitting = [key for key, value in classes.items() if issubclass(value, contract)]
    what = f"{where} has no {name!r}" if found is None else f"{name!r} in {where} is no {kind}"
    raise ConfigError(f"{what}{meant(name, fitting)}, expected a subclass of tunnel.{contract.__name__}")
