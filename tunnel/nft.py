"""nftables without its program: requests packed as the kernel reads them, sent as one transaction.

The messages are linux/netfilter/nfnetlink.h and nf_tables.h. They are few, so they are packed here: a new
machine has no ``nft`` program, and pyroute2 wants an event loop to send them. Either all requests of a
transaction take effect or none.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Sequence
from typing import NamedTuple

NETLINK_NETFILTER = 12
SUBSYSTEM = 10  # NFNL_SUBSYS_NFTABLES
BATCH_BEGIN, BATCH_END = 16, 17
NEWTABLE, DELTABLE, NEWCHAIN, NEWRULE = (SUBSYSTEM << 8 | number for number in (0, 2, 3, 6))
TABLE_NAME, TABLE_FLAGS = 1, 2
TABLE_F_OWNER = 2  # from 5.12
CHAIN_TABLE, CHAIN_NAME, CHAIN_HOOK, CHAIN_POLICY, CHAIN_TYPE = 1, 3, 4, 5, 7
HOOK_NUMBER, HOOK_PRIORITY, HOOK_DEVICE = 1, 2, 3
RULE_TABLE, RULE_CHAIN, RULE_EXPRESSIONS = 1, 2, 4
LIST_ELEMENT, EXPRESSION_NAME, EXPRESSION_DATA, DATA_VALUE = 1, 1, 2, 1
NESTED = 0x8000
REQUEST, ACK, CREATE, EXCLUSIVE, APPEND = 0x1, 0x4, 0x400, 0x200, 0x800
NEW = CREATE | EXCLUSIVE
ANSWER_S = 5.0

_HEADER = struct.Struct("=IHHII")  # nlmsghdr
_GENERIC = struct.Struct(">BBH")  # nfgenmsg
_ERROR = struct.Struct("=4xH2xI4xi")  # nlmsghdr: kind and number; nlmsgerr: the error


class Request(NamedTuple):
    """One request of a transaction: what it is (NEWTABLE ...), ``NEW`` or other flags, packed attributes."""

    kind: int
    flags: int
    attributes: bytes


class Refused(OSError):
    """What the kernel refused; ``at`` is the request's place in the transaction, -1 where it refused them all."""

    def __init__(self, number: int, at: int) -> None:
        super().__init__(number, os.strerror(number))
        self.at = at


def attribute(kind: int, value: bytes) -> bytes:
    """An attribute of bytes."""
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def nested(kind: int, *inner: bytes) -> bytes:
    """An attribute of attributes."""
    return attribute(kind | NESTED, b"".join(inner))


def number(kind: int, value: int) -> bytes:
    """An attribute of a 32-bit number."""
    return attribute(kind, struct.pack(">i", value))


def text(kind: int, value: str) -> bytes:
    """An attribute of a string."""
    return attribute(kind, value.encode() + b"\0")


def expression(name: str, *data: bytes) -> bytes:
    """One expression of a rule, an element of RULE_EXPRESSIONS."""
    return nested(LIST_ELEMENT, text(EXPRESSION_NAME, name), nested(EXPRESSION_DATA, *data))


def opened() -> socket.socket:
    """A socket to nftables of this thread's namespace; ``OSError`` where the kernel has none."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_NETFILTER)
    try:
        sock.bind((0, 0))
        sock.settimeout(ANSWER_S)
    except OSError:
        sock.close()
        raise
    return sock


def commit(sock: socket.socket, family: int, requests: Sequence[Request]) -> None:
    """Carries out all requests, about tables of ``family`` (NFPROTO_*); raises ``Refused`` for the first refused."""
    sock.send(transaction(family, requests))
    left = len(requests)
    while left:
        _, about, error = _ERROR.unpack_from(sock.recv(4096))
        if error:
            raise Refused(-error, about - 1)
        left -= 1


def transaction(family: int, requests: Sequence[Request]) -> bytes:
    """The requests as one buffer between the marks of a batch; each is numbered by its place, from 1."""
    packed = [_message(BATCH_BEGIN, 0, 0)]
    packed += [_message(kind, flags | ACK, n, family, more) for n, (kind, flags, more) in enumerate(requests, 1)]
    packed.append(_message(BATCH_END, 0, len(requests) + 1))
    return b"".join(packed)


def _message(kind: int, flags: int, about: int, family: int | None = None, attributes: bytes = b"") -> bytes:
    """A nlmsghdr, a nfgenmsg and attributes; marks of a batch name their subsystem instead of a family."""
    generic = _GENERIC.pack(0, 0, SUBSYSTEM) if family is None else _GENERIC.pack(family, 0, 0)
    return _HEADER.pack(_HEADER.size + 4 + len(attributes), kind, REQUEST | flags, about, 0) + generic + attributes
