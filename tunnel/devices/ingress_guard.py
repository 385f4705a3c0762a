"""Keeps the near kernel from taking part in what a ``PacketSocket`` receives.

An nftables chain of family netdev at the interface's ingress with policy drop. Packet sockets are
served before that hook (``__netif_receive_skb_core`` in net/core/dev.c: ptype_all, then tc, then
nf_ingress), the bridge, IP and the rest of the stack after it. The table has an owner, the netlink
socket that made it: the kernel removes it when that socket closes, also when the process dies.

The messages (linux/netfilter/nfnetlink.h, nf_tables.h) are four, so they are packed here: a new
machine has no ``nft`` program.
"""

from __future__ import annotations

import errno
import os
import socket
import struct

from tunnel.errors import DeviceError

NETLINK_NETFILTER = 12
NFPROTO_NETDEV = 5
NFNL_SUBSYS_NFTABLES = 10
BATCH_BEGIN, BATCH_END = 16, 17
NEWTABLE, NEWCHAIN = NFNL_SUBSYS_NFTABLES << 8 | 0, NFNL_SUBSYS_NFTABLES << 8 | 3
TABLE_NAME, TABLE_FLAGS = 1, 2
TABLE_F_OWNER = 2  # from 5.12
CHAIN_TABLE, CHAIN_NAME, CHAIN_HOOK, CHAIN_POLICY, CHAIN_TYPE = 1, 3, 4, 5, 7
HOOK_NUMBER, HOOK_PRIORITY, HOOK_DEVICE = 1, 2, 3
NESTED = 0x8000
INGRESS, DROP, FIRST = 0, 0, -(2**31)
REQUEST, ACK, CREATE_ONLY = 0x1, 0x4, 0x600
NLMSG_ERROR = 2

ANSWER_S = 5.0


def guard(interface: str) -> socket.socket:
    """Install the guard in this thread's namespace; closing what is returned removes it.

    Raises ``DeviceError`` where nftables cannot be had.
    """
    try:
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_NETFILTER)
    except OSError as error:
        raise _refused(interface, error.errno or 0) from error
    try:
        sock.bind((0, 0))
        sock.settimeout(ANSWER_S)
        sock.send(_transaction(interface, f"tunnel_{interface}_{sock.getsockname()[0]}"))
        for _ in (NEWTABLE, NEWCHAIN):
            if refused := _answer(sock.recv(4096)):
                raise OSError(refused, os.strerror(refused))
    except OSError as error:
        sock.close()
        raise _refused(interface, error.errno or 0) from error
    return sock


def _refused(interface: str, number: int) -> DeviceError:
    need = "CAP_NET_ADMIN is needed" if number in (errno.EPERM, errno.EACCES) else "nftables (netdev) is needed"
    return DeviceError(
        f"interface {interface}: no guard against the kernel's own answers: {os.strerror(number)}; "
        f"{need}, or `guard = false` to go without",
        number,
    )


def _transaction(interface: str, table: str) -> bytes:
    hook = _number(HOOK_NUMBER, INGRESS) + _number(HOOK_PRIORITY, FIRST) + _text(HOOK_DEVICE, interface)
    chain = (
        _text(CHAIN_TABLE, table) + _text(CHAIN_NAME, "ingress") + _attribute(CHAIN_HOOK | NESTED, hook)
        + _number(CHAIN_POLICY, DROP) + _text(CHAIN_TYPE, "filter")
    )  # fmt: skip
    return (
        _message(BATCH_BEGIN, 0, b"", subsystem=NFNL_SUBSYS_NFTABLES)
        + _message(NEWTABLE, ACK | CREATE_ONLY, _text(TABLE_NAME, table) + _number(TABLE_FLAGS, TABLE_F_OWNER))
        + _message(NEWCHAIN, ACK | CREATE_ONLY, chain)
        + _message(BATCH_END, 0, b"", subsystem=NFNL_SUBSYS_NFTABLES)
    )


def _message(kind: int, flags: int, attributes: bytes, subsystem: int = 0) -> bytes:
    """A nlmsghdr, a nfgenmsg and attributes; batch marks name their subsystem instead of a family."""
    family = 0 if subsystem else NFPROTO_NETDEV
    generic = struct.pack(">BBH", family, 0, subsystem)
    return struct.pack("=IHHII", 20 + len(attributes), kind, REQUEST | flags, 0, 0) + generic + attributes


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _number(kind: int, value: int) -> bytes:
    return _attribute(kind, struct.pack(">i", value))


def _text(kind: int, value: str) -> bytes:
    return _attribute(kind, value.encode() + b"\0")


def _answer(message: bytes) -> int:
    """The errno of an acknowledgement, 0 for success (nlmsgerr behind the nlmsghdr)."""
    kind, error = struct.unpack_from("=4xH10xi", message)
    return -error if kind == NLMSG_ERROR else 0
