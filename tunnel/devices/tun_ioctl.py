"""/dev/net/tun by ioctl: numbers of linux/if_tun.h and the steps that make or attach a device."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Iterable
from contextlib import suppress
from typing import NoReturn

from tunnel.devices.options import TunOptions
from tunnel.errors import ConfigError, DeviceError

PATH = "/dev/net/tun"

TUNSETIFF = 0x400454CA
TUNSETPERSIST = 0x400454CB
TUNSETOWNER = 0x400454CC
TUNSETGROUP = 0x400454CE
TUNGETIFF = 0x800454D2
TUNGETFEATURES = 0x800454CF
TUNSETOFFLOAD = 0x400454D0
TUNSETSNDBUF = 0x400454D4
TUNSETVNETHDRSZ = 0x400454D8
TUNGETVNETHDRSZ = 0x800454D7
TUNSETCARRIER = 0x400454E2
TUNGETDEVNETNS = 0x54E3

IFF_TUN = 0x0001
IFF_TAP = 0x0002
IFF_MULTI_QUEUE = 0x0100
IFF_NO_PI = 0x1000
IFF_VNET_HDR = 0x4000
IFF_TUN_EXCL = 0x8000

# USO only for both families together; everything needs CSUM (linux/if_tun.h, TUN_F_*).
OFFLOADS: tuple[int, ...] = (0x67, 0x61, 0x07, 0x01, 0)
VNET_HDR_SIZE = 10

REMEDIES = {
    errno.ENOENT: "load the tun driver (modprobe tun), or give the container --device /dev/net/tun",
    errno.ENODEV: "load the tun driver (modprobe tun)",
    errno.ENOTTY: f"{PATH} is not the tun driver: make it anew (mknod {PATH} c 10 200)",
    errno.EACCES: f"let your user open {PATH}, or run as root",
    errno.EPERM: "CAP_NET_ADMIN is needed, or a persistent device that your user owns",
    errno.EBUSY: "the name is in use: choose another, or end the program that has it",
    errno.EINVAL: "an interface of another kind or with other queues has the name: choose another",
}


def fail(what: str, error: OSError) -> NoReturn:
    """Raise ``DeviceError`` with what was tried, the kernel's word and the remedy."""
    number = error.errno or 0
    remedy = REMEDIES.get(number)
    raise DeviceError(f"{what}: {os.strerror(number)}" + (f"; {remedy}" if remedy else ""), number) from None


def check_name(name: str) -> None:
    """Raise ``ConfigError`` unless the kernel takes ``name`` for an interface (dev_valid_name)."""
    if not 0 < len(name.encode()) < 16 or name in (".", "..") or any(c in "/:%" or c.isspace() for c in name):
        raise ConfigError(f"interface {name!r}: 1 to 15 bytes without '/', ':', '%' and spaces were expected")


def check_inherited(kind: str, given: Iterable[str]) -> None:
    """Raise ``ConfigError`` for options beside ``fd``: all are for an interface that is made here."""
    others = sorted({*given} - {"fd"})
    if others:
        raise ConfigError(
            f"{kind}: fd: whoever opened the descriptor has set its interface up, so that nothing else can be asked "
            f"for here; leave out {', '.join(others)}"
        )


def open_control() -> int:
    """A fresh descriptor of /dev/net/tun."""
    try:
        return os.open(PATH, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        fail(f"opening {PATH}", error)


def attach(fd: int, name: str, flags: int) -> str:
    """Make or attach the device; the name that the kernel gave it."""
    try:
        answer = fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
    except OSError as error:
        fail(f"interface {name}", error)
    return answer[:16].rstrip(b"\0").decode()


def features(fd: int) -> int:
    """The IFF_ flags that this kernel knows; all others TUNSETIFF passes over without a word."""
    try:
        return int(struct.unpack("I", fcntl.ioctl(fd, TUNGETFEATURES, bytes(4)))[0])
    except OSError as error:
        fail("features", error)


def identity(fd: int) -> tuple[str, int]:
    """Name and IFF_ flags of the device behind a descriptor that was set up elsewhere."""
    try:
        name, flags = struct.unpack("16sH22x", fcntl.ioctl(fd, TUNGETIFF, bytes(40)))
    except OSError as error:
        raise DeviceError(f"descriptor {fd} is no TUN or TAP: {error.strerror}", error.errno or 0) from None
    return name.rstrip(b"\0").decode(), flags


def set_offload(fd: int, wanted: int) -> int:
    """Set the header size and the widest mask within ``wanted`` that the kernel takes; that mask.

    Both belong to the device and survive on a persistent one, so both are always set.
    """
    set_int(fd, TUNSETVNETHDRSZ, VNET_HDR_SIZE, "virtio header size")
    for mask in (mask for mask in OFFLOADS if mask & ~wanted == 0):
        try:
            fcntl.ioctl(fd, TUNSETOFFLOAD, mask)
        except OSError as error:
            if error.errno != errno.EINVAL:
                fail("offload", error)
        else:
            return mask
    raise DeviceError("the kernel refuses an offload mask of 0", errno.EINVAL)


def clear_offload(fd: int) -> None:
    """Leave a persistent device without a mask: it would surprise who attaches without the header."""
    with suppress(OSError):  # the device is gone: there is nothing to clear
        fcntl.ioctl(fd, TUNSETOFFLOAD, 0)


def set_ownership(fd: int, options: TunOptions) -> None:
    """Who may attach, how much a write may have in flight, and the carrier."""
    if options.owner is not None:
        set_value(fd, TUNSETOWNER, options.owner, "owner")
    if options.group is not None:
        set_value(fd, TUNSETGROUP, options.group, "group")
    if options.sndbuf is not None:
        set_int(fd, TUNSETSNDBUF, options.sndbuf, "sndbuf")
    set_int(fd, TUNSETCARRIER, options.carrier, "carrier")


def set_value(fd: int, number: int, value: int, what: str) -> None:
    """An ioctl that takes its argument by value."""
    try:
        fcntl.ioctl(fd, number, value)
    except OSError as error:
        fail(f"{what} {value}", error)


def set_int(fd: int, number: int, value: int, what: str) -> None:
    """An ioctl that takes a pointer to an int."""
    try:
        fcntl.ioctl(fd, number, struct.pack("i", value))
    except OSError as error:
        fail(f"{what} {value}", error)
