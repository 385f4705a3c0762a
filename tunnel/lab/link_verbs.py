"""What can be done to the interfaces of a namespace."""

from __future__ import annotations

import errno
import socket
from typing import Any, Self

from tunnel.lab import names, owners
from tunnel.lab.asking import NO_ADVICE, Asking
from tunnel.lab.rows import Interface

IFF_TUN, IFF_TAP = 0x0001, 0x0002  # include/uapi/linux/if_tun.h
UNNAMED = "with a free name"
WRONG_MAC = {errno.EADDRNOTAVAIL: "an interface cannot have a multicast or an empty address: 02:... are free for use"}
NAME_TAKEN = {errno.EBUSY: "there is an interface of that name: choose another or delete it first"}
NO_SUCH_ID = {errno.EINVAL: "this user namespace has no such user or group: only root of the machine knows all"}
NO_SYSCTL = {errno.ENOENT: "the kernel has no such sysctl, or the interface that it is of is not here"}
IFF_MULTI_QUEUE, IFF_NO_PI, IFF_VNET_HDR = 0x0100, 0x1000, 0x4000


class LinkVerbs(Asking):
    """Interfaces by their names."""

    def up(self, *interfaces: str) -> None:
        """Sets interfaces up; a link of which both ends are up is usable from then on."""
        for interface in interfaces:
            self._one("set up", interface, "up")

    def down(self, *interfaces: str) -> None:
        """Sets interfaces down."""
        for interface in interfaces:
            self._one("set down", interface, "set", fields={"up": False})

    def set(
        self,
        interface: str,
        *,
        mtu: int | None = None,
        txqueuelen: int | None = None,
        mac: str | None = None,
        name: str | None = None,
    ) -> None:
        """Sets what is given: ``mtu`` in bytes, ``txqueuelen`` in packets, the Ethernet address ``mac``, the name."""
        fields: dict[str, int | str] = {}
        if mtu is not None:
            fields["mtu"] = names.count("mtu", mtu)
        if txqueuelen is not None:
            fields["txqueuelen"] = names.count("txqueuelen", txqueuelen)
        if mac is not None:
            fields["mac"] = names.mac(mac)
        if name is not None:
            fields["name"] = names.interface_name(name)
        what = " ".join(f"{key} {value}" for key, value in fields.items())
        self._one(f"set {what}", interface, "set", WRONG_MAC if mac else NO_ADVICE, fields=fields)

    def link(self, interface: str, to: Self, peer: str, *, mtu: int = 1500, txqueuelen: int = 1000) -> None:
        """A veth pair from ``interface`` here to ``peer`` in another namespace or in this one, both ends down.

        The far end is made where it belongs. ``mtu`` in bytes, ``txqueuelen`` in packets.
        """
        self._pair(names.interface_name(interface), to, names.interface_name(peer), mtu=mtu, txqueuelen=txqueuelen)

    def _pair(self, interface: str, to: Self, peer: str, *, mtu: int, txqueuelen: int) -> Any:
        words = f"link {self.name} {interface or UNNAMED} to {to.name} {peer or UNNAMED}"
        numbers = {"mtu": names.count("mtu", mtu), "txqueuelen": names.count("txqueuelen", txqueuelen)}
        return self.ask(words, "veth", beside=to, interface=interface, far=peer, **numbers)

    def delete(self, interface: str) -> None:
        """Deletes an interface; a veth takes its far end along."""
        self._one("delete", interface, "delete")

    def move(self, interface: str, to: Self) -> None:
        """Moves an interface to another namespace; it arrives down and without addresses."""
        self._one(f"move to {to.name}", interface, "move", beside=to)

    def interface(self, name: str) -> Interface:
        """What the kernel says of an interface."""
        return Interface(**self._one("look at it", name, "facts"))

    def interfaces(self) -> list[Interface]:
        """What the kernel says of all interfaces."""
        return [Interface(**found) for found in self._ask("list interfaces", "interfaces")]

    def details(self, interface: str) -> dict[str, Any]:
        """What a TUN or TAP has beside that (``type``, ``owner``, ``group``, ``persistent``, ``multi_queue``), or a
        VXLAN (``vni``, ``remote``, ``local``, ``port``); empty for others."""
        found: dict[str, Any] = self._one("look at it", interface, "details")
        return found

    def statistics(self, interface: str) -> dict[str, int]:
        """The kernel's counters (``rx_packets``, ``tx_bytes``, ``rx_dropped`` ...; rtnl_link_stats64)."""
        found: dict[str, int] = self._one("read statistics", interface, "statistics")
        return found

    def sysctl(self, name: str, value: str | int | None = None) -> str:
        """Writes the sysctl ``net.*`` unless ``value`` is None; gives what it then is."""
        text = None if value is None else str(value)
        what = f"sysctl {name}" + (f" = {text}" if text is not None else "")
        found: str = self._ask(what, "sysctl", NO_SYSCTL, path=names.sysctl(name), value=text)
        return found

    def persistent_tun(
        self,
        name: str,
        *,
        tap: bool = False,
        multi_queue: bool = False,
        owner: int | str | None = None,
        group: int | str | None = None,
    ) -> str:
        """Makes a TUN (or TAP) that stays without a program, down; gives its name.

        ``owner`` and ``group``, names or numbers of this machine, may attach without further rights;
        ``multi_queue`` lets several programs attach, a queue each.
        """
        flags = IFF_NO_PI | (IFF_TAP if tap else IFF_TUN) | IFF_MULTI_QUEUE * multi_queue
        allowed = {"owner": owners.user(owner), "group": owners.group(group)}
        advice = NAME_TAKEN if owner is None and group is None else {**NAME_TAKEN, **NO_SUCH_ID}
        self._one(f"make a {'TAP' if tap else 'TUN'}", name, "tap", advice, flags=flags, **allowed)
        return name

    def tun(self, name: str, *, tap: bool = False, vnet_hdr: bool = False, multi_queue: bool = False) -> int:
        """Opens a TUN (or TAP) without the protocol header; gives its non-blocking descriptor.

        The caller closes it, and the device is gone with the last one, unless it is persistent. ``multi_queue``
        makes each call a further queue; ``vnet_hdr`` puts a virtio_net_hdr before each packet.
        """
        flags = IFF_NO_PI | (IFF_TAP if tap else IFF_TUN)
        flags |= IFF_VNET_HDR * vnet_hdr | IFF_MULTI_QUEUE * multi_queue
        what = f"{self.where}, {names.interface_name(name)}: open"
        return self.open(what, "tun", interface=name, flags=flags)

    def socket(self, family: int, kind: int, proto: int = 0) -> socket.socket:
        """A socket of this namespace, for use in this process."""
        what = f"{self.where}: open a socket ({family}, {kind}, {proto})"
        fd = self.open(what, "socket", family=family, kind=kind, proto=proto)
        return socket.socket(family, kind, proto, fileno=fd)
