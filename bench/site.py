"""What the loads of network scenarios work on: two hosts, and a switch between them."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack
from dataclasses import dataclass, field

from bench.netns import Netns
from bench.process import Running
from bench.subject import BenchError

NEAR = "10.77.0.1"
FAR = "10.77.0.2"
VISITOR = ("198.51.100.2", "198.51.100.1")  # a stranger, and the far host as it reaches it
UNDERLAY = ("192.0.2.1", "192.0.2.2")  # near, far: what a tunnel runs over
KERNEL_QUEUE = 500  # packets a TUN or TAP queues where nobody sets it: TUN_READQ_SIZE in drivers/net/tun.c
QUEUE = 1000  # what every subject gets that leaves it so, as ours sets it


@dataclass
class Hosts:
    """Two hosts, each a namespace; the subject runs in a third, or in both of them.

    The near host's loads go from ``source`` to ``target``.
    """

    near: Netns
    far: Netns
    switch: Netns
    processes: list[Running] = field(default_factory=list)
    source: str = NEAR
    target: str = FAR

    def cpu_seconds(self) -> float:
        """What the subject's processes have used so far."""
        return sum(process.cpu_seconds() for process in self.processes)

    def resident_mb(self) -> float:
        """What the subject's processes hold in memory now, in millions of bytes."""
        return sum(process.resident_mb() for process in self.processes)

    def settle(self) -> None:
        """Return once the target answers; BenchError if it never does."""
        probe = self.near.command("ping", "-n", "-c", "1", "-W", "1", self.target)
        for _ in range(10):
            if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
                return
        written = "; ".join(process.output().strip()[-300:] for process in self.processes)
        raise BenchError(f"no answer from {self.target}: {written}")


def hosts(stack: ExitStack) -> Hosts:
    """Three fresh namespaces."""
    return Hosts(Netns(stack), Netns(stack), Netns(stack))


def cabled(stack: ExitStack) -> Hosts:
    """Two namespaces with one veth pair of MTU 1500 between them: ``eth0`` in each, with its ``UNDERLAY``."""
    near, far = Netns(stack), Netns(stack)
    near.ip(f"link add eth0 type veth peer name eth0 netns {far.path}")
    for host, address in zip((near, far), UNDERLAY, strict=True):
        host.ip(f"address add {address}/24 dev eth0", "link set eth0 mtu 1500 up")
    return Hosts(near, far, near)


def visitor(stack: ExitStack, site: Hosts) -> Netns:
    """A third host, with a cable of its own to the far one; the addresses are ``VISITOR``."""
    made = Netns(stack)
    made.ip(f"link add eth0 type veth peer name eth1 netns {site.far.path}")
    for host, name, address in ((made, "eth0", VISITOR[0]), (site.far, "eth1", VISITOR[1])):
        host.ip(f"address add {address}/24 dev {name}", f"link set {name} up")
    return made


def alone(stack: ExitStack) -> Hosts:
    """One namespace for the loads and for the subject, behind which the target is."""
    host = Netns(stack)
    return Hosts(host, host, host)


def adopt(site: Hosts, near: str, far: str) -> None:
    """Move two interfaces of the switch into the hosts, with addresses, up."""
    for host, name, address in ((site.near, near, NEAR), (site.far, far, FAR)):
        site.switch.ip(f"link set {name} netns {host.path}")
        host.ip(f"link set {name} name eth0", f"address add {address}/24 dev eth0")
        host.ip(f"link set eth0 txqueuelen {QUEUE} up")


def cable(site: Hosts, *, offload: bool) -> None:
    """A veth pair from each host's eth0 to the switch's ``port1`` and ``port2``.

    ``offload`` False turns off what leaves checksums and segments to the receiver, for a switch
    that reads frames as they are.
    """
    for host, address, port in ((site.near, NEAR, "port1"), (site.far, FAR, "port2")):
        site.switch.ip(
            f"link add {port} type veth peer name eth0 netns {host.path}", f"link set {port} up"
        )
        host.ip(f"address add {address}/24 dev eth0", "link set eth0 up")
        if not offload:
            host.run("ethtool", "-K", "eth0", "tx", "off")
