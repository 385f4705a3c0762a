"""The interface at work: packets, configuration, link and signals on one loop, until one of them ends it."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvloop

from tunnel import control
from tunnel.devices.tuntap import Tun
from tunnel.engine import Engine
from tunnel.errors import DeviceClosed
from tunnel.file_watch import FileWatch
from tunnel.service import SWITCH_INTERVAL_S, drops
from tunnel.wg import rights
from tunnel.wg.command_line import Settings
from tunnel.wg.interface import Interface
from tunnel.wg.key_log import KeyLog
from tunnel.wg.link_watch import LinkWatch
from tunnel.wg.parts import MakeTunnel, Parts, built
from tunnel.wg.uapi_server import served
from tunnel.wg.uapi_socket import UapiSocket

log = logging.getLogger(__name__)


def run(settings: Settings, make: MakeTunnel, ready: Callable[[], None]) -> None:
    """Serve until SIGINT, SIGTERM, or the end of the interface or of the socket's file.

    ``ready`` is called once it serves. Raises ``TunnelError`` where it does not come to that.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with (
        built(settings, make) as parts,
        _key_log(settings, parts),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_serve(parts, ready))


async def _serve(parts: Parts, ready: Callable[[], None]) -> None:
    engine = Engine(parts.graph)
    interface = Interface(parts.tunnel, parts.udp, engine)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, engine.stop)
    with _links(parts.tun, interface) as links, _file_watched(loop, parts.uapi, engine):
        async with (
            control.offered({"drops": control.Verb(lambda: drops(engine))}),
            served(parts.uapi.sock, interface, engine.rearm),
        ):

            def started() -> None:
                rights.drop()
                gc.freeze()  # what is there stays: a full collection would stop the packets for milliseconds
                links.start()
                ready()
                log.debug("serving")

            await _until_the_end(engine, started)


async def _until_the_end(engine: Engine, started: Callable[[], None]) -> None:
    """That the interface was deleted is one way to end it: `ip link delete`."""
    try:
        await engine.run(started)
    except DeviceClosed as error:
        if not isinstance(error.device, Tun):
            raise
        log.info("%s", error)


@contextmanager
def _links(tun: Tun, interface: Interface) -> Iterator[LinkWatch]:
    links = LinkWatch(tun, interface.link, interface.follow)
    try:
        yield links
    finally:
        links.close()


@contextmanager
def _file_watched(loop: asyncio.AbstractEventLoop, uapi: UapiSocket, engine: Engine) -> Iterator[None]:
    """Without its file nobody can configure the interface or end it properly: that ends it."""
    watch = FileWatch(uapi.path)

    def happened() -> None:
        watch.take()
        if not uapi.ours():
            log.info("%s was removed", uapi.path)
            engine.stop()

    loop.add_reader(watch.fd, happened)
    try:
        yield
    finally:
        loop.remove_reader(watch.fd)
        watch.close()


@contextmanager
def _key_log(settings: Settings, parts: Parts) -> Iterator[None]:
    if settings.key_log is None:
        yield
        return
    keys = KeyLog(settings.key_log)
    parts.tunnel.key_log = keys
    try:
        yield
    finally:
        parts.tunnel.key_log = None
        keys.close()
