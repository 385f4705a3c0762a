"""The offloads of a virtio header: switches, probes, and what follows when the kernel refuses a super-packet."""

from __future__ import annotations

import logging

import pytest

from tests.unit.packets import datagram
from tunnel import offloads, reasons
from tunnel.batch import Batch
from tunnel.devices.memory import Memory
from tunnel.devices.vnet import Vnet
from tunnel.offload.fit import declare, fit
from tunnel.packet import IP

CSUM, TSO, USO = 1, 6, 0x60
ALL = CSUM | TSO | USO
UDP_L4, TCPV4, ECN = 5, 1, 0x80
SEGMENT = bytes.fromhex("450000640001000040060000 0a000001 0a000002 0400 0035 00000001 00000000 5010 ffff 0000 0000")


@pytest.fixture(autouse=True)
def all_on(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv(offloads.VARIABLE, "")
    return monkeypatch


@pytest.fixture
def device() -> Memory:
    found, _ = Memory.pair(medium=IP, brings=ALL, accepts=ALL)
    found.name = "t0"
    return found


def uso(**changes: int) -> Batch:
    """A super-packet of two datagrams."""
    batch = Batch.of([datagram(payload=bytes(20))], medium=IP)
    declare(batch[0], **{"gso_type": UDP_L4, "gso_size": 10, "csum_start": 20, "csum_offset": 6} | changes)
    return batch


def tso(**changes: int) -> Batch:
    """A super-packet of two segments."""
    batch = Batch.of([SEGMENT + bytes(60)], medium=IP)
    declare(batch[0], **{"gso_type": TCPV4, "gso_size": 30, "csum_start": 20, "csum_offset": 16} | changes)
    return batch


def state(vnet: Vnet) -> dict[str, tuple[bool, int]]:
    return {name: (bool(row["on"]), row["refused"]) for name, row in vnet.rows().items()}


def test_before_it_is_asked_nothing_is_on():
    assert state(Vnet()) == {"vnet": (False, 0), "tso": (False, 0), "uso": (False, 0)}
    assert Vnet().features() == 0


@pytest.mark.parametrize(("off", "features"), [
    ("", ALL), ("tso", CSUM | USO), ("uso", CSUM | TSO), ("tso,uso", CSUM), ("vnet", 0), ("all", 0),
    ("gso,gro,mmsg", ALL),
])  # fmt: skip
def test_the_switches(all_on: pytest.MonkeyPatch, off: str, features: int):
    all_on.setenv(offloads.VARIABLE, off)
    assert Vnet().choose(True) == features


def test_without_a_header_nothing_is_on():
    assert Vnet().choose(False) == 0


def test_what_a_probe_refuses_is_off_and_stays_off():
    vnet = Vnet()
    vnet.choose(True)
    vnet.unable("uso")
    assert (vnet.features(), state(vnet)["uso"]) == (CSUM | TSO, (False, 1))
    assert vnet.choose(True) == CSUM | TSO


@pytest.mark.parametrize(("make", "name", "rest"), [(tso, "tso", CSUM | USO), (uso, "uso", CSUM | TSO)])
def test_a_refusal_switches_the_offload_off_and_keeps_the_packet(
    device: Memory, caplog: pytest.LogCaptureFixture, make, name: str, rest: int
):
    vnet, batch = Vnet(), make()
    vnet.choose(True)
    assert fit(batch)[0].reason == reasons.UNCLAIMED, "it is no liar"
    with caplog.at_level(logging.WARNING):
        assert not vnet.refused(device, batch[0])
    assert (batch[0].reason, device.accepts, vnet.features()) == (reasons.UNCLAIMED, rest, rest)
    assert state(vnet)[name] == (False, 1)
    assert [record.getMessage() for record in caplog.records] == [
        f"t0: the kernel refuses {name} (Invalid argument); it is switched off, everything works without; "
        f"TUNNEL_NO_OFFLOAD={name} does so from the start"
    ]
    assert vnet.choose(True) == rest, "opened again it stays off"


def test_one_that_is_off_costs_the_packet_and_warns_no_more(device: Memory, caplog: pytest.LogCaptureFixture):
    vnet, batch = Vnet(), uso()
    vnet.choose(True)
    vnet.refused(device, batch[0])
    assert vnet.refused(device, batch[0])
    assert (batch[0].reason, state(vnet)["uso"]) == (reasons.REFUSED, (False, 2))
    assert len(caplog.records) == 1


@pytest.mark.parametrize("lie", [
    {"gso_size": 0}, {"gso_size": 0xFFFF}, {"csum_start": 24}, {"csum_start": 2000}, {"csum_offset": 4},
    {"gso_type": 2}, {"gso_type": 4}, {"gso_type": TCPV4}, {"needs_csum": False},
])  # fmt: skip
def test_a_liar_costs_itself_only(device: Memory, caplog: pytest.LogCaptureFixture, lie: dict[str, int]):
    vnet, batch = Vnet(), uso(**lie)
    vnet.choose(True)
    assert vnet.refused(device, batch[0])
    assert (batch[0].reason, device.accepts, vnet.features()) == (reasons.BAD_GSO, ALL, ALL)
    assert state(vnet)["uso"] == (True, 0)
    assert not caplog.records


def test_congestion_experienced_is_still_tcp(device: Memory):
    vnet, batch = Vnet(), tso(gso_type=TCPV4 | ECN)
    vnet.choose(True)
    assert not vnet.refused(device, batch[0])
    assert state(vnet)["tso"] == (False, 1)
