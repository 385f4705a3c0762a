"""What ``tunnel doctor`` tries out: run as ``python -m tunnel.cli.selftest``, a process of its own.

It moves into a network namespace of its own (and, where it is not root, a user namespace), so that
nothing it makes is seen or left. It prints a JSON object: for each check, whether it passed and what
was seen. A check passes only when the bytes that arrive are the bytes that were sent.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import select
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tunnel.devices import link
from tunnel.devices import tun_ioctl as tun
from tunnel.errors import DeviceError, TunnelError
from tunnel.netns import CLONE_NEWNET

CLONE_NEWUSER = 0x10000000
SIOCSIFADDR, SIOCSIFNETMASK = 0x8916, 0x891C
UDP_SEGMENT, UDP_GRO = 103, 104      # linux/udp.h
NEEDS_CSUM, GSO_TCPV4, GSO_UDP_L4 = 1, 1, 5      # linux/virtio_net.h
SYN, ACK, SYN_ACK = 0x02, 0x10, 0x12

NAME, HERE, THERE = "doctor0", "192.0.2.1", "192.0.2.2"      # RFC 5737
PORT, FAR_PORT = 4789, 40000
SEGMENT = 1000
DATA = bytes(range(256)) * 14        # four segments, the last one short
WAIT_S = 2.0


def main() -> None:
    """Runs the checks; with the argument ``user`` only that of user namespaces."""
    if sys.argv[1:] == ["user"]:
        checks: dict[str, Callable[[], str]] = {"user namespaces": enter_user_namespace}
    else:
        checks = {
            "namespace": enter, "tun": make_tun, "vnet": unfinished_checksums, "tso": tcp_super_packet,
            "uso": udp_super_packet, "gso": one_send, "gro": one_receive, "mmsg": one_call,
        }  # fmt: skip
    print(json.dumps({name: outcome(check) for name, check in checks.items()}))


def outcome(check: Callable[[], str]) -> tuple[bool, str]:
    """Whether a check passed, and what it or the kernel said."""
    try:
        return True, check()
    except TunnelError as error:
        return False, str(error)
    except OSError as error:
        return False, error.strerror or str(error)


def enter() -> str:
    """Leaves the namespaces of the caller for new ones."""
    if os.geteuid() != 0:
        return enter_user_namespace()
    _unshare(CLONE_NEWNET)
    return "network namespace"


def enter_user_namespace() -> str:
    """Becomes root of a new user namespace with a network namespace in it."""
    uid, gid = os.geteuid(), os.getegid()
    _unshare(CLONE_NEWUSER | CLONE_NEWNET)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        Path("/proc/self", name).write_text(text)
    return "user and network namespace"


def _unshare(flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def make_tun() -> str:
    """Makes the TUN that the other checks use, with the widest offload mask."""
    _Tun.fd = tun.open_control()
    tun.attach(_Tun.fd, NAME, tun.IFF_TUN | tun.IFF_NO_PI | tun.IFF_VNET_HDR)
    mask = tun.set_offload(_Tun.fd, tun.OFFLOADS[0])
    link.set_link(NAME, up=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for number, address in ((SIOCSIFADDR, HERE), (SIOCSIFNETMASK, "255.255.255.0")):
            name = struct.pack("16s", NAME.encode())
            fcntl.ioctl(control, number, name + struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address)))
    return f"offload mask {mask:#x}"


class _Tun:
    fd = -1


def unfinished_checksums() -> str:
    """A datagram whose checksum is left to whoever takes it over, written and read."""
    data = DATA[:SEGMENT]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        end.settimeout(WAIT_S)
        end.bind((HERE, PORT))
        _write(_udp(data), checksum_at=6)
        _same(end.recv(65535), data)
        end.sendto(data, (THERE, FAR_PORT))
        packet = _read(lambda packet: packet[9] == socket.IPPROTO_UDP and packet[16:20] == socket.inet_aton(THERE))
        sum_of_all = _sum(packet[20:]) + _pseudo(socket.IPPROTO_UDP, 8 + len(data))
        if sum_of_all % 0xFFFF == 0:
            raise DeviceError("the kernel finished a checksum itself")
        return _same(packet[28:], data)


def tcp_super_packet() -> str:
    """A handshake by hand, then four segments in one write: the kernel's TCP must read the data."""
    with socket.create_server((HERE, PORT)) as server:
        server.settimeout(WAIT_S)
        _write(_tcp(SYN, 1, 0))
        answer = _read(lambda packet: packet[9] == socket.IPPROTO_TCP and packet[33] == SYN_ACK)
        sequence = struct.unpack_from("!I", answer, 24)[0] + 1
        _write(_tcp(ACK, 2, sequence))
        _write(_tcp(ACK, 2, sequence, DATA), GSO_TCPV4, 16)
        connection, _ = server.accept()
        with connection:
            connection.settimeout(WAIT_S)
            return _same(connection.recv(len(DATA), socket.MSG_WAITALL))


