"""``Namespace``: a network namespace that is there, and everything to be done in it."""

from __future__ import annotations

import errno
import os
from types import TracebackType
from typing import Any, Self

from tunnel.lab import names, netns, remedies
from tunnel.lab.bridge_verbs import BridgeVerbs
from tunnel.lab.link_verbs import LinkVerbs
from tunnel.lab.named_files import open_named
from tunnel.lab.route_verbs import RouteVerbs

RIGHTS = {
    **remedies.REMEDIES,
    errno.EPERM: "CAP_NET_ADMIN in this namespace is needed: run as root, or make one of your own: unshare -Urn",
}
NO_WAY_IN = {
    **remedies.REMEDIES,
    errno.EPERM: "to stand in another namespace takes CAP_SYS_ADMIN: run as root",
    errno.EACCES: "it belongs to another: run as root",
    errno.ENOENT: "there is no such namespace: `tunnel netns list` shows those with a name",
    errno.EINVAL: "this is no network namespace",
}


class Namespace(LinkVerbs, RouteVerbs, BridgeVerbs):
    """A namespace that somebody made, with the verbs of ``Node``: what is made in it stays.

    ``place`` is None for that in which the calling thread stands, a name of /run/netns (``ip netns``), a path
    like /proc/PID/ns/net, or a descriptor, which stays the caller's. Used as a context manager, or closed.

    It needs the rights to what it is asked; to be elsewhere also CAP_SYS_ADMIN there. Its calls block, and are
    made from one thread, which only stands in the namespace while a call needs it; nothing forks. Where
    addresses are tried for duplicates (``accept_dad``), the link-local one of IPv6 is usable a second or two after
    ``up``; those that ``address`` adds are at once.

    ``name`` is for texts. Every method raises ``LabError`` with place, interface,
    the kernel's words and number, and the remedy.
    """

    def __init__(self, place: str | int | None = None) -> None:
        from tunnel.lab.answers import Answers

        self.name = "this namespace" if place is None else str(place)
        self.where = self.name if place is None else f"namespace {place}"
        try:
            self._answers = Answers(_opened(place))
        except OSError as error:
            number = error.errno or 0
            raise remedies.refused(self.where, number, os.strerror(number), NO_WAY_IN) from error

    @property
    def netns(self) -> int:
        """A descriptor of it, closed with this object."""
        return self._answers.space.netns

    def __repr__(self) -> str:
        return f"<Namespace {self.name}>"

    def ask(self, what: str, op: str, *, beside: Self | None = None, **arguments: Any) -> Any:
        """Carries it out."""
        try:
            return self._answers.answer(op, None if beside is None else beside._answers.space, arguments)
        except OSError as error:
            told = remedies.failure(error)
            raise remedies.refused(what, told["errno"], told["words"], RIGHTS) from error

    def open(self, what: str, op: str, **arguments: Any) -> int:
        """Opens it."""
        fd: int = self.ask(what, f"open_{op}", **arguments)
        return fd

    def veth(
        self, interface: str | None = None, to: Self | None = None, peer: str | None = None, *,
        mtu: int = 1500, txqueuelen: int = 1000,
    ) -> tuple[str, str]:  # fmt: skip
        """As ``link``, to this namespace unless another is told; without names the kernel gives the next free
        (``veth0``, ``veth1`` ...). Gives the names."""
        ends = ["" if name is None else names.interface_name(name) for name in (interface, peer)]
        near, far = self._pair(ends[0], to or self, ends[1], mtu=mtu, txqueuelen=txqueuelen)
        if to in (None, self) and not any(ends):
            near, far = sorted((near, far))  # the far end is the first to be named
        return near, far

    def close(self) -> None:
        """Lets go of it; idempotent."""
        self._answers.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _opened(place: str | int | None) -> int:
    """A descriptor of the namespace, which is the caller's."""
    if place is None:
        return netns.open_net()
    if isinstance(place, int):
        return os.dup(place)
    if "/" in place:
        return os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    return open_named(place)
