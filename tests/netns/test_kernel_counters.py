"""The kernel's drops on a device's account and in its namespace: wherever they are, with few rights, never invented."""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pyroute2 import IPRoute

from tests.netns.alone import alone, another
from tests.netns.engines import until
from tests.netns.tuns import change, delete, link, silence_all, speak, tun
from tunnel.batch import Batch
from tunnel.counters import NamespaceDrops
from tunnel.device import Device
from tunnel.devices.packet_socket import PacketSocket
from tunnel.devices.tuntap import Tun
from tunnel.devices.udp import Udp
from tunnel.errors import DeviceClosed
from tunnel.netlink import Netlink
from tunnel.netns import inside

QUEUE = 10  # packets
CAP_NET_ADMIN = 12


def elsewhere() -> int:
    """Another namespace, in which nobody speaks but the test."""
    far = another()
    inside(far, silence_all)
    return far


def overrun(count: int = 100) -> int:
    """More than the queue takes; how many were dropped."""
    speak(count)
    return int(link("t0")["stats64"]["tx_dropped"])


def move(fd: int) -> None:
    change("t0", net_ns_fd=fd)


def bring_up(fd: int) -> None:
    with Netlink(fd) as netlink:
        netlink.set_link("t0", up=True)
        netlink.add_address("t0", "10.7.0.1/24")


@contextmanager
def without_net_admin() -> Iterator[None]:
    """This thread has the capability no more, until it takes it back."""
    libc = ctypes.CDLL(None, use_errno=True)
    header, before = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, before) == 0
    less = (ctypes.c_uint32 * 6)(*before)
    less[0] &= ~(1 << CAP_NET_ADMIN)
    assert libc.capset(header, less) == 0
    try:
        yield
    finally:
        assert libc.capset(header, before) == 0


def gone(device: Device) -> bool:
    """Whether a read says so."""
    try:
        device.recv(Batch())
    except DeviceClosed:
        return True
    return False


def only(device: Device) -> tuple[str, NamespaceDrops]:
    """The one namespace that a device tells of."""
    ((label, found),) = device.namespace_drops().items()
    assert found is not None
    return label, found


@alone
def test_a_full_queue_is_counted_and_kept() -> None:
    silence_all()
    device = tun(txqueuelen=QUEUE)
    with device:
        assert device.kernel_drops() == {"tx": 0}
        lost = overrun()
        assert lost >= 100 - QUEUE
        assert device.kernel_drops() == {"tx": lost}
    assert device.kernel_drops() == {"tx": lost}
    with device:
        assert device.kernel_drops() == {"tx": lost}, "a new interface begins with nothing"
        again = overrun()
    assert device.kernel_drops() == {"tx": lost + again}


@alone
def test_what_a_persistent_device_has_lost_before_is_not_ours() -> None:
    silence_all()
    with tun(txqueuelen=QUEUE, persist=True):
        before = overrun()
    with Tun("t0", attach=True, txqueuelen=QUEUE) as device:
        assert device.kernel_drops() == {"tx": 0}
        assert overrun() > before > 0
        assert device.kernel_drops() == {"tx": overrun(0) - before}
    delete("t0")


@alone
def test_it_is_read_where_the_interface_has_gone() -> None:
    silence_all()
    far = elsewhere()
    with tun(txqueuelen=QUEUE) as device:
        here = overrun()
        move(far)
        assert device.kernel_drops() == {"tx": here}
        bring_up(far)
        there = inside(far, overrun)
        assert there > here
        assert device.kernel_drops() == {"tx": there}
        os.close(far)
        until(lambda: gone(device))  # nothing of ours keeps the namespace: the interface ends with it
        assert device.kernel_drops() == {"tx": None}
    assert device.kernel_drops() == {"tx": None}, "the last of it is not known"


@alone
def test_a_device_opened_elsewhere() -> None:
    far = elsewhere()
    with Tun("t0", netns=far, address=["10.7.0.1/24"], txqueuelen=QUEUE) as device:
        lost = inside(far, overrun)
        assert device.kernel_drops() == {"tx": lost}
    os.close(far)


