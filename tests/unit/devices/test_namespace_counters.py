"""What a namespace drops, on a loopback that everybody may use; and that its files are closed."""

from __future__ import annotations

import gc
import os
import socket

import pytest

from tunnel import account
from tunnel.devices.namespace_counters import PROTOCOLS, NamespaceCounters, Surroundings, here


def files() -> list[str]:
    """What this process has open, but for the listing."""
    return sorted(os.listdir("/proc/self/fd"))[1:]


def refused_datagrams(count: int) -> None:
    """To a port of the loopback that nobody has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _ in range(count):
            sock.sendto(b"x", ("127.0.0.1", port))


def test_it_counts_from_its_beginning():
    counters = NamespaceCounters()
    before = counters.read()
    refused_datagrams(7)
    after = counters.read()
    assert after["protocols"]["Udp"]["NoPorts"] - before["protocols"]["Udp"]["NoPorts"] >= 7
    assert set(after["interfaces"]["lo"]) == {"rx_dropped", "tx_dropped"}
    assert set(after["protocols"]) <= set(PROTOCOLS)
    assert counters.label.startswith("net:[")


def test_one_for_all_devices_of_a_namespace():
    gc.collect()
    before = files()
    first, second = here(), here()
    assert first is second
    assert len(files()) > len(before)
    del first, second
    gc.collect()
    assert files() == before


def test_a_device_keeps_what_it_read_last():
    around = Surroundings()
    assert around.read() == {}
    around.start(None, "a device")
    (label,) = around.read()
    around.stop()
    refused_datagrams(3)
    kept = around.read()[label]
    assert kept is not None
    assert around.read() == {label: kept}


def test_a_namespace_that_cannot_be_entered_is_named():
    around = Surroundings()
    around.start("/nowhere/at/all", "udp 1.2.3.4:5")
    assert around.read() == {"namespace of udp 1.2.3.4:5": None}


def test_an_inherited_socket_tells_its_namespace():
    around = Surroundings()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        around.start_at(sock.fileno(), "udp fd 7")
    (label,) = around.read()
    assert label in (here().label, "namespace of udp fd 7"), "without CAP_NET_ADMIN it cannot be asked"


@pytest.mark.parametrize("name", sorted({name for names in PROTOCOLS.values() for name in names}))
def test_every_counter_has_a_meaning(name: str):
    assert len(account.KERNEL[name]) > 10
