"""``pytun_echo.py NAME``: an echo on a TUN as it is written with python-pytun and uvloop, IPv4."""

from __future__ import annotations

import asyncio
import os
import sys

import pytun
import uvloop

TURN = 64
SIZE = 2048


def answer(packet: bytes) -> bytes:
    """The packet sent back; empty where it is neither UDP nor an echo request."""
    l4 = (packet[0] & 15) * 4
    ip = packet[:12] + packet[16:20] + packet[12:16] + packet[20:l4]
    if packet[9] == 17:
        return ip + packet[l4 + 2 : l4 + 4] + packet[l4 : l4 + 2] + packet[l4 + 4 :]
    if packet[9] == 1 and packet[l4] == 8:
        total = int.from_bytes(packet[l4 + 2 : l4 + 4]) + 0x0800
        checksum = (total & 0xFFFF) + (total >> 16)
        return ip + b"\0\0" + checksum.to_bytes(2) + packet[l4 + 4 :]
    return b""


async def serve(name: str) -> None:
    """Answer until the process is ended."""
    tun = pytun.TunTapDevice(name=name, flags=pytun.IFF_TUN | pytun.IFF_NO_PI)
    os.set_blocking(tun.fileno(), False)

    def readable() -> None:
        try:
            for _ in range(TURN):
                back = answer(tun.read(SIZE))
                if back:
                    tun.write(back)
        except pytun.Error:  # EAGAIN: drained
            return

    asyncio.get_running_loop().add_reader(tun.fileno(), readable)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