@alone
def test_an_inherited_descriptor_begins_with_nothing() -> None:
    silence_all()
    with tun(txqueuelen=QUEUE) as device:
        lost = overrun()
        with Tun(fd=os.dup(device.fd)) as other:
            assert other.kernel_drops() == {"tx": 0}
            more = overrun() - lost
            assert other.kernel_drops() == {"tx": more}
        with without_net_admin(), Tun(fd=os.dup(device.fd), name="t0") as blind:
            assert blind.kernel_drops() == {"tx": None}, "an interface of its name may be another one"


@alone
def test_without_the_right_it_is_read_at_home_only() -> None:
    silence_all()
    far, home = elsewhere(), os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    with tun(txqueuelen=QUEUE) as device:
        lost = overrun()
        with without_net_admin():
            assert device.kernel_drops() == {"tx": lost}
        move(far)
        with without_net_admin():
            assert device.kernel_drops() == {"tx": None}
        assert device.kernel_drops() == {"tx": lost}, "an unread one is no lost one"
    os.close(far)
    os.close(home)


@alone
def test_a_deleted_device_is_not_counted_as_zero() -> None:
    with tun(txqueuelen=QUEUE) as device:
        delete("t0")
        assert device.kernel_drops() == {"tx": None}
    assert device.kernel_drops() == {"tx": None}


def port_unreachable(address: str, count: int) -> None:
    """Datagrams to a port that nobody has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _ in range(count):
            sock.sendto(b"x", (address, 9))


@alone
def test_a_socket_tells_of_its_own_namespace() -> None:
    far = elsewhere()
    with Netlink() as netlink, Netlink(far) as there:
        for one in (netlink, there):
            one.set_link("lo", up=True)
    make: dict[str, Callable[[], Udp]] = {
        "here": lambda: Udp(listen="127.0.0.1:0"),
        "there": lambda: Udp(listen="127.0.0.1:0", netns=far),
        "inherited": lambda: Udp(fd=inside(far, _bound)),
    }
    for where, made in make.items():
        with made() as device:
            label, before = only(device)
            expected = os.stat("/proc/thread-self/ns/net").st_ino if where == "here" else os.fstat(far).st_ino
            assert label == f"net:[{expected}]"
            inside(None if where == "here" else far, lambda: port_unreachable("127.0.0.1", 7))
            _, after = only(device)
            assert after["protocols"]["Udp"]["NoPorts"] - before["protocols"]["Udp"]["NoPorts"] == 7
            with without_net_admin():
                assert only(device)[1] == after, "reading needs no right"
        assert device.namespace_drops() == {label: after}, "kept after close"
    os.close(far)


@alone
def test_a_forked_process_reads_the_same_namespace() -> None:
    far = elsewhere()
    with Netlink(far) as there:
        there.set_link("lo", up=True)
    with Udp(listen="127.0.0.1:0", netns=far) as device:
        label, before = only(device)
        inside(far, lambda: port_unreachable("127.0.0.1", 7))
        child = os.fork()
        if child == 0:
            name, after = only(device)
            risen = after["protocols"]["Udp"]["NoPorts"] - before["protocols"]["Udp"]["NoPorts"]
            right = (name, risen, after["interfaces"]) == (label, 7, before["interfaces"])
            os._exit(0 if right else 1)
        assert os.waitpid(child, 0)[1] == 0
    os.close(far)


def _bound() -> int:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    return sock.detach()


@alone
def test_an_inherited_socket_that_may_not_be_asked() -> None:
    far = elsewhere()
    with without_net_admin(), Udp(fd=_bound()) as device:
        assert list(device.namespace_drops().values()) == [None]
    os.close(far)


@alone
def test_an_inherited_socket_has_a_past() -> None:
    with Netlink() as netlink:
        netlink.set_link("lo", up=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        plain.bind(("127.0.0.1", 0))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for _ in range(100):
                sock.sendto(bytes(1000), plain.getsockname())
        with Udp(fd=plain.detach()) as device:
            assert device.kernel_drops() == {"rx": 0}


@alone
def test_interfaces_that_come_and_go() -> None:
    with PacketSocket(interface="va") as device:
        with IPRoute() as ipr:
            ipr.link("add", ifname="vc", kind="veth", peer="vd")
        assert only(device)[1]["interfaces"]["vc"] == {"rx_dropped": 0, "tx_dropped": 0}
        delete("vc")
        assert "vc" not in only(device)[1]["interfaces"]
