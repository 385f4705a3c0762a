"""What a holder can be asked, one method a request.

A request names the operation ``op`` and its arguments; ``node`` and ``peer`` are names of nodes. A method
gives a value that JSON can carry, or an ``Opened``, whose descriptors go to the asker.
"""

from __future__ import annotations

import os
import resource
import sys
from typing import Any

from tunnel.errors import LabError
from tunnel.lab import netns, within
from tunnel.lab.holding import Answer, Holding, Opened
from tunnel.lab.host import Host
from tunnel.lab.host_requests import HostRequests
from tunnel.lab.processes import end_all_in
from tunnel.lab.rtnl import Refused


class Requests(HostRequests):
    """Answers requests about one holding; ``life`` is a pipe's end, ``host`` None without root."""

    def __init__(self, life: int, host: Host | None) -> None:
        self._life, self.holding = life, Holding(host)
        self.forget_links()
        self.forget_programs()
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def answer(self, request: dict[str, Any], fds: list[int]) -> Answer:
        """Runs one request that came with ``fds``, which are closed; those that go back are the caller's to close."""
        arguments = {key: value for key, value in request.items() if key != "op"}
        if fds:
            arguments["fds"] = fds
        try:
            result = self._run(request["op"], arguments)
            self.holding.flush()
        except BaseException:
            self.holding.drop_waiting()
            raise
        finally:
            for fd in fds:
                os.close(fd)
        return (result.value, result.fds) if isinstance(result, Opened) else (result, [])

    def _run(self, op: str, arguments: dict[str, Any]) -> Any:
        return getattr(self, f"op_{op}")(**arguments)

    def op_steps(self, first: int, steps: list[dict[str, Any]]) -> None:
        """Some steps of a plan, numbered from ``first``: what waits for one namespace is sent together."""
        try:
            for number, step in enumerate(steps, first):
                self.holding.step = number
                self._step(number, step)
            self.holding.flush()
        finally:
            self.holding.step = None

    def _step(self, number: int, step: dict[str, Any]) -> None:
        """One step; what it refuses itself, not the kernel's rtnetlink in a later answer, is told of it too."""
        try:
            self._run(step["op"], {key: value for key, value in step.items() if key != "op"})
        except OSError as error:
            if getattr(error, "what", None) is not None:
                raise
            raise Refused(error.errno or 0, error.strerror or str(error), number) from error

    def op_hello(self) -> Opened:
        """Whether there is a user namespace of its own, the lab's name, the holder's process; descriptors of
        that user namespace and of a pipe that stays open for as long as the lab is to live."""
        fds = [os.open("/proc/self/ns/user", os.O_RDONLY | os.O_CLOEXEC), os.dup(self._life)]
        lab = self.holding.journal.lab if self.holding.journal else None
        return Opened(fds, {"rootless": self.holding.host is None, "lab": lab, "pid": os.getpid()})

    def op_claim(self, lab: str, topology: str, fds: list[int]) -> None:
        """Gives the lab a name by which other programs find it; ``fds`` holds the runtime folder."""
        self.holding.claim(lab, os.dup(fds[0]), topology)

    def op_keep(self) -> None:
        """From now on the lab outlives the program that made it, and is no longer heard on its stderr."""
        if self.holding.journal is None:
            raise LabError("a lab without a name could not be found again: claim one first")
        log = self.holding.journal.log()
        os.dup2(log, sys.stderr.fileno())
        os.close(log)
        self.holding.kept = True
        os.chdir("/")  # the builder's folder may be unmounted

    def op_end(self) -> int:
        """Ends the lab after this answer; the process to wait for."""
        self.holding.ended = True
        return os.getpid()

    def op_clear(self) -> None:
        """Ends what runs in the nodes and lets go of them all; /run is empty again."""
        self.end_programs()
        end_all_in(self.holding.inodes(), spare={os.getpid(), os.getppid()})
        self.holding.clear()
        self.forget_links()
        self.forget_programs()
        netns.renew_run()

    def op_node(self, node: str) -> None:
        """Makes a node."""
        self.holding.add(node)

    def op_nodes(self) -> list[str]:
        """The names of all nodes."""
        return self.holding.made()

    def op_space(self, node: str) -> Opened:
        """A node's network and mount namespace; the value is the number here of the first."""
        one = self.holding.spaces[node]
        mount = one.mount(netns.private_mount)
        return Opened([os.dup(one.netns), os.dup(mount)], one.netns)

    def op_names(self) -> Opened:
        """A mount namespace in which every node is named as it is in the lab, /run/netns/NODE."""
        named = {node: self.holding.spaces[node].netns for node in self.holding.made()}
        return Opened([netns.private_mount(named)])

    def op_topology(self) -> str | None:
        """What the lab was made from, as it was claimed."""
        return self.holding.topology

    def op_socket(self, node: str, family: int, kind: int, proto: int) -> Opened:
        """A socket of the node."""
        return Opened([within.open_socket(self.holding.spaces[node].netns, family, kind, proto)])

    def op_tun(self, node: str, interface: str, flags: int) -> Opened:
        """A queue of a TUN or TAP."""
        self.holding.flush()
        return Opened([within.open_tun(self.holding.spaces[node].netns, interface, flags)])
