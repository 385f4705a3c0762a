"""PacketSocket without an interface; with one: tests/netns/test_packet_socket*.py."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from tunnel.batch import Batch
from tunnel.devices import ingress_guard
from tunnel.devices.packet_socket import PacketSocket
from tunnel.errors import DeviceClosed, DeviceError

F_ALL = 0x67


def test_what_it_carries_is_known_before_it_is_open() -> None:
    device = PacketSocket(interface="eth9")
    assert (device.medium, device.brings, device.accepts, device.fd) == (1, F_ALL, F_ALL, -1)
    assert device.kernel_drops() == {"rx": 0}


def test_the_interface_is_the_devices_name_unless_told() -> None:
    device = PacketSocket()
    device.name = "eth8"
    assert device.interface == "eth8"
    assert PacketSocket(interface="eth9").interface == "eth9"


def test_closed_is_told() -> None:
    device = PacketSocket(interface="eth9")
    device.close()
    with pytest.raises(DeviceClosed, match="interface eth9: gone"):
        device.recv(Batch())
    with pytest.raises(DeviceClosed, match="interface eth9: gone"):
        device.send(Batch.of([bytes(60)]))


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(TypeError, match="interfaces"):
        PacketSocket(interfaces="eth9")


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.EPERM, "CAP_NET_ADMIN is needed"), (errno.EPROTONOSUPPORT, "nftables (netdev) is needed")],
)
def test_a_guard_that_cannot_be_had_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(DeviceError) as raised:
        ingress_guard.guard("eth9")
    assert raised.value.errno == number
    assert f"interface eth9: no guard against the kernel's own answers: {os.strerror(number)}" in str(raised.value)
    assert f"{remedy}, or `guard = false`" in str(raised.value)


def test_the_sockets_of_an_interface_are_alike() -> None:
    device = PacketSocket(promiscuous=False)
    device.name = "eth8"
    queues = device.queues(2)
    assert [(queue.interface, queue.options) for queue in queues] == [("eth8", device.options)] * 2
