"""Several packet sockets on one interface: the kernel spreads its frames over them, flow by flow.

PACKET_FANOUT by hash, which is that of the flow and the same in both directions
(``fanout_demux_hash`` in net/packet/af_packet.c); fragments go by their addresses. A member receives
what the whole group does, so PACKET_IGNORE_OUTGOING of a socket has no effect: a filter takes its place.
"""

from __future__ import annotations

import ctypes
import socket
import struct

# linux/if_packet.h, asm-generic/socket.h
SOL_PACKET, PACKET_FANOUT = 263, 18
FANOUT_HASH, FANOUT_FLAG_UNIQUEID = 0, 0x2000
SO_ATTACH_FILTER = 26

# struct sock_filter of linux/filter.h: code, jump if true, jump if false, constant
NOTHING = [(0x06, 0, 0, 0)]
NOT_OUTGOING = [
    (0x20, 0, 0, 0xFFFFF000 + 4),  # SKF_AD_OFF + SKF_AD_PKTTYPE
    (0x15, 0, 1, 4),  # PACKET_OUTGOING
    (0x06, 0, 0, 0),
    (0x06, 0, 0, 0xFFFFFFFF),
]


class Fanout:
    """The group of the sockets that share an interface; ``number`` is the kernel's, once it has one."""

    number: int | None = None

    def close_the_door(self, sock: socket.socket) -> None:
        """Before ``bind``: until it has joined, a socket would receive what the others receive too."""
        _filter(sock, NOTHING)

    def join(self, sock: socket.socket) -> None:
        """After ``bind``: make the group or join it. Raises ``OSError``."""
        kind = FANOUT_FLAG_UNIQUEID if self.number is None else FANOUT_HASH
        sock.setsockopt(SOL_PACKET, PACKET_FANOUT, (self.number or 0) | kind << 16)
        if self.number is None:
            self.number = sock.getsockopt(SOL_PACKET, PACKET_FANOUT) & 0xFFFF
        _filter(sock, NOT_OUTGOING)


def _filter(sock: socket.socket, program: list[tuple[int, int, int, int]]) -> None:
    """A classic BPF program, struct sock_fprog: its length and address."""
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in program))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", len(program), ctypes.addressof(code)))
