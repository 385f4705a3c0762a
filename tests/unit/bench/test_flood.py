"""The flood generator, over loopback."""

from __future__ import annotations

import json
import socket
import subprocess

from bench.tools import tool


def flooded(datagrams: bytes, size: int, *, rate: int, seconds: float) -> tuple[list[bytes], dict[str, float]]:
    """What arrives, and the generator's counts."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        to = ["-a", "127.0.0.1", "-p", f"{receiver.getsockname()[1]}", "-s", f"{size}"]
        command = [tool("tools/flood.c"), *to, "-r", f"{rate}", "-t", f"{seconds}"]
        done = subprocess.run(command, input=datagrams, capture_output=True, check=True, timeout=20)
        ready, counts = done.stdout.decode().splitlines()
        assert ready == "ready"
        found = json.loads(counts)
        return [receiver.recv(2048) for _ in range(found["sent"])], found


def test_datagrams_come_over_and_over_at_the_rate():
    kinds = [bytes([number]) * 10 for number in range(3)]
    found, counts = flooded(b"".join(kinds), 10, rate=2000, seconds=0.2)
    assert found == [kinds[number % 3] for number in range(len(found))]
    assert 0 < len(found) <= 2000 * 0.2 + 10
    assert counts["kpps"] <= 2.1


def test_what_is_no_whole_datagram_is_refused():
    command = [tool("tools/flood.c"), "-a", "127.0.0.1", "-p", "9", "-s", "10", "-r", "1", "-t", "1"]
    done = subprocess.run(command, input=b"12345", capture_output=True, check=False, timeout=20)
    assert done.returncode == 1 and b"5 bytes came" in done.stderr
