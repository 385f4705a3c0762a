"""Requests answered in the process that asks, about a namespace that somebody made."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import Any

from tunnel.lab import links, within
from tunnel.lab.holding import Holding
from tunnel.lab.link_requests import LinkRequests
from tunnel.lab.netns import inside
from tunnel.lab.rtnl import Refused
from tunnel.lab.space import Space

HERE, BESIDE = "here", "beside"
ATTEMPTS = 16  # to get two free indexes while others make interfaces


class Standing(Space):
    """A namespace in which others make interfaces too: the kernel chooses their indexes, and knows them."""

    def new_index(self, interface: str) -> int:
        """0, for one of the kernel's choice."""
        return 0

    def index(self, interface: str) -> int:
        """The index that the interface has now."""
        return links.index(self.talk, interface)


class Answers(LinkRequests):
    """What the holder of a lab answers, for the namespace behind ``fd``, which is closed at the end.

    Raises ``OSError`` where it cannot be entered.
    """

    def __init__(self, fd: int) -> None:
        self.holding = Holding(None)
        self.forget_links()
        try:
            with inside(fd):
                self.space = Standing()
        finally:
            os.close(fd)

    def answer(self, op: str, beside: Space | None, arguments: dict[str, Any]) -> Any:
        """Carries out one request, which may be about the namespace ``beside`` too; raises what is refused."""
        self.holding.spaces = {HERE: self.space}
        if beside is not None:
            self.holding.spaces[BESIDE] = beside
            arguments["peer"] = BESIDE
        try:
            result = getattr(self, f"op_{op}")(HERE, **arguments)
            self.holding.flush()
        except BaseException:
            self.holding.drop_waiting()
            raise
        return result

    def op_veth(self, node: str, interface: str, peer: str, far: str, **options: Any) -> list[str]:  # type: ignore[override]
        """A veth pair; gives the names of its ends. Its indexes are chosen here, and may be taken meanwhile."""
        for attempt in range(ATTEMPTS):
            try:
                super().op_veth(node, interface, peer, far, **options)
                self.holding.flush()
                break
            except Refused as refused:
                if refused.errno != errno.EBUSY or attempt == ATTEMPTS - 1:
                    raise
        ends = zip((node, peer), self._made, strict=True)
        return [links.name(self.holding.spaces[at].talk, index) for at, index in ends]

    def _new_indexes(self, node: str, peer: str, far: str) -> tuple[int, int]:
        """As the kernel would choose, but never equal ones, which it would for two namespaces that are alike."""
        near, beyond = (max(links.names(self.holding.spaces[at].talk)) + 1 for at in (node, peer))
        self._made = near + (near == beyond), beyond
        return self._made

    def op_up(self, node: str, interface: str) -> None:
        """Sets an interface up; it is usable when this is answered, if its far end is up."""
        self.op_set(node, interface, {"up": True})
        self.holding.flush()
        links.settle(self.space.talk, interface)
        with suppress(Refused):  # it may be nowhere that this process may look at
            links.settle_far(self.space.talk, interface)
        self._settle_addresses(node)

    def _settle_addresses(self, node: str) -> None:
        netns = self.holding.spaces[node].netns
        links.wait_until(lambda: within.addresses_are_heard(netns, detecting=True))

    def op_open_tun(self, node: str, interface: str, flags: int) -> int:
        """A queue of a TUN or TAP."""
        return within.open_tun(self.holding.spaces[node].netns, interface, flags)

    def op_open_socket(self, node: str, family: int, kind: int, proto: int) -> int:
        """A socket of the namespace."""
        return within.open_socket(self.holding.spaces[node].netns, family, kind, proto)

    def close(self) -> None:
        """Lets go of the namespace; idempotent."""
        if self.space.netns >= 0:
            self.space.close()
            self.space.netns = -1
