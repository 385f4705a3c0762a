"""Udp devices with chosen offloads, plain sockets to meet them, and batches to send."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest

from tunnel import offloads, reasons
from tunnel.batch import Batch
from tunnel.devices.udp import Udp
from tunnel.packet import DATAGRAM, DROP

UDP_SEGMENT, UDP_GRO = 103, 104  # linux/udp.h
RECEIVE_BUFFER = 4 << 20


@contextmanager
def udp(off: str = "", **options: object) -> Iterator[Udp]:
    """An open device with all offloads but ``off``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(offloads.VARIABLE, off)
        device = Udp(**options or {"listen": "127.0.0.1:0"})
        device.open()
    with device:
        yield device


@contextmanager
def plain(address: str = "127.0.0.1", *, gro: bool = False) -> Iterator[socket.socket]:
    """A bound socket that waits no longer than 2 s; with ``gro`` it is given runs whole."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((address, 0))
        sock.settimeout(2)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        sock.setsockopt(socket.IPPROTO_UDP, UDP_GRO, gro)
        yield sock


def outgoing(datagrams: Iterable[bytes], *to: tuple[str, int]) -> Batch:
    """To each in turn of ``to``, each datagram with an endpoint record of its own."""
    batch = Batch()
    for number, data in enumerate(datagrams):
        batch.emit(data, medium=DATAGRAM, endpoint=to[number % len(to)], egress=0)
    return batch


def came(sock: socket.socket, count: int) -> list[bytes]:
    """So many datagrams, or runs, in order."""
    return [sock.recv(65535) for _ in range(count)]


def send_run(sock: socket.socket, data: bytes, size: int, to: tuple[str, int]) -> None:
    """All of ``data`` as one send of datagrams of ``size`` bytes."""
    sock.sendmsg([data], [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("H", size))], 0, to)


def received(device: Udp) -> list[bytes]:
    """What is there, until nothing is."""
    batch, found = Batch(), []
    while device.recv(batch):
        found += [p.data for p in batch]
        batch.clear()
    return found


def dropped(batch: Batch) -> dict[int, str]:
    """Place and reason of what was dropped."""
    return {number: reasons.name(p.reason) for number, p in enumerate(batch) if p.egress == DROP}