def udp_super_packet() -> str:
    """Four datagrams in one write, and four in one read."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        end.settimeout(WAIT_S)
        end.bind((HERE, PORT))
        _write(_udp(DATA), GSO_UDP_L4, 6)
        parts = [end.recv(65535) for _ in range(0, len(DATA), SEGMENT)]
        if max(map(len, parts)) != SEGMENT:
            raise DeviceError("the kernel did not cut the super-packet")
        _same(b"".join(parts))
        end.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, SEGMENT)
        end.sendto(DATA, (THERE, FAR_PORT))
        packet = _read(lambda packet: packet[9] == socket.IPPROTO_UDP and packet[16:20] == socket.inet_aton(THERE))
        return _same(packet[28:])


def one_send() -> str:
    """Four datagrams in one send (UDP_SEGMENT) over loopback."""
    with _loopback() as (here, there):
        here.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, SEGMENT)
        here.sendto(DATA, there.getsockname())
        return _same(b"".join(there.recv(65535) for _ in range(0, len(DATA), SEGMENT)))


def one_receive() -> str:
    """Four datagrams in one receive (UDP_GRO) over loopback, which passes a run on whole."""
    with _loopback() as (here, there):
        there.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
        here.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, SEGMENT)
        here.sendto(DATA, there.getsockname())
        received, control, _, _ = there.recvmsg(65535, socket.CMSG_SPACE(4))
        sizes = [struct.unpack("i", value)[0] for _, which, value in control if which == UDP_GRO]
        if sizes != [SEGMENT]:
            raise DeviceError(f"the kernel names segments of {sizes or 'no'} bytes instead of {SEGMENT}")
        return _same(received)


def one_call() -> str:
    """Datagrams of unlike sizes, which make no run, from one Udp device to another."""
    from tunnel.batch import Batch
    from tunnel.devices.udp import Udp
    from tunnel.packet import DATAGRAM

    link.set_link("lo", up=True)
    with Udp(listen="127.0.0.1:0") as here, Udp(listen="127.0.0.1:0") as there:
        sent, received = Batch(), Batch()
        for size in (SEGMENT, 1, SEGMENT - 1, SEGMENT):
            sent.emit(DATA[:size], medium=DATAGRAM, endpoint=there.address, egress=0)
        here.send(sent)
        select.select([there.fd], [], [], WAIT_S)
        there.recv(received)
        return _same(b"".join(p.data for p in received), b"".join(p.data for p in sent))


@contextmanager
def _loopback() -> Iterator[tuple[socket.socket, socket.socket]]:
    link.set_link("lo", up=True)
    family, kind = socket.AF_INET, socket.SOCK_DGRAM
    with socket.socket(family, kind) as here, socket.socket(family, kind) as there:
        there.bind(("127.0.0.1", 0))
        there.settimeout(WAIT_S)
        yield here, there


def _same(received: bytes, sent: bytes = DATA) -> str:
    if received != sent:
        raise DeviceError(f"{len(received)} bytes came back, not the {len(sent)} that were sent")
    return f"{len(sent)} bytes compared"


def _write(packet: bytes, gso_type: int = 0, checksum_at: int = 16) -> None:
    header = struct.pack("=BBHHHH", NEEDS_CSUM, gso_type, 0, SEGMENT if gso_type else 0, 20, checksum_at)
    os.write(_Tun.fd, header + packet)


def _read(wanted: Callable[[bytes], bool]) -> bytes:
    """The first IPv4 packet that is wanted; the kernel sends router solicitations and the like too."""
    poll = select.poll()
    poll.register(_Tun.fd, select.POLLIN)
    while poll.poll(WAIT_S * 1000):
        packet = os.read(_Tun.fd, 65535)[tun.VNET_HDR_SIZE:]
        if packet[0] >> 4 == 4 and wanted(packet):
            return packet
    raise DeviceError("no answer from the kernel")


def _tcp(flags: int, sequence: int, acknowledged: int, data: bytes = b"") -> bytes:
    size = 20 + len(data)
    fields = (FAR_PORT, PORT, sequence, acknowledged, 5 << 4, flags, 65535, _pseudo(socket.IPPROTO_TCP, size), 0)
    return _ip(socket.IPPROTO_TCP, size) + struct.pack("!HHIIBBHHH", *fields) + data


def _udp(data: bytes) -> bytes:
    size = 8 + len(data)
    header = struct.pack("!HHHH", FAR_PORT, PORT, size, _pseudo(socket.IPPROTO_UDP, size))
    return _ip(socket.IPPROTO_UDP, size) + header + data


def _ip(protocol: int, size: int) -> bytes:
    ends = socket.inet_aton(THERE) + socket.inet_aton(HERE)
    blank = struct.pack("!BBHHHBBH", 0x45, 0, 20 + size, 0, 0, 64, protocol, 0)
    checksum = 0xFFFF - _sum(blank + ends)
    return blank[:10] + struct.pack("!H", checksum) + ends


def _pseudo(protocol: int, size: int) -> int:
    """What the checksum field holds where the kernel is to finish it (NEEDS_CSUM)."""
    ends = socket.inet_aton(THERE) + socket.inet_aton(HERE)
    return _sum(ends + struct.pack("!HH", protocol, size))


def _sum(octets: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


if __name__ == "__main__":
    main()
