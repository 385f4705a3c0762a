"""Links, addresses and routes of the kernel: the one door to pyroute2 for engine and devices.

pyroute2 needs a stock asyncio loop and objects that stay on the thread which made them. So a
``Netlink`` has a thread with such a loop; its methods may be called from any other thread and
wait for the answer. With ``netns`` that thread, and no other, stands in the other namespace.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import os
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Any, Self, TypeAlias, TypeVar

from pyroute2 import AsyncIPRoute
from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.rtnl import RTMGRP_LINK

from tunnel.errors import DeviceError
from tunnel.netns import enter

log = logging.getLogger(__name__)

T = TypeVar("T")
Interface: TypeAlias = ipaddress.IPv4Interface | ipaddress.IPv6Interface

ANSWER_S = 10.0  # the kernel answers in milliseconds; no answer at all must not hang the engine
ADVICE = {
    errno.EPERM: "CAP_NET_ADMIN is needed",
    errno.ENODEV: "`ip link` shows the interfaces that there are",
    errno.EEXIST: "it is there already",
}
ADDRESS_ADVICE = {
    **ADVICE,
    errno.EACCES: "IPv6 is switched off there: sysctl net.ipv6.conf.all.disable_ipv6=0 switches it on",
    errno.EOPNOTSUPP: "this system has no IPv6",
    errno.EINVAL: "IPv6 needs an MTU of at least 1280",
}

LOCAL_S, LOCAL_STEP_S = 2.0, 0.001  # a worker of the kernel's, which may be starved
IFF_UP = 1
RTN_LOCAL = 2  # linux/rtnetlink.h
IFA_F_NODAD = 0x02  # linux/if_addr.h: usable at once; nobody else can have a tunnel's address


@dataclass(frozen=True)
class Link:
    """A network interface as the kernel last told of it. ``mtu`` in bytes, ``txqueuelen`` in packets."""

    index: int
    name: str
    up: bool
    mtu: int
    txqueuelen: int
    kind: str | None


@dataclass(frozen=True)
class LinkEvent:
    """``what`` is "changed" (or new), "gone", or "moved": to another namespace, alive there."""

    what: str
    link: Link


@dataclass(frozen=True)
class Route:
    """The way to a destination: ``gateway`` is None where it is on the link itself."""

    index: int
    gateway: str | None
    source: str | None


class Netlink:
    """A connection to the kernel's rtnetlink, in this namespace or ``netns`` (name, path or fd).

    ``on_link`` is called with each ``LinkEvent``, on the connection's own thread. Methods raise
    ``DeviceError`` with what the kernel said. Use it as a context manager or call ``close``.
    """

    def __init__(
        self, netns: str | int | None = None, on_link: Callable[[LinkEvent], None] | None = None
    ) -> None:
        self._on_link = on_link
        self._ready: Future[AsyncIPRoute] = Future()
        self._loop = asyncio.SelectorEventLoop()
        self._stop = asyncio.Event()
        self._thread = Thread(target=self._run, args=(netns,), name="netlink", daemon=True)
        self._thread.start()
        try:
            self._route = self._ready.result()
        except BaseException:
            self._thread.join()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection and its thread. Idempotent."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    def link(self, name: str) -> Link:
        """The interface of that name; ``DeviceError`` where there is none."""
        return _link(self._ask(f"interface {name}", self._route.link("get", ifname=name))[0])

    def set_link(
        self,
        name: str,
        *,
        up: bool | None = None,
        mtu: int | None = None,
        txqueuelen: int | None = None,
        gso_max_size: int | None = None,
    ) -> None:
        """Set what is given: state, ``mtu`` and ``gso_max_size`` in bytes, ``txqueuelen`` in packets."""
        wanted: dict[str, object] = {"mtu": mtu, "txqlen": txqueuelen, "gso_max_size": gso_max_size}
        wanted = {key: value for key, value in wanted.items() if value is not None}
        if up is not None:
            wanted["state"] = "up" if up else "down"
        what = ", ".join(f"{key} {value}" for key, value in wanted.items())
        self._ask(f"interface {name}: {what}", self._route.link("set", index=self.link(name).index, **wanted))

    def add_address(self, name: str, address: str) -> None:
        """Give interface ``name`` an address with its prefix length; it is usable when this returns."""
        self._address("add", name, address)
        own = ipaddress.ip_interface(address).ip
        if own.version == 6 and self.link(name).up:
            self._await_local(str(own))

    def _await_local(self, address: str) -> None:
        """The kernel lists an IPv6 address before a worker gives it its local route (addrconf_dad_work(),
        net/ipv6/addrconf.c); until then it drops what comes for it."""
        until = time.monotonic() + LOCAL_S
        while time.monotonic() < until:
            found = self._ask(f"route to {address}", self._route.route("get", dst=address))[0]
            if found["type"] == RTN_LOCAL:
                return
            time.sleep(LOCAL_STEP_S)

    def remove_address(self, name: str, address: str) -> None:
        """Take an address from interface ``name``."""
        self._address("del", name, address)

    def addresses(self, name: str) -> list[Interface]:
        """The addresses of interface ``name``, with their prefix lengths."""
        found = self._ask(f"interface {name}", self._dump("addr", index=self.link(name).index))
        return [ipaddress.ip_interface(f"{_own(message)}/{message['prefixlen']}") for message in found]

    def route(self, destination: str) -> Route:
        """How the kernel would send to an address."""
        found = self._ask(f"route to {destination}", self._route.route("get", dst=destination))[0]
        return Route(found.get("oif"), found.get("gateway"), found.get("prefsrc"))

    def _address(self, verb: str, name: str, text: str) -> None:
        address = ipaddress.ip_interface(text)
        extra = {"flags": IFA_F_NODAD} if address.version == 6 and verb == "add" else {}
        family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
        asked = self._route.addr(
            verb, index=self.link(name).index, family=family,
            address=str(address.ip), prefixlen=address.network.prefixlen, **extra,
        )  # fmt: skip
        self._ask(f"interface {name}: address {text}", asked, ADDRESS_ADVICE)

    def _ask(self, what: str, question: Coroutine[Any, Any, T], advice: dict[int, str] = ADVICE) -> T:
        with _refusals(what, advice):
            return asyncio.run_coroutine_threadsafe(question, self._loop).result(ANSWER_S)

    async def _dump(self, table: str, **match: object) -> list[Any]:
        return [message async for message in await getattr(self._route, table)("dump", **match)]

    def _run(self, netns: str | int | None) -> None:
        try:
            if netns is not None:
                enter(netns)
            self._loop.run_until_complete(self._serve())
        except BaseException as error:  # the constructor, on another thread, raises it
            if self._ready.done():
                raise
            self._ready.set_exception(error)
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        async with AsyncIPRoute() as route:
            listener = None
            if self._on_link:
                listening = asyncio.Event()
                listener = asyncio.create_task(self._listen(self._on_link, listening))
                await listening.wait()
            self._ready.set_result(route)
            await self._stop.wait()
            if listener:
                listener.cancel()
                await asyncio.gather(listener, return_exceptions=True)
        await asyncio.sleep(0)  # the transports' last callbacks

    async def _listen(self, on_link: Callable[[LinkEvent], None], listening: asyncio.Event) -> None:
        """Report link events, on a socket of their own; one that overflowed is void, so reopen it."""
        while True:
            async with AsyncIPRoute() as events:
                await events.bind(groups=RTMGRP_LINK)
                listening.set()
                try:
                    await _report(events, on_link)
                except OSError as error:
                    log.warning("netlink: link events were lost: %s", error)


async def _report(events: AsyncIPRoute, on_link: Callable[[LinkEvent], None]) -> None:
    while True:  # get() ends with each datagram
        async for message in events.get():
            if message["event"] in ("RTM_NEWLINK", "RTM_DELLINK"):
                on_link(_event(message))


def _event(message: Any) -> LinkEvent:
    if message["event"] == "RTM_NEWLINK":
        return LinkEvent("changed", _link(message))
    return LinkEvent("gone" if message.get("new_netnsid") is None else "moved", _link(message))


def _link(message: Any) -> Link:
    return Link(
        message["index"], message.get("ifname"), bool(message["flags"] & IFF_UP), message.get("mtu"),
        message.get("txqlen"), message.get(("linkinfo", "kind")),
    )  # fmt: skip


def _own(message: Any) -> str:
    """Our own address: of a point-to-point one, ``address`` is the peer's."""
    return str(message.get("local") or message.get("address"))


@contextmanager
def _refusals(what: str, advice: dict[int, str]) -> Iterator[None]:
    """Raise what the kernel refuses as a ``DeviceError`` that tells what was asked."""
    try:
        yield
    except NetlinkError as error:
        remedy = advice.get(error.code)
        text = f"{what}: {os.strerror(error.code)}" + (f"; {remedy}" if remedy else "")
        raise DeviceError(text, error.code) from error
