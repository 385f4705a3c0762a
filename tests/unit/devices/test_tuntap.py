"""Tun and Tap without a kernel's favour: names, options, and what an open that fails says."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

import pytest

from tunnel.batch import Batch
from tunnel.devices import link, tun_ioctl
from tunnel.devices.tuntap import Tap, Tun
from tunnel.errors import ConfigError, DeviceClosed, DeviceError
from tunnel.packet import ETHERNET, IP

NOBODY = 65534


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """As a user who owns nothing; root becomes one for the test."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    yield
    if root:
        os.seteuid(0)


def test_what_they_are():
    assert (Tun("t0").medium, Tap("t0").medium) == (IP, ETHERNET)
    device = Tun("t0")
    assert (device.name, device.interface, device.fd, device.brings, device.accepts) == ("t0", "t0", -1, 0, 0)


def test_the_interface_may_have_a_name_of_its_own():
    device = Tun("office", interface="t0")
    assert (device.name, device.interface) == ("office", "t0")


@pytest.mark.parametrize("name", ["", "a" * 16, "ä" * 8, ".", "..", "a/b", "a:b", "a b", "tun%d", "a\tb"])
def test_names_that_the_kernel_would_not_take(name: str):
    with pytest.raises(ConfigError, match="1 to 15 bytes without"):
        Tun(name).open()


@pytest.mark.parametrize("name", ["a", "a" * 15, "ä" * 7, "eth0.5", "...", "-x"])
def test_names_that_it_takes(name: str):
    tun_ioctl.check_name(name)
    assert Tun(name).interface == name


@pytest.mark.parametrize(
    "options",
    [{"mtu": 67}, {"mtu": 65536}, {"mtu": "1400"}, {"txqueuelen": 0}, {"sndbuf": 0}, {"owner": -1}, {"colour": 1},
     {"address": ["10.0.0.1"]}, {"address": ["10.0.0.1/33"]}, {"persist": 1}],
)  # fmt: skip
def test_options_out_of_range(options: dict[str, object]):
    with pytest.raises(ConfigError, match=r"^tun: "):
        Tun("t0", **options)


def test_several_wrong_addresses_are_told_at_once():
    with pytest.raises(ConfigError) as caught:
        Tap("t0", address=["x", "10.0.0.1/24", "y"])
    assert [problem.text.split(":")[1].split()[1] for problem in caught.value.problems] == ["'x'", "'y'"]


def test_without_the_node_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tun_ioctl, "PATH", "/dev/net/nothing")
    device = Tun("t0")
    with pytest.raises(DeviceError, match="opening /dev/net/nothing: No such file or directory; load the tun driver"):
        device.open()
    assert device.fd == -1


@pytest.mark.usefixtures("unprivileged")
def test_without_rights_the_error_says_what_to_do():
    device = Tun("t0")
    with pytest.raises(DeviceError, match="Permission denied; let your user open|CAP_NET_ADMIN is needed") as caught:
        device.open()
    assert caught.value.errno in {errno.EACCES, errno.EPERM}
    assert caught.value.exit_code == 2
    assert device.fd == -1


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.EBUSY, "the name is in use"), (errno.EINVAL, "another kind"), (errno.EPERM, "CAP_NET_ADMIN"),
     (errno.ENODEV, "modprobe tun"), (errno.EIO, None)],
)  # fmt: skip
def test_what_an_ioctl_refuses_has_a_remedy(number: int, remedy: str | None):
    with pytest.raises(DeviceError) as caught:
        tun_ioctl.fail("interface t0", OSError(number, os.strerror(number)))
    text = str(caught.value)
    assert text.startswith(f"interface t0: {os.strerror(number)}")
    assert (remedy in text) if remedy else (";" not in text)
    assert caught.value.errno == number


def test_on_what_is_no_tun_every_ioctl_is_a_device_error():
    reader, writer = os.pipe()
    try:
        with pytest.raises(DeviceError, match="is no TUN or TAP"):
            tun_ioctl.identity(reader)
        with pytest.raises(DeviceError, match="owner 5: "):
            tun_ioctl.set_value(reader, tun_ioctl.TUNSETOWNER, 5, "owner")
        with pytest.raises(DeviceError, match="sndbuf 5: "):
            tun_ioctl.set_int(reader, tun_ioctl.TUNSETSNDBUF, 5, "sndbuf")
        with pytest.raises(DeviceError, match="virtio header size"):
            tun_ioctl.set_offload(reader, 0)
        with pytest.raises(DeviceError, match="interface t0: "):
            tun_ioctl.attach(reader, "t0", 0)
    finally:
        os.close(reader)
        os.close(writer)


def test_a_link_that_is_not_there():
    with pytest.raises(DeviceError, match="interface nothere: No such device; there is none of that name"):
        link.find("nothere")


def test_a_descriptor_of_something_else_is_closed():
    reader, writer = os.pipe()
    with pytest.raises(DeviceError, match="is no TUN or TAP"):
        Tun(fd=reader).open()
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(reader)
    os.close(writer)


def test_nothing_else_is_asked_for_with_a_descriptor():
    with pytest.raises(ConfigError, match=r"^tap: fd: .*; leave out mtu, netns, up$"):
        Tap(fd=os.dup(0), netns="far", mtu=1500, up=True)
    with pytest.raises(ConfigError, match=r"^tun: .*fd"):
        Tun(fd=-1)


def test_closed_it_is_gone():
    device = Tun("t0")
    device.close()
    device.close()
    with pytest.raises(DeviceClosed, match="t0: gone"):
        device.recv(Batch())
    with pytest.raises(DeviceClosed, match="t0: gone"):
        device.send(Batch.of([b"\x45" + bytes(19)], medium=IP))
    assert device.send(Batch()) == 0


def test_the_queues_of_an_interface_are_alike():
    device = Tap("t0", mtu=1400, netns="far", persist=True, address=["10.0.0.1/24"])
    queues = device.queues(3)
    assert [(type(queue), queue.name, queue.netns, queue.options) for queue in queues] == [
        (Tap, "t0", "far", device.options)
    ] * 3
    assert [queue.fd for queue in queues] == [-1] * 3


def test_an_open_descriptor_is_one_queue():
    with pytest.raises(ConfigError, match="an open descriptor is one queue, expected workers = 1, or a name"):
        Tun(fd=os.dup(0)).queues(2)
