"""Open vSwitch's userspace datapath on veth pairs, tuned and as installed.

Each instance has a database and a run directory of its own, in a namespace of its own: the host's
is not touched.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress

from bench.netns import Netns
from bench.process import Running
from bench.site import Hosts, cable, hosts
from bench.subject import BenchError, Program, Subject, program_version

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
NEEDS = (
    Program("ovs-vswitchd", "apt-get install openvswitch-switch"),
    Program("ethtool", "apt-get install ethtool"),
)


class Daemons:
    """One instance of Open vSwitch in a namespace, its files in a temporary folder."""

    def __init__(self, stack: ExitStack, netns: Netns) -> None:
        self._folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-ovs-"))
        places = ("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR")
        self._env = os.environ | dict.fromkeys(places, self._folder)
        self._stack, self._netns = stack, netns
        self._socket = f"unix:{self._folder}/db.sock"

    def database(self) -> None:
        """Make an empty database and serve it."""
        file = f"{self._folder}/conf.db"
        self._netns.run("ovsdb-tool", "create", file, SCHEMA, env=self._env)
        control = f"--unixctl={self._folder}/db.ctl"
        server = self._start("ovsdb-server", file, f"--remote=p{self._socket}", control)
        server.await_until(lambda: os.path.exists(f"{self._folder}/db.sock"), "database socket")
        self.configure("--no-wait", "init")

    def switch(self) -> Running:
        """Start vswitchd; it takes its ovs-netdev and br0 with it only if it is asked to clean up."""
        control = f"{self._folder}/switch.ctl"
        switch = self._start("ovs-vswitchd", self._socket, f"--unixctl={control}")
        self._stack.callback(self._clean_up, control)
        switch.await_until(lambda: os.path.exists(control), "control socket")
        return switch

    def configure(self, *words: str) -> None:
        """One ovs-vsctl; without --no-wait it returns when the switch has done it."""
        self._netns.run("ovs-vsctl", "--timeout=10", f"--db={self._socket}", *words, env=self._env)

    def _start(self, *argv: str) -> Running:
        return self._netns.start(self._stack, *argv, env=self._env)

    def _clean_up(self, control: str) -> None:
        with suppress(BenchError):  # it has ended by itself, which a load has reported
            self._netns.run("ovs-appctl", "--timeout=5", "-t", control, "exit", "--cleanup", env=self._env)


def netdev(*options: str, offload: bool) -> Callable[[ExitStack], Hosts]:
    """A ``build``: one bridge of the netdev datapath.

    ``options`` are columns of the table Open_vSwitch, set before vswitchd starts; ``offload`` is that
    of the hosts' interfaces.
    """

    def build(stack: ExitStack) -> Hosts:
        site = hosts(stack)
        cable(site, offload=offload)
        daemons = Daemons(stack, site.switch)
        daemons.database()
        if options:
            daemons.configure("--no-wait", "set", "Open_vSwitch", ".", *options)
        site.processes.append(daemons.switch())
        daemons.configure("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
        daemons.configure("add-port", "br0", "port1", "--", "add-port", "br0", "port2")
        site.settle()
        return site

    return build


def version() -> str:
    """As vswitchd tells it."""
    return program_version("ovs-vswitchd", "--version")


TUNED = Subject(
    name="ovs-tuned",
    setting="netdev datapath on veth, userspace-tso-enable, hosts' offloads on",
    build=netdev("other_config:userspace-tso-enable=true", offload=True),
    version=version,
    needs=NEEDS,
)
INSTALLED = Subject(
    name="ovs-installed",
    setting="netdev datapath on veth as installed, hosts' tx offload off",
    build=netdev(offload=False),
    version=version,
    needs=NEEDS,
)
