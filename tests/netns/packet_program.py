"""PacketSockets at work in a node: ``watch INTERFACE [unguarded]``, ``join INTERFACE INTERFACE``.

Both print ``open`` when they are ready and end with their standard input.
"""

from __future__ import annotations

import json
import select
import sys
from collections.abc import Callable

from tunnel.batch import Batch
from tunnel.devices.packet_socket import PacketSocket


def serve(devices: list[PacketSocket], work: Callable[[PacketSocket], None]) -> None:
    poll = select.poll()
    for fd in (0, *(device.fd for device in devices)):
        poll.register(fd, select.POLLIN)
    print("open", flush=True)
    while True:
        ready = {fd for fd, _ in poll.poll()}
        for device in devices:
            if device.fd in ready:
                work(device)
        if 0 in ready:
            return


def watch(interface: str, *unguarded: str) -> None:
    """Print the destination port of every TCP segment that comes in."""

    def work(device: PacketSocket) -> None:
        batch = Batch()
        device.recv(batch)
        batch.parse()
        for p in batch:
            if p.proto == 6:
                print(p.dport, flush=True)

    with PacketSocket(interface=interface, guard=not unguarded) as device:
        serve([device], work)


def join(left: str, right: str) -> None:
    """Pass every frame on; at the end tell how many super-packets were among them."""
    counts = {"packets": 0, "super": 0, "dropped": 0}
    with PacketSocket(interface=left) as a, PacketSocket(interface=right) as b:
        other = {a: b, b: a}

        def work(device: PacketSocket) -> None:
            batch = Batch()
            device.recv(batch)
            batch.parse()
            counts["packets"] += len(batch)
            counts["super"] += sum(p.gso_size > 0 for p in batch)
            other[device].send(batch)
            counts["dropped"] += sum(p.reason != 0 for p in batch)

        serve([a, b], work)
    print(json.dumps(counts))


if __name__ == "__main__":
    if sys.argv[1] == "watch":
        watch(*sys.argv[2:])
    else:
        join(*sys.argv[2:])
