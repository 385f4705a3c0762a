"""What passes an interface of a node, in both directions, as pcapng.

A packet socket that only listens. (The engine's ``PacketSocket`` takes an interface for itself: it refuses
one that has addresses, and does not see what this machine sends.) Frames are as on the wire: the VLAN
tag that the kernel took out is back in its place, and a checksum that was left to the card is computed; a
super-packet stays whole, as the interface has it. At a bridge one sees what passes from port to port.
"""

from __future__ import annotations

import fcntl
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tunnel.errors import LabError
from tunnel.lab.frames import PACKET_AUXDATA, SO_TIMESTAMPNS, SOL_PACKET, block
from tunnel.lab.node import Node
from tunnel.lab.topology import Topology
from tunnel.pcapng import INBOUND, OUTBOUND, beginning, ending

# include/uapi/linux/if_packet.h, if_ether.h, if_arp.h
ETH_P_ALL = 3
PACKET_ADD_MEMBERSHIP, PACKET_STATISTICS, PACKET_VNET_HDR = 1, 6, 15
PACKET_MR_PROMISC, PACKET_OUTGOING = 1, 4
SIOCGIFINDEX = 0x8933  # include/uapi/linux/sockios.h; in the socket's namespace
ARPHRD_ETHER, ARPHRD_LOOPBACK, ARPHRD_NONE = 1, 772, 65534
MEDIA = {ARPHRD_ETHER: "ethernet", ARPHRD_LOOPBACK: "ethernet", ARPHRD_NONE: "ip"}
ROOM = 64 << 20  # bytes of the socket's queue, as far as the system allows
LARGEST = 1 << 19  # bytes of a packet: a super-packet may have more than 64 KiB
TOGETHER = 256  # packets a write, at most


@dataclass(frozen=True)
class Captured:
    """Packets written, and those that the socket had no room for."""

    packets: int
    lost: int


class Capture:
    """Listens to an interface from when it is made; to be closed. Raises ``LabError``."""

    def __init__(self, node: Node, interface: str) -> None:
        self._what = f"node {node.name}, {interface}"
        self._sock = node.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)  # hears nothing before it is bound
        self._stop, self._stopper = os.pipe()
        try:
            self._bind(interface)
        except OSError as error:
            self.close()
            raise LabError(f"{self._what}: {error.strerror}", error.errno or 0) from error
        except BaseException:
            self.close()
            raise
        self._room = bytearray(LARGEST)
        self._poll = select.poll()
        for fd in (self._sock.fileno(), self._stop):
            self._poll.register(fd, select.POLLIN)

    def _bind(self, interface: str) -> None:
        for option in (PACKET_VNET_HDR, PACKET_AUXDATA):
            self._sock.setsockopt(SOL_PACKET, option, 1)
        self._sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
        self._sock.setblocking(False)
        self._sock.bind((interface, ETH_P_ALL))
        kind = self._sock.getsockname()[3]
        if kind not in MEDIA:
            raise LabError(f"{self._what}: neither Ethernet nor IP (ARPHRD {kind}); capture another interface")
        self._medium = MEDIA[kind]
        asked = fcntl.ioctl(self._sock, SIOCGIFINDEX, struct.pack("16s24x", interface.encode()))
        everything = struct.pack("iHH8x", struct.unpack_from("i", asked, 16)[0], PACKET_MR_PROMISC, 0)
        self._sock.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, everything)

    def stop(self) -> None:
        """Lets ``run`` end; a signal handler may call it."""
        os.write(self._stopper, b".")

    def run(
        self, write: Callable[[bytes], object], *, count: int | None = None, seconds: float | None = None
    ) -> Captured:
        """Writes a whole pcapng file, packets as soon as they are there.

        Until there are ``count``, ``seconds`` are over or ``stop`` is called; ``LabError`` where the
        interface is gone.
        """
        write(beginning(self._medium))
        until = None if seconds is None else time.monotonic() + seconds
        done = 0
        while (count is None or done < count) and self._wait(until):
            blocks = self._blocks(TOGETHER if count is None else min(TOGETHER, count - done))
            done += len(blocks)
            write(b"".join(blocks))
        lost = struct.unpack("II", self._sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
        write(ending(time.time_ns(), done + lost, lost))
        return Captured(done, lost)

    def _wait(self, until: float | None) -> bool:
        """Whether something came, in time and before ``stop``."""
        left_ms = None if until is None else max(0.0, until - time.monotonic()) * 1000
        ready = [fd for fd, _ in self._poll.poll(left_ms)]
        return bool(ready) and self._stop not in ready

    def _blocks(self, most: int) -> list[bytes]:
        found: list[bytes] = []
        while len(found) < most:
            try:
                size, ancillary, _, source = self._sock.recvmsg_into([self._room], 256)
            except BlockingIOError:
                break
            except OSError as error:  # told once when it is set down; it may come up again
                if not self._sock.getsockname()[0]:
                    raise LabError(f"{self._what}: the interface is gone", error.errno or 0) from error
                break
            direction = OUTBOUND if source[2] == PACKET_OUTGOING else INBOUND
            found.append(block(memoryview(self._room)[:size], ancillary, direction))
        return found

    def close(self) -> None:
        """Idempotent."""
        self._sock.close()
        for fd in (self._stop, self._stopper):
            if fd >= 0:
                os.close(fd)
        self._stop = self._stopper = -1


def find_end(topology: Topology, nodes: Mapping[str, Node], end: str) -> tuple[Node, str]:
    """Node and interface of ``NODE:INTERFACE``, or of a bridge; ``LabError`` where there is none."""
    name, colon, interface = end.partition(":")
    if name not in nodes:
        raise LabError(f"{end}: the lab has no {name}; it has {', '.join(nodes)}")
    if colon or name in topology.bridges:
        return nodes[name], interface or name
    ends = [other for link in topology.links for other in link.endpoints if other.startswith(f"{name}:")]
    raise LabError(f"{end}: which interface? write it like {ends[0] if ends else f'{name}:eth0'}")
