"""``ADDR:PORT`` as text, and the 64-byte record of ``tunnel/endpoint.pxd``."""

from __future__ import annotations

import ipaddress
import socket
import struct

from tunnel.errors import ConfigError

RECORD = 64


def parse(text: str) -> tuple[str, int]:
    """``"192.0.2.1:9000"`` or ``"[2001:db8::1]:9000"`` as address and port.

    Names are not looked up. Raises ``ConfigError`` for anything else.
    """
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    try:
        address = ipaddress.ip_address(host[1:-1] if bracketed else host)
        if not colon or bracketed != (address.version == 6) or not _is_port(port):
            raise ValueError
    except ValueError:
        expected = "ADDR:PORT was expected, such as 192.0.2.1:9000 or [2001:db8::1]:9000"
        raise ConfigError(f"{text!r}: {expected}") from None
    return str(address), int(port)


def pack(address: str, port: int) -> bytes:
    """The ``endpoint_t`` record of an address (a ``%zone`` gives the interface) and a port.

    An IPv4-mapped address is the IPv4 address. Raises ``ValueError`` for what is no address,
    ``OverflowError`` for a port out of range, ``OSError`` for a zone that is no interface.
    """
    parsed = ipaddress.ip_address(address)
    if parsed.version == 6 and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    if parsed.version == 4:
        name = struct.pack("=HH", socket.AF_INET, socket.htons(port)) + parsed.packed + bytes(8)
    else:
        scope = struct.pack("=I", _scope(parsed.scope_id))
        name = struct.pack("=HHI", socket.AF_INET6, socket.htons(port), 0) + parsed.packed + scope
    return struct.pack("=28sI32x", name, len(name))


def packed(address: str) -> bytes:
    """4 or 16 bytes of an address without a zone, in a sixth of ``ipaddress``'s time. Raises ``ValueError``."""
    try:
        return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    except OSError:
        raise ValueError("an address was expected") from None


def unpack(record: bytes) -> tuple[str, int] | None:
    """Address (with its zone as a number, where it has one) and port of a record; None for an empty one."""
    name, size = struct.unpack("=28sI", record[:32])
    if size == 0:
        return None
    port: int = struct.unpack("!H", name[2:4])[0]
    if size == 16:
        return socket.inet_ntop(socket.AF_INET, name[4:8]), port
    zone = struct.unpack("=I", name[24:28])[0]
    return socket.inet_ntop(socket.AF_INET6, name[8:24]) + (f"%{zone}" if zone else ""), port


def record(text: str) -> bytes:
    """The record of ``ADDR:PORT`` or ``[IPv6%zone]:PORT``. Raises ``ValueError``, for a zone that is not here too."""
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not _is_port(port) or bracketed != (":" in host):
        raise ValueError("ADDR:PORT or [IPv6]:PORT was expected")
    try:
        return pack(host[1:-1] if bracketed else host, int(port))
    except OSError:
        raise ValueError("the name or number of an interface was expected behind %") from None


def text(record: bytes) -> str | None:
    """What ``record`` takes, the zone as the name of its interface where it has one; None for an empty record."""
    parts = unpack(record)
    if parts is None:
        return None
    host, _, zone = parts[0].partition("%")
    if zone:
        host += "%" + _interface(int(zone))
    return f"[{host}]:{parts[1]}" if ":" in host else f"{host}:{parts[1]}"


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) <= 65535


def _scope(zone: str | None) -> int:
    if zone is None:
        return 0
    if not zone.isdecimal():
        return socket.if_nametoindex(zone)
    if len(zone) > 10 or int(zone) > 0xFFFFFFFF:
        raise ValueError("the number of an interface was expected behind %")
    return int(zone)


def _interface(index: int) -> str:
    try:
        return socket.if_indextoname(index)
    except OSError:
        return str(index)
