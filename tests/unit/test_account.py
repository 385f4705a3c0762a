"""The ledger as a table: every drop is in it, under a reason that says something."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.rig import Rig
from tests.unit.test_counters import counts
from tunnel import account, reasons
from tunnel.account import Row, report, rows
from tunnel.counters import Counts, Ledger, NamespaceDrops
from tunnel.device import Device
from tunnel.devices.memory import Memory
from tunnel.devices.packet_socket import PacketSocket
from tunnel.devices.pcap import Pcap
from tunnel.devices.tuntap import Tap, Tun
from tunnel.devices.udp import Udp
from tunnel.handler import Handler

TOP = Path(__file__).parents[2]


def ledger(
    devices: dict[str, Counts] | None = None,
    handlers: dict[str, Counts] | None = None,
    kernel: dict[str, dict[str, int | None]] | None = None,
    namespaces: dict[str, NamespaceDrops | None] | None = None,
) -> Ledger:
    return {
        "devices": devices or {}, "handlers": handlers or {}, "kernel": kernel or {},
        "namespaces": namespaces or {}, "offloads": {},
    }  # fmt: skip


def around(**interfaces: int) -> NamespaceDrops:
    return {
        "interfaces": {name: {"rx_dropped": 0, "tx_dropped": count} for name, count in interfaces.items()},
        "protocols": {"Udp": {"RcvbufErrors": 4, "NoPorts": 0}},
    }


def test_drops_of_devices_and_handlers_in_three_units():
    found = rows(ledger({"wan": counts({"TOO_BIG": 2})}, {"t": counts({"STRANGER": 1})}))
    assert found == [
        Row("device wan", "TOO_BIG", "larger than the path's MTU", 2, 201, 7),
        Row("handler t", "STRANGER", "from an address that is not the peer's", 1, 101, 7),
    ]


def test_the_kernel_counts_descriptors_only_and_zero_is_told():
    found = rows(ledger(kernel={"wan": {"rx": 0}, "tun0": {"tx": 12}}))
    assert [(row.where, row.reason, row.packets, row.descriptors, row.bytes) for row in found] == [
        ("kernel wan", "rx", None, 0, None),
        ("kernel tun0", "tx", None, 12, None),
    ]
    assert "super-packet once" in report(ledger())["note"]


def test_what_could_not_be_read_says_so():
    found = rows(ledger(kernel={"tun0": {"tx": None}}, namespaces={"namespace of wan": None}))
    assert [(row.where, row.descriptors, row.meaning) for row in found] == [
        ("kernel tun0", None, account.UNREAD),
        ("namespace of wan", None, account.UNREAD),
    ]


def test_a_namespace_tells_what_is_not_zero():
    found = rows(ledger(namespaces={"net:[1]": around(eth0=3, lo=0)}))
    assert [(row.where, row.reason, row.descriptors) for row in found] == [
        ("netns eth0", "tx_dropped", 3),
        ("netns Udp", "RcvbufErrors", 4),
    ]


def test_several_namespaces_go_by_their_names():
    found = rows(ledger(namespaces={"net:[1]": around(eth0=3), "net:[2]": around(eth0=5)}))
    assert [row.where for row in found] == ["net:[1] eth0", "net:[1] Udp", "net:[2] eth0", "net:[2] Udp"]


def test_the_report_is_all_of_it():
    whole = ledger({"a": counts({"LOOP": 1}, rx=3, tx=2)})
    found = report(whole)
    assert found["ledger"] is whole
    assert found["rows"][0]["reason"] == "LOOP"
    assert found["account"] == {
        "rx": 3, "emitted": 0, "cloned": 0, "tx": 2, "held": 0, "consumed": 0, "drops": 1, "open": 0,
    }  # fmt: skip


class Nameless(Handler):
    """Drops for a number that nobody declared."""

    ports = ("a",)

    def process(self, batch):
        for p in batch:
            p.drop(200)


def test_a_drop_that_nobody_declared_is_in_the_table_too():
    rig = Rig("x -- h.a", h=Nameless())
    rig.through("x", [bytes(12) + b"\x88\xb5" + bytes(46)])
    assert rows(rig.ledger()) == [Row("handler h", "REASON_200", "a number that nobody declared", 1, 1, 60)]


@pytest.mark.parametrize("reason", reasons.known())
def test_every_reason_has_a_text_of_its_own(reason: str):
    text = account.meaning(reason)
    assert len(text) > 10
    assert [account.meaning(other) for other in reasons.known()].count(text) == 1


DEVICES = [
    Tun("t0"), Tap("t0"), Udp(listen="127.0.0.1:0"), PacketSocket(interface="va"), Memory(), Pcap(path="x.pcapng"),
]  # fmt: skip


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: type(device).__name__)
def test_every_kernel_drop_of_a_device_has_a_meaning(device: Device):
    found = device.kernel_drops()
    assert set(found) <= set(account.KERNEL)
    assert set(found.values()) <= {0}
    assert device.namespace_drops() == {}


NATIVE = sorted((TOP / "ext").rglob("*.pyx"))


@pytest.mark.parametrize("source", NATIVE, ids=lambda path: str(path.relative_to(TOP)))
def test_native_code_drops_for_declared_reasons_only(source: Path):
    text = source.read_text()
    taken = dict(re.findall(r"^cdef uint16_t ([A-Z_]+) = reasons\.(\w+)$", text, re.M))
    assert all(constant == reason and reason in reasons.known() for constant, reason in taken.items())
    for said in re.findall(r"\bpacket_drop\(.*, (.*)\)$", text, re.M):
        named = set(re.findall(r"\b(?!E[A-Z]+\b)[A-Z][A-Z_]+\b", said))
        assert named <= set(taken), f"packet_drop(..., {said})"
        assert not re.search(r"\b\d+\b", said), f"packet_drop(..., {said}): a reason by number"
