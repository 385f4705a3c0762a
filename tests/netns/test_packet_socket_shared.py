"""PacketSockets of several workers on one interface."""

from __future__ import annotations

import os
import struct
from contextlib import ExitStack
from pathlib import Path

from tests.netns.alone import alone
from tests.netns.test_packet_socket import MACS, OURS, peer, silence
from tunnel.batch import Batch
from tunnel.devices.packet_socket import PacketSocket

FLOWS = 64


def udp(port: int, number: int) -> bytes:
    payload = number.to_bytes(18, "big")
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 46, 0, 0, 64, 17, 0, bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]))
    return MACS + b"\x08\x00" + ip + struct.pack(">HHHH", port, 2000, 26, 0) + payload


def received(device: PacketSocket) -> list[bytes]:
    found: list[bytes] = []
    while device.recv(batch := Batch()):
        found += [p.data for p in batch]
    return found


@alone
def test_each_frame_goes_to_one_of_them_by_its_flow() -> None:
    silence("va", "vb")
    with ExitStack() as stack, peer() as sock:
        queues = PacketSocket(interface="va").queues(2)
        for queue in queues:
            sock.send(udp(1, 0))
            stack.enter_context(queue)
        assert len(received(queues[0])) == 1, "what came before the second had joined"
        assert not received(queues[1])
        sent = [udp(port, number) for number in range(3) for port in range(1000, 1000 + FLOWS)]
        for frame in sent:
            sock.send(frame)
        heard = [received(queue) for queue in queues]
        assert sorted(heard[0] + heard[1]) == sorted(sent)
        assert min(map(len, heard)) >= 3
        ports = [{frame[34:36] for frame in some} for some in heard]
        assert not ports[0] & ports[1]
        for some in heard:
            assert some == [frame for frame in sent if frame in some], "in their order"
        assert [queue.kernel_drops() for queue in queues] == [{"rx": 0}] * 2


@alone
def test_what_is_sent_here_comes_to_none() -> None:
    silence("va", "vb")
    with ExitStack() as stack, peer("va") as neighbour:
        queues = [stack.enter_context(queue) for queue in PacketSocket(interface="va").queues(2)]
        for queue in queues:
            assert queue.send(Batch.of([MACS + OURS + bytes(50)])) == 1
        neighbour.send(MACS + OURS + b"by somebody else here")
        assert [received(queue) for queue in queues] == [[], []]


@alone
def test_leaving_undoes_nothing_and_closing_all() -> None:
    """One process leaves what another has open: the addresses come back when the other closes."""
    queues = PacketSocket(interface="va").queues(2)
    for queue in queues:
        queue.open()
    child = os.fork()
    if child == 0:
        for queue in queues:
            queue.leave()
        os._exit(0 if [queue.fd for queue in queues] == [-1, -1] else 1)
    assert os.waitpid(child, 0)[1] == 0
    with peer() as sock:
        sock.send(MACS + OURS + bytes(50))
        assert len(received(queues[0]) + received(queues[1])) >= 1
    assert not link_local()
    queues[1].close()
    assert not link_local()
    queues[0].close()
    assert link_local()


def link_local() -> bool:
    return any(line.split()[-1] == "va" for line in Path("/proc/net/if_inet6").read_text().splitlines())
