"""Switches in user space that people run: Open vSwitch's userspace datapath, vde_switch."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack, suppress

from bench.netns import Netns
from bench.process import Running
from bench.site import Hosts, adopt, cable, hosts
from bench.subject import BenchError, Program, Subject, program_version

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
OVS = "apt-get install openvswitch-switch"


class OpenVSwitch(Subject[Hosts]):
    """The netdev datapath, with a database and run directory of its own."""

    needs = (Program("ovs-vswitchd", OVS), Program("ethtool", "apt-get install ethtool"))
    options: tuple[str, ...] = ()  # of the table Open_vSwitch, set before vswitchd starts
    offload = False  # of the hosts' interfaces

    def build(self, stack: ExitStack) -> Hosts:
        site = hosts(stack)
        cable(site, offload=self.offload)
        daemons = Daemons(stack, site.switch)
        daemons.database()
        if self.options:
            daemons.configure("--no-wait", "set", "Open_vSwitch", ".", *self.options)
        site.processes.append(daemons.switch())
        daemons.configure("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
        daemons.configure("add-port", "br0", "port1", "--", "add-port", "br0", "port2")
        site.settle()
        return site

    def version(self) -> str:
        return program_version("ovs-vswitchd", "--version")


class OpenVSwitchTuned(OpenVSwitch):
    name = "ovs-tuned"
    setting = "netdev datapath on veth, userspace-tso-enable, hosts' offloads on"
    options = ("other_config:userspace-tso-enable=true",)
    offload = True


class OpenVSwitchInstalled(OpenVSwitch):
    name = "ovs-installed"
    setting = "netdev datapath on veth as installed, hosts' tx offload off"


class Daemons:
    """One instance of Open vSwitch in a namespace, its files in a temporary folder."""

    def __init__(self, stack: ExitStack, netns: Netns) -> None:
        self.folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-ovs-"))
        self.env = os.environ | dict.fromkeys(
            ("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR"), self.folder
        )
        self.stack, self.netns = stack, netns
        self.socket = f"unix:{self.folder}/db.sock"

    def database(self) -> None:
        """Make an empty database and serve it."""
        file = f"{self.folder}/conf.db"
        self.netns.run("ovsdb-tool", "create", file, SCHEMA, env=self.env)
        control = f"--unixctl={self.folder}/db.ctl"
        server = self._start("ovsdb-server", file, f"--remote=p{self.socket}", control)
        server.await_until(lambda: os.path.exists(f"{self.folder}/db.sock"), "database socket")
        self.configure("--no-wait", "init")

    def switch(self) -> Running:
        """Start vswitchd; it takes its ovs-netdev and br0 with it only if it is asked to clean up."""
        control = f"{self.folder}/switch.ctl"
        switch = self._start("ovs-vswitchd", self.socket, f"--unixctl={control}")
        self.stack.callback(self._clean_up, control)
        switch.await_until(lambda: os.path.exists(control), "control socket")
        return switch

    def configure(self, *words: str) -> None:
        """One ovs-vsctl; without --no-wait it returns when the switch has done it."""
        self.netns.run("ovs-vsctl", "--timeout=10", f"--db={self.socket}", *words, env=self.env)

    def _start(self, *argv: str) -> Running:
        return self.netns.start(self.stack, *argv, env=self.env)

    def _clean_up(self, control: str) -> None:
        with suppress(BenchError):  # it has ended by itself, which a load has reported
            self.netns.run("ovs-appctl", "--timeout=5", "-t", control, "exit", "--cleanup", env=self.env)


class VdeSwitch(Subject[Hosts]):
    name = "vde"
    setting = "vde_switch with two TAPs, as installed"
    needs = (Program("vde_switch", "apt-get install vde2"),)

    def build(self, stack: ExitStack) -> Hosts:
        site = hosts(stack)
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-vde-"))
        switch = site.switch.start(
            stack, "vde_switch", "-s", f"{folder}/ctl", "-t", "wire1", "-t", "wire2"
        )
        site.processes.append(switch)
        for name in ("wire1", "wire2"):
            site.switch.await_link(name, switch)
        adopt(site, "wire1", "wire2")
        site.settle()
        return site

    def version(self) -> str:
        return program_version("vde_switch", "--version")
