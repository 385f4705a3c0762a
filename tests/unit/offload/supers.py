"""Super-packets for the tests of the offloads, and batches of them."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import strategies as st

from tests.oracles import frames as wire
from tests.oracles import segment as twin
from tunnel.batch import Batch
from tunnel.offload.fit import declare
from tunnel.packet import ETHERNET, IP

TCPV4, TCPV6, UDP_L4, ECN = 1, 4, 5, 0x80
CSUM, TSO4, TSO6, USO4, USO6 = 1, 2, 4, 0x20, 0x40


@st.composite
def supers(draw: st.DrawFn) -> tuple[twin.Super, int]:
    """A super-packet and its medium."""
    inner = draw(st.sampled_from(["TCP", "UDP"]))
    head = wire.tcps() if inner == "TCP" else wire.udps
    network = draw(st.one_of(wire.packets4(), wire.packets6()))
    while not isinstance(network.lastlayer(), (wire.IP, wire.IPv6, *wire.EXTENSIONS)):
        network.lastlayer().underlayer.remove_payload()
    size = draw(st.integers(2, 300))
    body = draw(st.binary(min_size=1, max_size=64)) * draw(st.integers(1, 20))
    transport = draw(head)
    transport.remove_payload()
    packet = network / transport / wire.Raw(body)
    medium = draw(st.sampled_from([ETHERNET, IP]))
    frame = packet if medium == IP else draw(wire.links(packet).filter(lambda f: isinstance(f, wire.Ether)))
    data = bytes(frame)
    payload = len(data) - len(body)
    l4 = payload - len(bytes(transport))
    l3 = len(data) - len(bytes(packet))
    return twin.Super(data, l3, l4, payload, size, twin.TCP if inner == "TCP" else twin.UDP), medium


def gso_type(packet: twin.Super) -> int:
    """The type that a virtio header would name."""
    if packet.proto == twin.UDP:
        return UDP_L4
    return TCPV4 if packet.version == 4 else TCPV6


def feature(packet: twin.Super) -> int:
    """What a receiver must accept to be given it whole."""
    if packet.proto == twin.UDP:
        return USO4 if packet.version == 4 else USO6
    return TSO4 if packet.version == 4 else TSO6


def batch_of(packet: twin.Super, medium: int, partial: bool = True, **changes: int) -> Batch:
    """A batch of that super-packet, with a good plain packet before and behind it."""
    plain = b"\x45\0\0\x14" + b"\0" * 16 if medium == IP else b"\0" * 12 + b"\x88\xcc"
    batch = Batch.of([plain, packet.data, plain], medium=medium)
    fields = {
        "gso_type": gso_type(packet), "gso_size": packet.gso_size,
        "csum_start": packet.l4, "csum_offset": packet.field,
    }
    declare(batch[1], needs_csum=partial, **fields | changes)
    return batch


def datas(batch: Batch) -> list[bytes]:
    """The bytes of the packets between the first and the last."""
    return [p.data for p in batch][1:-1]


def one_super(proto: str = "TCP", version: int = 4, body: int = 3000) -> twin.Super:
    """A super-packet without link header; in ``flags`` everything that is set once."""
    head = wire.IP(src="10.0.0.1", dst="10.0.0.2")
    if version == 6:
        head = wire.IPv6(src="fd00::1", dst="fd00::2")
    over = wire.TCP(seq=0xFFFFFF00, flags="FPACE") if proto == "TCP" else wire.UDP()
    data = bytes(head / over / (b"x" * body))
    l4 = 20 if version == 4 else 40
    payload = len(data) - body
    return twin.partial(twin.Super(data, 0, l4, payload, 1000, twin.TCP if proto == "TCP" else twin.UDP))


def exhaust(batch: Batch) -> None:
    """Fill the batch's arena: less than 1,100 bytes are left of it."""
    with suppress(MemoryError):
        while True:
            batch.emit(bytes(1000))
