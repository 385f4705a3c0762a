"""What can be done to the bridges of a namespace, and to VXLANs, which join bridges of different machines."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from tunnel.errors import LabError
from tunnel.lab import names
from tunnel.lab.asking import Asking
from tunnel.lab.bridges import bridge_attributes
from tunnel.lab.rows import Bridge, FdbEntry, Port

LARGEST_PRIORITY, LARGEST_PORT, LARGEST_VNI = 2**16 - 1, 2**16 - 1, 2**24 - 1
NO_VLAN_FILTERING = {
    errno.EOPNOTSUPP: "this kernel has no VLAN filtering (CONFIG_BRIDGE_VLAN_FILTERING); without it a bridge passes"
    " tagged frames on as they are: use one bridge for each VLAN"
}
NOT_BOTH = {
    errno.ENODEV: "one of the two is not here: make it first",
    errno.EOPNOTSUPP: "only a bridge has ports: name one, or make it by `tunnel bridge add`",
}
NO_PORT = {
    errno.EOPNOTSUPP: "it is no port of a bridge: make it one first",
    errno.EINVAL: "it is no port of a bridge: make it one first",
    errno.ENOENT: "the bridge knows no such address there",
}
LONGEST_S = 1_000_000.0  # of a bridge's timers: the kernel multiplies them in 32 bits


class BridgeVerbs(Asking):
    """Bridges, their ports and what they have learnt."""

    def bridge(self, name: str, ports: Iterable[str] = (), **settings: Any) -> str:
        """Makes a bridge, down, with the given interfaces as its ports; ``settings`` as ``set_bridge`` takes them.

        Gives its name. Where a port is refused there is no bridge.
        """
        data = _settings(**{"stp": False, **settings})
        self._one("make a bridge", name, "link", NO_VLAN_FILTERING, kind="bridge", data=data)
        try:
            self.enslave(name, *ports)
        except LabError:
            with suppress(LabError):
                self._one("delete", name, "delete")
            raise
        return name

    def set_bridge(self, name: str, **settings: Any) -> None:
        """Sets what is given.

        ``stp``: IEEE 802.1D's spanning tree; ``priority`` in it, the lowest is its root; ``forward_delay_s``, 2 to
        30 s with it; ``ageing_s`` until an address is forgotten, 0 to learn none; ``snooping``: multicast only to
        ports that asked; ``vlan_filtering``: look at VLAN tags, an error where the kernel has none.
        """
        words = " ".join(f"{key} {value}" for key, value in settings.items())
        self._require_bridge(name)
        self._one(f"set {words}", name, "bridge", NO_VLAN_FILTERING, data=_settings(**settings))

    def bridge_settings(self, name: str) -> Bridge:
        """What is set of a bridge."""
        self._require_bridge(name)
        return Bridge(**self._one("look at it", name, "bridge_settings"))

    def _require_bridge(self, name: str) -> None:
        kind = self._one("look at it", name, "facts")["kind"]
        if kind != "bridge":
            raise LabError(f"{self.where}, {name}: it is a {kind or 'card'}, not a bridge; name a bridge", errno.EINVAL)

    def enslave(self, bridge: str | None, *ports: str) -> None:
        """Makes interfaces ports of a bridge; None takes them off theirs."""
        what = "take it off its bridge" if bridge is None else f"make it a port of {names.interface_name(bridge)}"
        for port in ports:
            self._one(what, port, "enslave", {} if bridge is None else NOT_BOTH, bridge=bridge)

    def release(self, bridge: str, *ports: str) -> None:
        """Takes interfaces off a bridge; all must be its ports, or nothing is done."""
        found = {port.name for port in self.ports(bridge)}
        if strangers := [port for port in ports if port not in found]:
            words = f"no port of it: {', '.join(strangers)}; its ports: {', '.join(sorted(found)) or 'none'}"
            raise LabError(f"{self.where}, {bridge}: {words}", errno.EINVAL)
        self.enslave(None, *ports)

    def ports(self, bridge: str) -> list[Port]:
        """The ports of a bridge."""
        self._require_bridge(bridge)
        return [Port(**row) for row in self._one("list ports", bridge, "bridge_ports")]

    def fdb(self, bridge: str) -> list[FdbEntry]:
        """The forwarding database of a bridge: the addresses it has learnt, was told, and its own."""
        self._require_bridge(bridge)
        return [FdbEntry(**row) for row in self._one("read the forwarding database", bridge, "fdb_entries")]

    def add_fdb(self, port: str, mac: str) -> None:
        """Tells the bridge that an Ethernet address is behind one of its ports, for good."""
        self._one(f"forward {mac} to it", port, "fdb", NO_PORT, mac=names.mac(mac))

    def remove_fdb(self, port: str, mac: str) -> None:
        """Has the bridge forget that."""
        self._one(f"forward {mac} to it no longer", port, "fdb", NO_PORT, mac=names.mac(mac), remove=True)

    def vxlan(
        self,
        name: str,
        vni: int,
        *,
        remote: str | None = None,
        local: str | None = None,
        parent: str | None = None,
        port: int | None = None,
        mtu: int | None = None,
    ) -> str:
        """Makes a VXLAN (RFC 7348), down: Ethernet over UDP to the host ``remote``, or to a multicast group.

        A group needs ``parent``, the interface to go out by. ``port`` is 4789 unless told. Gives its name.
        """
        given = (("remote", remote), ("local", local))
        ends: dict[str, Any] = {key: str(names.host(at)) for key, at in given if at is not None}
        if len({":" in at for at in ends.values()}) > 1:
            raise LabError(f"{self.where}, {name}: {remote} and {local} are of different families; give two of one")
        if parent is not None:
            ends["parent"] = names.interface_name(parent)
        numbers: dict[str, Any] = {"vni": names.count("vni", vni, LARGEST_VNI)}
        if port is not None:
            numbers["port"] = names.count("port", port, LARGEST_PORT)
        if mtu is not None:
            numbers["mtu"] = names.count("mtu", mtu)
        self._one(f"make a VXLAN of VNI {vni}", name, "vxlan", **numbers, **ends)
        return name


def _settings(
    *,
    stp: bool | None = None,
    priority: int | None = None,
    forward_delay_s: float | None = None,
    ageing_s: float | None = None,
    snooping: bool | None = None,
    vlan_filtering: bool | None = None,
) -> dict[str, Any]:
    if priority is not None:
        names.count("priority", priority, LARGEST_PRIORITY)
    if stp and forward_delay_s is not None and not 2 <= forward_delay_s <= 30:  # taken, and then cut to that
        words = f"forward delay {forward_delay_s} s: out of range; with the spanning tree it is 2 to 30 s"
        raise LabError(words, errno.ERANGE)
    for what, value in (("forward delay", forward_delay_s), ("ageing", ageing_s)):
        if value is not None and not 0 <= value <= LONGEST_S:
            raise LabError(f"{what} {value} s: 0 to {LONGEST_S:.0f} s were expected")
    return bridge_attributes(
        stp=stp, priority=priority, forward_delay_s=forward_delay_s, ageing_s=ageing_s, snooping=snooping,
        vlan_filtering=vlan_filtering,
    )  # fmt: skip
