"""TUNs of the network tests, and what the kernel says of them; for a process inside a node."""

from __future__ import annotations

import select
import socket
from typing import Any

from pyroute2 import IPRoute

from tests.netns.engines import until
from tests.netns.test_packet_socket import silence
from tunnel.batch import Batch
from tunnel.devices.tuntap import Tun, TunTap

ARRIVES_MS = 5000
DISCARD, PROBE = 9, 10  # ports


OURS = b"\x88\xb5"


def names() -> set[str]:
    return {name for _, name in socket.if_nameindex()}


def link(name: str) -> dict[str, Any]:
    """What netlink says of a TUN or TAP: its own attributes and those of every link."""
    with IPRoute() as ipr:
        message = ipr.link("get", index=socket.if_nametoindex(name))[0]
    own = message.get_attr("IFLA_LINKINFO").get_attr("IFLA_INFO_DATA")
    found = dict(message["attrs"]) | dict(own["attrs"])
    return {str(name).removeprefix("IFLA_").lower(): value for name, value in found.items()}


def change(name: str, **fields: Any) -> None:
    with IPRoute() as ipr:
        ipr.link("set", index=socket.if_nametoindex(name), **fields)


def delete(name: str) -> None:
    with IPRoute() as ipr:
        ipr.link("del", index=socket.if_nametoindex(name))


def readable(device: TunTap) -> bool:
    return bool(select.select([device.fd], [], [], ARRIVES_MS / 1000)[0])


def received(device: TunTap, count: int) -> list[bytes]:
    """So many packets that are ours, whatever the kernel says beside."""
    found: list[bytes] = []
    while len(found) < count:
        assert readable(device), f"{len(found)} of {count} came"
        batch = Batch()
        device.recv(batch)
        batch.parse()
        found += [p.data for p in batch if p.dport == DISCARD]
    return found


def attached(device: TunTap) -> None:
    """Wait until a persistent device that was attached gets what is sent into it: before, that is lost.

    The carrier's return reaches the queueing discipline by a work queue, which tells of it first
    (linkwatch_do_dev), so that nothing but an arrival proves it.
    """

    def arrives() -> bool:
        speak(port=PROBE)
        batch = Batch()
        if select.select([device.fd], [], [], 0.02)[0]:
            device.recv(batch)
            batch.parse()
        return any(p.dport == PROBE for p in batch)

    until(arrives)


def speak(count: int = 1, *, to: str = "10.7.0.2", port: int = DISCARD) -> None:
    """Datagrams to a port of an address behind the device."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for number in range(count):
            sock.sendto(number.to_bytes(4, "big"), (to, port))


def tun(**options: Any) -> Tun:
    return Tun("t0", address=["10.7.0.1/24"], **options)


def silence_all() -> None:
    """No IPv6 on what comes: nothing but what the test says."""
    silence("default")
