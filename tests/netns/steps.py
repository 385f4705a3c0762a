"""Networks built step by step, and packets through them, for processes inside a node (``alone``)."""

from __future__ import annotations

import io
import os
import select
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import pytest

from tests.netns.namespaces import run
from tunnel.cli import main
from tunnel.lab import Namespace

PORT = 4242
SOON_S = 5.0
AGAIN_S = 0.2
FAMILIES = (socket.AF_INET, socket.AF_INET6)
ETHERNET = 14


def tunnel(*words: str, status: int = 0) -> str:
    """The command as a process; what it prints, errors included."""
    return run(sys.executable, "-m", "tunnel", *words, status=status)


def refused(*words: str, status: int = 2) -> str:
    """The command in this process, which must end with ``status``; its one line on stderr."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == status, (words, end.value.code, err.getvalue())
    assert out.getvalue() == ""
    assert err.getvalue().startswith("tunnel: "), (words, err.getvalue())
    return err.getvalue()


def at(family: int, network: int, host: int) -> str:
    """An address of a numbered network."""
    return f"10.0.{network}.{host}" if family == socket.AF_INET else f"fd00:{network}::{host}"


def cidrs(network: int, host: int) -> tuple[str, str]:
    """One of each family, with their prefixes."""
    return f"{at(socket.AF_INET, network, host)}/24", f"{at(socket.AF_INET6, network, host)}/64"


def source_of_a_datagram(source: Namespace, target: Namespace, family: int, to: str) -> str:
    """The address from which a datagram seems to come that ``source`` sends to ``target``."""
    with target.socket(family, socket.SOCK_DGRAM) as server, source.socket(family, socket.SOCK_DGRAM) as client:
        server.bind((to, PORT))
        server.settimeout(SOON_S)
        client.sendto(b"datagram", (to, PORT))
        content, sender = server.recvfrom(64)
        assert content == b"datagram"
        return str(sender[0])


def swapped(packet: bytes, *pairs: tuple[int, int]) -> bytes:
    """With fields and their neighbours exchanged: where the first begins, its size. No sum changes by that."""
    answer = bytearray(packet)
    for start, size in pairs:
        answer[start : start + size], answer[start + size : start + 2 * size] = (
            packet[start + size : start + 2 * size], packet[start : start + size],
        )  # fmt: skip
    return bytes(answer)


def reflected(packet: bytes, start: int) -> bytes | None:
    """A datagram to ``PORT`` on its way back; ``start`` is where IP begins. None for anything else."""
    header, addresses = (20, (start + 12, 4)) if packet[start] >> 4 == 4 else (40, (start + 8, 16))
    ports = start + header
    if packet[ports + 2 : ports + 4] != PORT.to_bytes(2, "big"):
        return None
    ethernet = [(0, 6)] if start else []
    return swapped(packet, *ethernet, addresses, (ports, 2))


@contextmanager
def attached(namespace: Namespace, name: str, *, tap: bool) -> Iterator[int]:
    """A descriptor of a persistent device, as a program has it."""
    fd = namespace.tun(name, tap=tap)
    try:
        yield fd
    finally:
        os.close(fd)


def echoes(source: Namespace, to: str, family: int, device: int, *, tap: bool) -> bool:
    """Whether a datagram reaches what is behind ``device``, and its answer ``source``; anew while links settle."""
    with source.socket(family, socket.SOCK_DGRAM) as client:
        client.settimeout(SOON_S)
        for _ in range(round(SOON_S / AGAIN_S)):
            client.sendto(b"echo", (to, PORT))
            while select.select([device], [], [], AGAIN_S)[0]:
                if answer := reflected(os.read(device, 2048), ETHERNET if tap else 0):
                    os.write(device, answer)
                    return client.recv(64) == b"echo"
    return False
