"""``tunnel wire``: two TAPs, moved to two hosts while it runs."""

from __future__ import annotations

import pytest

from tests.netns.engines import Running, running, until
from tunnel.lab import Lab, Node
from tunnel.lab.probe import ping, transfer


@pytest.fixture
def cable(lab: Lab):
    switch, left, right = lab.node("switch"), lab.node("left"), lab.node("right")
    with running(switch, "wire", "ta", "tb") as engine:
        for interface, host, number in (("ta", left, 1), ("tb", right, 2)):
            switch.move(interface, host)
            host.address(interface, f"10.9.0.{number}/24", f"fd09::{number}/64")
            host.up(interface)
        yield engine, left, right


@pytest.mark.parametrize("address", ["10.9.0.2", "fd09::2"])
def test_pings_and_tcp_cross(cable: tuple[Running, Node, Node], address: str):
    engine, left, right = cable
    assert len(ping(left, address, count=20, interval_s=0.01).rtts_s) == 20
    moved = transfer(left, right, address, seconds=0.5)
    assert moved.intact and moved.size > 1_000_000
    assert engine.stop()["handlers"]["wire"]["drops"] == {}


@pytest.mark.usefixtures("all_on")
def test_super_packets_stay_whole(cable: tuple[Running, Node, Node]):
    engine, left, right = cable
    transfer(left, right, "10.9.0.2", seconds=0.5)
    received = engine.stop()["devices"]["ta"]["rx"]
    assert received["packets"] > 5 * received["descriptors"]


def test_the_kernel_counts_the_same(cable: tuple[Running, Node, Node]):
    engine, left, right = cable
    transfer(left, right, "10.9.0.2", seconds=0.3)
    left.down("ta")
    right.down("tb")
    kernel = {"ta": left.statistics("ta"), "tb": right.statistics("tb")}
    devices = engine.stop()["devices"]
    for name, other in (("ta", "tb"), ("tb", "ta")):
        assert devices[name]["rx"]["descriptors"] == kernel[name]["tx_packets"]
        assert devices[name]["rx"]["bytes"] == kernel[name]["tx_bytes"]
        assert devices[name]["tx"]["descriptors"] == kernel[name]["rx_packets"]
        refused = devices[name]["drops"].get("LINK_DOWN", {"descriptors": 0})["descriptors"]
        assert devices[name]["tx"]["descriptors"] + refused == devices[other]["rx"]["descriptors"]


def test_a_link_goes_down_and_up(cable: tuple[Running, Node, Node]):
    engine, left, right = cable
    right.down("tb")
    assert ping(left, "10.9.0.2", count=2, interval_s=0.02).rtts_s == ()
    right.up("tb")
    until(lambda: bool(ping(left, "10.9.0.2", count=1, interval_s=0.02).rtts_s))  # the neighbour is asked for again
    assert engine.stop()["devices"]["tb"]["drops"]["LINK_DOWN"]["packets"] > 0


def test_the_end_of_a_device_ends_the_engine(cable: tuple[Running, Node, Node]):
    engine, left, _ = cable
    left.delete("ta")
    status, errors = engine.wait()
    assert status == 2
    assert "interface ta: gone" in errors and "Traceback" not in errors


def test_an_interface_may_have_the_name_of_the_handler(lab: Lab):
    with running(lab.node("a"), "wire", "wire", "cable") as engine:
        assert set(engine.stop()["devices"]) == {"wire", "cable"}
