"""TUN and TAP against the kernel: how they are made, what passes, what happens when they go."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct

import pytest
from pyroute2 import IPRoute

from tests.netns.alone import alone, another
from tests.netns.tuns import attached, change, delete, link, names, received, speak, tun
from tunnel.batch import Batch
from tunnel.devices import tun_ioctl as ioctls
from tunnel.devices.link import set_link
from tunnel.devices.tuntap import Tap, Tun
from tunnel.errors import ConfigError, DeviceError
from tunnel.netns import inside
from tunnel.packet import F_ALL, IP

TUNGETSNDBUF = 0x800454D3


@pytest.mark.usefixtures("all_on")
@alone
def test_it_is_made_and_goes_with_its_descriptor() -> None:
    device = tun(mtu=1400, txqueuelen=77)
    with device:
        found = link("t0")
        assert (found["mtu"], found["txqlen"], found["tun_persist"], found["carrier"]) == (1400, 77, 0, 1)
        assert (device.medium, device.brings, device.accepts) == (IP, F_ALL, F_ALL)
        device.open()
    assert "t0" not in names()
    device.close()
    with device:
        assert "t0" in names()
    assert not names() & {"t0"}


@alone
def test_a_name_in_use_is_refused_and_nothing_changed() -> None:
    with tun(mtu=1400), pytest.raises(DeviceError, match="interface t0: .*the name is in use") as caught:
        Tun("t0", mtu=1300).open()
    assert caught.value.errno == errno.EBUSY
    with tun(mtu=1400), pytest.raises(DeviceError):
        Tap("t0").open()
    assert "t0" not in names()


@alone
def test_an_interface_of_another_kind_is_refused() -> None:
    with pytest.raises(DeviceError, match="interface va"):
        Tap("va", attach=True).open()
    assert "va" in names()


@pytest.mark.usefixtures("all_on")
@alone
def test_persist_and_attach() -> None:
    with Tun("t0", persist=True, owner=0, group=0, address=["10.7.0.1/24"]) as device:
        assert (device.brings, link("t0")["tun_persist"]) == (F_ALL, 1)
    found = link("t0")
    assert (found["tun_owner"], found["tun_group"]) == (0, 0)
    with pytest.raises(DeviceError):
        Tun("t0").open()
    with Tun("t0", attach=True) as device:
        attached(device)
        speak(3)
        assert len(received(device, 3)) == 3
    assert "t0" in names()
    delete("t0")


@alone
def test_attaching_to_nothing_is_refused_and_makes_nothing() -> None:
    with pytest.raises(DeviceError, match=r"interface t0: .*No such device; there is none of that name") as caught:
        Tun("t0", attach=True).open()
    assert caught.value.errno == errno.ENODEV
    assert "t0" not in names()


@alone
def test_what_fails_leaves_no_persistent_device() -> None:
    with pytest.raises(DeviceError, match="MTU 65535"):
        Tap("t0", persist=True, mtu=65535).open()
    assert "t0" not in names()


@pytest.mark.usefixtures("all_on")
@alone
def test_a_mask_does_not_stay_on_a_persistent_device() -> None:
    with Tun("t0", persist=True, address=["10.7.0.1/24"]) as first:
        assert first.brings == F_ALL
    with Tun("t0", attach=True, offload=False) as second:
        attached(second)
        speak()
        assert received(second, 1)[0][-4:] == bytes(4)
    delete("t0")


@alone
def test_settings_reach_the_kernel() -> None:
    with tun(sndbuf=50_000, carrier=False, up=False) as device:
        assert struct.unpack("i", fcntl.ioctl(device.fd, TUNGETSNDBUF, bytes(4)))[0] == 50_000
        found = link("t0")
        assert (found["carrier"], found["operstate"]) == (0, "DOWN")
        change("t0", state="up")
        assert link("t0")["operstate"] == "DOWN"


@alone
def test_mtu_out_of_range_says_what_is_in_range() -> None:
    for wrong in (67, 65536):
        with pytest.raises(ConfigError, match="mtu"):
            Tun("t0", mtu=wrong)
    with pytest.raises(DeviceError, match=r"interface t0: MTU 65522: .*up to 65521 for a TAP"):
        Tap("t0", mtu=65522).open()
    assert "t0" not in names()
    with Tap("t0", mtu=65521):
        assert link("t0")["mtu"] == 65521


@alone
def test_several_queues_of_one_device() -> None:
    with Tun("t0", multi_queue=True) as one, Tun("t0", multi_queue=True) as two:
        assert one.fd != two.fd
        assert link("t0")["tun_num_queues"] == 2


@alone
def test_in_another_namespace() -> None:
    there = another()
    with Tun("t0", netns=there, address=["10.7.0.1/24"]) as device:
        assert "t0" not in names()
        assert inside(there, names) == {"lo", "t0"}
        inside(there, speak)
        assert len(received(device, 1)) == 1
    assert inside(there, names) == {"lo"}
    with pytest.raises(DeviceError, match="namespace /run/netns/nowhere: No such file"):
        Tun("t0", netns="nowhere").open()


def made_elsewhere(flags: int) -> int:
    fd = ioctls.open_control()
    ioctls.attach(fd, "t0", flags | ioctls.IFF_NO_PI)
    return fd


@pytest.mark.usefixtures("all_on")
@alone
def test_an_inherited_descriptor() -> None:
    fd = made_elsewhere(ioctls.IFF_TUN | ioctls.IFF_VNET_HDR)
    os.set_blocking(fd, True)
    device = Tun(fd=fd)
    with device:
        assert (device.name, device.interface, device.fd, device.brings) == ("t0", "t0", fd, F_ALL)
        set_link("t0", mtu=1400, up=True)
        with IPRoute() as ipr:
            ipr.addr("add", index=socket.if_nametoindex("t0"), address="10.7.0.1", prefixlen=24)
        speak()
        assert len(received(device, 1)) == 1
        while device.recv(Batch()):
            pass
    assert "t0" not in names()
    with pytest.raises(DeviceError, match="cannot be opened again"):
        device.open()


@alone
def test_an_inherited_descriptor_without_the_header() -> None:
    with Tun("office", fd=made_elsewhere(ioctls.IFF_TUN)) as device:
        assert (device.name, device.interface) == ("office", "t0")
        assert (device.brings, device.accepts) == (0, 0)


@alone
def test_an_inherited_descriptor_of_something_else_is_refused_and_closed() -> None:
    fd = made_elsewhere(ioctls.IFF_TUN)
    with pytest.raises(DeviceError, match="t0 is not a tap"):
        Tap(fd=fd).open()
    assert "t0" not in names()
    reader, writer = os.pipe()
    with pytest.raises(DeviceError, match="is no TUN or TAP"):
        Tun(fd=reader).open()
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(reader)
    os.close(writer)
