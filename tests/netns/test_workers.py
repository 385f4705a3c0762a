"""Several workers on one interface and on one port: what each of them carries, and in which order."""

from __future__ import annotations

import os
import select
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack
from itertools import product
from time import monotonic

import msgspec
import pytest
from pyroute2 import IPRoute

from tests.netns.alone import alone
from tests.netns.engines import PATIENCE_S, until
from tests.netns.tuns import delete, link, names, silence_all, speak
from tunnel import service, workers
from tunnel.counters import Ledger, engine_imbalance
from tunnel.device import Device
from tunnel.devices.socket_buffers import widen
from tunnel.devices.tuntap import Tun
from tunnel.devices.udp import Udp
from tunnel.devices.udp_socket import drops
from tunnel.errors import DeviceError
from tunnel.graph import Graph
from tunnel.handlers.echo import Echo
from tunnel.handlers.udp_tunnel import UdpTunnel

SOCKETS, PORTS = 10, 100  # 1,000 flows
ROUNDS, BURST = 5, 8  # packets of a flow, one behind the other


def graph(device: Device, **options: object) -> Graph:
    """An echo that sends UDP back, in two workers."""
    made = Graph()
    made.engine = msgspec.structs.replace(made.engine, workers=2, **options)
    made.add(device, "device")
    made.add(Echo(reflect_udp=True, rate=0, local_port=9000 if isinstance(device, Udp) else 0), "echo")
    made.link("device -- echo")
    return made


def during(site: Graph, scene: Callable[[], None]) -> list[Ledger]:
    """What each worker has counted while the scene was played, here."""

    def started() -> None:
        scene()
        os.kill(os.getpid(), signal.SIGTERM)

    ledgers = workers.run(site, service.alone, started)
    assert [engine_imbalance(ledger) for ledger in ledgers] == [0] * len(ledgers)
    return ledgers


class Flows:
    """Sockets that send numbered datagrams to many ports, and what comes back to each, in order."""

    def __init__(self, stack: ExitStack, *sources: str) -> None:
        self.sockets = []
        for source in sources:
            sock = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            widen(sock, source)
            sock.bind((source, 0))
            sock.setblocking(False)
            self.sockets.append(sock)
        self.sent = 0
        self.back: dict[tuple[int, object], list[int]] = {}

    def send(self, address: str, ports: range, number: int) -> None:
        for sock, port in product(self.sockets, ports):
            sock.sendto(number.to_bytes(4, "big"), (address, port))
            self.sent += 1

    def read(self, wait_s: float = 0) -> bool:
        """Take what has come; False where nothing has."""
        ready = select.select(self.sockets, [], [], wait_s)[0]
        for sock in ready:
            try:
                while True:
                    data, source = sock.recvfrom(100)
                    self.back.setdefault((sock.fileno(), source), []).append(int.from_bytes(data, "big"))
            except BlockingIOError:
                pass
        return bool(ready)

    @property
    def received(self) -> int:
        return sum(map(len, self.back.values()))

    def settle(self) -> None:
        """Until everything has come back, or nothing does any more."""
        limit = monotonic() + PATIENCE_S
        while self.received < self.sent and monotonic() < limit and self.read(0.5):
            pass

    def in_order(self) -> bool:
        return all(numbers == sorted(set(numbers)) for numbers in self.back.values())


def carried(ledgers: list[Ledger]) -> list[int]:
    return [ledger["devices"]["device"]["rx"]["packets"] for ledger in ledgers]


@alone
def test_a_thousand_flows_stay_in_order_on_two_queues() -> None:
    silence_all()
    with ExitStack() as stack:
        lost: list[int] = []

        def scene() -> None:
            flows = Flows(stack, *["10.7.0.1"] * SOCKETS)
            for start in range(0, ROUNDS * BURST, BURST):
                for number in range(start, start + BURST):
                    flows.send("10.7.0.9", range(6000, 6000 + PORTS), number)
                    flows.read()
                flows.settle()
            stats = link("t0")["stats64"]
            dropped = sum(map(drops, flows.sockets)) + stats["tx_dropped"] + stats["rx_dropped"]
            lost.append(flows.sent - flows.received - dropped)
            assert flows.in_order()
            assert len(flows.back) == SOCKETS * PORTS
            assert flows.received > flows.sent // 2

        ledgers = during(graph(Tun("t0", address=["10.7.0.1/24"], offload=False)), scene)
        ours = sum(tally["packets"] for ledger in ledgers for tally in ledger["handlers"]["echo"]["drops"].values())
        assert lost == [ours]
        assert min(carried(ledgers)) > sum(carried(ledgers)) // 10, "both queues carry"
    assert "t0" not in names()


@alone
def test_two_peers_at_one_port() -> None:
    with IPRoute() as ipr:
        for number in (1, 2, 3):
            ipr.addr("add", index=socket.if_nametoindex("va"), address=f"192.0.2.{number}", prefixlen=24)
    with ExitStack() as stack:

        def scene() -> None:
            flows = Flows(stack, *["192.0.2.2", "192.0.2.3"] * 16)
            for number in range(20):
                flows.send("192.0.2.1", range(9000, 9001), number)
            flows.settle()
            assert flows.in_order()
            assert flows.received == flows.sent == 32 * 20

        ledgers = during(graph(Udp(listen="0.0.0.0:9000")), scene)
        assert all(carried(ledgers)), "both sockets carry"
        assert sum(carried(ledgers)) == 32 * 20


def has(address: str) -> bool:
    """Whether this node has that address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        return sock.connect_ex((address, 9)) == 0 and sock.getsockname()[0] == address


@alone
def test_a_deleted_interface_comes_back_with_all_its_queues() -> None:
    silence_all()
    with ExitStack() as stack:

        def scene() -> None:
            for _ in range(2):
                delete("t0")
                until(lambda: "t0" in names() and link("t0")["tun_num_queues"] == 2)
                until(lambda: has("10.7.0.1"))
            flows = Flows(stack, *["10.7.0.1"] * SOCKETS)
            flows.send("10.7.0.9", range(6000, 6010), 0)
            flows.settle()
            assert flows.received == flows.sent

        ledgers = during(graph(Tun("t0", address=["10.7.0.1/24"]), on_gone="recreate"), scene)
        assert all(carried(ledgers))
    assert "t0" not in names()


@alone
def test_a_persistent_interface_is_attached_to() -> None:
    silence_all()
    during(graph(Tun("t0", persist=True, address=["10.7.0.1/24"])), lambda: None)
    assert link("t0")["tun_num_queues"] == 0

    def scene() -> None:
        assert link("t0")["tun_num_queues"] == 2
        speak(3)

    during(graph(Tun("t0", attach=True)), scene)
    delete("t0")
    with Tun("t0", persist=True):
        pass
    with pytest.raises(DeviceError, match="interface t0: .* with other queues"):
        during(graph(Tun("t0", attach=True)), scene)
    delete("t0")


@pytest.mark.usefixtures("all_on")
@alone
def test_super_packets_are_cut_to_what_the_tunnels_sends_take() -> None:
    site = Graph()
    site.engine = msgspec.structs.replace(site.engine, workers=2)
    site.add(Tun("t0", mtu=1400), "t0")
    site.add(UdpTunnel(peer="192.0.2.2:9000"), "tunnel")
    site.add(Udp(listen="127.0.0.1:0"), "wan")
    site.link("t0 -- tunnel.overlay")
    site.link("tunnel.underlay -- wan")
    found: list[int] = []
    during(site, lambda: found.append(link("t0")["gso_max_size"]))
    assert len(found) == 1
    assert 40_000 < found[0] < 65_507
