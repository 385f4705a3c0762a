"""``Node``: one network namespace of a lab, and everything to be done in it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunnel.errors import LabError
from tunnel.lab import names
from tunnel.lab.bridges import bridge_attributes

if TYPE_CHECKING:
    from tunnel.lab.lab import Lab

IFF_TUN, IFF_TAP = 0x0001, 0x0002  # include/uapi/linux/if_tun.h
IFF_MULTI_QUEUE, IFF_NO_PI, IFF_VNET_HDR = 0x0100, 0x1000, 0x4000
RUN_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Interface:
    """What the kernel says of an interface: ``mtu`` in bytes, ``txqueuelen`` in packets.

    ``kind`` is ``veth``, ``bridge``, ``tun`` ... or None for a real card; ``mac`` is None without
    Ethernet; ``master`` is the index of the bridge it is a port of.
    """

    name: str
    index: int
    kind: str | None
    mtu: int
    mac: str | None
    up: bool
    carrier: bool
    txqueuelen: int
    master: int | None


class Node:
    """A network namespace, made by ``Lab.node``; interfaces go by their names.

    Attributes: ``name``; ``netns`` and ``mount``, descriptors of its namespaces for setns(2), which the lab
    closes; ``path`` of the first under /proc for programs that want one. Every method raises ``LabError``
    with node, interface and the kernel's words.
    """

    def __init__(self, lab: Lab, name: str) -> None:
        self._lab, self.name = lab, name
        self._space: tuple[int, int, str] | None = None

    def __repr__(self) -> str:
        return f"<Node {self.name}>"

    @property
    def netns(self) -> int:
        """A descriptor of its network namespace."""
        return self._spaces()[0]

    @property
    def mount(self) -> int:
        """A descriptor of its mount namespace, which has a /run of its own."""
        return self._spaces()[1]

    @property
    def path(self) -> str:
        """A path of its network namespace, good while the lab is up."""
        return self._spaces()[2]

    def _spaces(self) -> tuple[int, int, str]:
        """Fetched when first asked for: a lab may have more nodes than a program descriptors."""
        if self._space is None:
            held, (net, mount) = self._lab.fetch(f"node {self.name}", "space", node=self.name)
            self._space = net, mount, f"/proc/{self._lab.pid}/fd/{held}"
        return self._space

    def forget(self) -> None:
        """Lets go of the descriptors."""
        if self._space is not None:
            os.close(self._space[0])
            os.close(self._space[1])
        self._space = None

    def _one(self, what: str, interface: str, op: str, **arguments: Any) -> Any:
        place = f"node {self.name}, {names.interface_name(interface)}"
        return self._lab.call(f"{place}: {what}", op, node=self.name, interface=interface, **arguments)

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
    ) -> None:
        """Sets what is given: ``mtu`` in bytes, ``txqueuelen`` in packets, the Ethernet address ``mac``."""
        fields: dict[str, int | str] = {}
        if mtu is not None:
            fields["mtu"] = names.count("mtu", mtu)
        if txqueuelen is not None:
            fields["txqueuelen"] = names.count("txqueuelen", txqueuelen)
        if mac is not None:
            fields["mac"] = names.mac(mac)
        what = " ".join(f"{name} {value}" for name, value in fields.items())
        self._one(f"set {what}", interface, "set", fields=fields)

    def address(self, interface: str, *addresses: str) -> None:
        """Adds addresses like ``10.0.0.1/24`` or ``fd00::1/64``, usable at once."""
        for text in addresses:
            own, prefix = names.address(text)
            self._one(f"add address {text}", interface, "address", address=own, prefix=prefix)

    def remove_address(self, interface: str, *addresses: str) -> None:
        """Takes addresses away, written as they were added."""
        for text in addresses:
            own, prefix = names.address(text)
            self._one(f"remove address {text}", interface, "address", address=own, prefix=prefix, remove=True)

    def addresses(self, interface: str) -> list[str]:
        """All addresses with their prefixes, the link-local ones of IPv6 included."""
        found: list[str] = self._one("list addresses", interface, "addresses")
        return found

    def neighbour(self, interface: str, address: str, mac: str) -> None:
        """Sets a permanent ARP or neighbour discovery entry."""
        where = {"address": str(names.host(address)), "mac": names.mac(mac)}
        self._one(f"neighbour {address}", interface, "neighbour", **where)

    def route(
        self, to: str, *, via: str | None = None, interface: str | None = None, metric: int | None = None
    ) -> None:
        """Adds a route to a network or ``default``, by the gateway ``via``, an interface or both."""
        gateway = names.host(via) if via else None
        self._lab.call(
            f"node {self.name}: route to {to} via {via or interface}",
            "route",
            node=self.name,
            to=names.destination(to, gateway.version if gateway else 4),
            via=str(gateway) if gateway else None,
            interface=names.interface_name(interface) if interface else None,
            metric=names.count("metric", metric) if metric is not None else None,
        )

    def bridge(
        self, name: str, ports: Iterable[str] = (), *, stp: bool = False, vlan_filtering: bool | None = None
    ) -> str:
        """Makes a bridge, down, with the given interfaces as its ports; gives its name."""
        data = bridge_attributes(stp=stp, vlan_filtering=vlan_filtering)
        self._one("make a bridge", name, "link", kind="bridge", data=data)
        self.enslave(name, *ports)
        return name

    def enslave(self, bridge: str | None, *ports: str) -> None:
        """Makes interfaces ports of a bridge; None takes them off theirs."""
        for port in ports:
            self._one(f"make it a port of {bridge}", port, "enslave", bridge=bridge)

    def delete(self, interface: str) -> None:
        """Deletes an interface; a veth takes its far end along."""
        self._one("delete", interface, "delete")

    def move(self, interface: str, to: Node) -> None:
        """Moves an interface to another node; it arrives down and without addresses."""
        self._one(f"move to {to.name}", interface, "move", peer=to.name)

    def interface(self, name: str) -> Interface:
        """What the kernel says of an interface."""
        return Interface(**self._one("look at it", name, "facts"))

    def statistics(self, interface: str) -> dict[str, int]:
        """The kernel's counters (``rx_packets``, ``tx_bytes``, ``rx_dropped`` ...; rtnl_link_stats64)."""
        found: dict[str, int] = self._one("read statistics", interface, "statistics")
        return found

    def sysctl(self, name: str, value: str | int | None = None) -> str:
        """Writes the sysctl ``net.*`` unless ``value`` is None; gives what it then is."""
        text = None if value is None else str(value)
        what = f"node {self.name}: sysctl {name}" + (f" = {text}" if text is not None else "")
        path = names.sysctl(name)
        found: str = self._lab.call(what, "sysctl", node=self.name, path=path, value=text)
        return found

    def socket(self, family: int, kind: int, proto: int = 0) -> socket.socket:
        """A socket of this node, for use in this process."""
        what = f"node {self.name}: open a socket ({family}, {kind}, {proto})"
        (fd,) = self._lab.open(what, "socket", node=self.name, family=family, kind=kind, proto=proto)
        return socket.socket(family, kind, proto, fileno=fd)

    def tun(
        self, name: str, *, tap: bool = False, vnet_hdr: bool = False, multi_queue: bool = False
    ) -> int:
        """Opens a TUN (or TAP) without the protocol header; gives its non-blocking descriptor.

        The caller closes it, and the device is gone with the last one. ``multi_queue`` makes each
        call a further queue; ``vnet_hdr`` puts a virtio_net_hdr before each packet.
        """
        flags = IFF_NO_PI | (IFF_TAP if tap else IFF_TUN)
        flags |= IFF_VNET_HDR * vnet_hdr | IFF_MULTI_QUEUE * multi_queue
        what = f"node {self.name}, {names.interface_name(name)}: open"
        return self._lab.open(what, "tun", node=self.name, interface=name, flags=flags)[0]

    def entrance(
        self, command: Sequence[str | os.PathLike[str]], path: str | None
    ) -> tuple[list[str], tuple[int, ...]]:
        """The words that execute a program in this node, and the descriptors that they need; ``path`` is where
        it is looked for."""
        program = [os.fspath(word) for word in command]
        if "/" not in program[0] and shutil.which(program[0], path=path) is None:
            raise LabError(f"node {self.name}: {program[0]} is not installed; install it")
        return self._lab.entrance({"net": self.netns, "mnt": self.mount}, program)

    def popen(self, command: Sequence[str | os.PathLike[str]], **options: Any) -> subprocess.Popen[Any]:
        """Starts a program in this node: ``options`` are those of ``subprocess.Popen``.

        It keeps the current folder, sees the node's private /run, and is killed with the lab. It is
        this process's child by its own process id.
        """
        words, fds = self.entrance(command, (options.get("env") or os.environ).get("PATH"))
        options["pass_fds"] = (*options.get("pass_fds", ()), *fds)
        process: subprocess.Popen[Any] = subprocess.Popen(words, **options)
        self._lab.started(process)
        return process

    def run(
        self,
        command: Sequence[str | os.PathLike[str]],
        *,
        check: bool = True,
        text_input: str | None = None,
        timeout_s: float = RUN_TIMEOUT_S,
    ) -> subprocess.CompletedProcess[str]:
        """Runs a program in this node to its end, output captured as text.

        Raises ``LabError`` for an exit status other than 0 (unless ``check`` is false) and at the
        time-out, after which the program is killed.
        """
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return self.completed(self.popen(command, text=True, **pipes), command, check, text_input, timeout_s)

    def completed(
        self, process: subprocess.Popen[str], command: Sequence[str | os.PathLike[str]], check: bool,
        text_input: str | None, timeout_s: float,
    ) -> subprocess.CompletedProcess[str]:  # fmt: skip
        """Awaits the end of a program that was started with pipes, as ``run`` does."""
        words = f"node {self.name}: {' '.join(map(str, command))}"
        with process:
            try:
                out, err = process.communicate(text_input, timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()
                raise LabError(f"{words}: not done after {timeout_s} s; give it a longer timeout_s") from None
        if check and process.returncode:
            raise LabError(f"{words}: ended with {process.returncode}: {(err or out).strip()}")
        return subprocess.CompletedProcess(list(command), process.returncode, out, err)
