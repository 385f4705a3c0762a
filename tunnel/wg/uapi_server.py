"""Serves the configuration protocol on the engine's loop.

A message may be long: after half a millisecond of work the loop has its turn. What arrives in one piece is
applied, and a whole answer is made, before another client comes in between; a message of several pieces may
meet others. Clients are bounded, and one that does not take its answer is cut off.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from socket import socket
from time import perf_counter

from tunnel.protocols.wireguard.uapi import Conversation
from tunnel.protocols.wireguard.uapi_device import Device

log = logging.getLogger(__name__)

CLIENTS = 32  # at a time; more are turned away
PIECE = 1 << 16  # bytes
SLICE_S = 0.0005  # of work before the loop has its turn, and then one step more
PATIENCE_S = 30.0  # for a client to take its answer


@asynccontextmanager
async def served(sock: socket, device: Device, changed: Callable[[], None]) -> AsyncIterator[None]:
    """Serve on a listening socket meanwhile; ``changed`` is called after each piece of a message."""
    service = _Service(device, changed)
    server = await asyncio.start_unix_server(service.serve, sock=sock, limit=PIECE)
    try:
        yield
    finally:
        server.close()
        service.abort()


class _Service:
    def __init__(self, device: Device, changed: Callable[[], None]) -> None:
        self._device, self._changed = device, changed
        self._turn = asyncio.Lock()
        self._open: set[asyncio.StreamWriter] = set()

    def abort(self) -> None:
        """End every connection."""
        for writer in self._open:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self._open.add(writer)
        try:
            if len(self._open) <= CLIENTS:
                await self._exchange(reader, writer)
                writer.close()
            else:
                log.warning("uapi: %d clients already, one more is turned away", CLIENTS)
        except (OSError, TimeoutError) as error:
            log.debug("uapi: %s", type(error).__name__)
        except Exception as error:  # of a device; its text might show a key
            log.error("uapi: a message could not be served: %s", type(error).__name__)
        finally:
            self._open.discard(writer)
            if not writer.is_closing():
                writer.transport.abort()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = Conversation(self._device)
        writer.transport.set_write_buffer_limits(0)  # drained: the client's socket has all of it
        while not conversation.ended:
            piece = await reader.read(PIECE)
            async with self._turn:
                try:
                    await self._work(conversation.receive(piece) if piece else iter([conversation.end()]), writer)
                finally:
                    self._changed()
            async with asyncio.timeout(PATIENCE_S):
                await writer.drain()

    async def _work(self, steps: Iterator[bytes], writer: asyncio.StreamWriter) -> None:
        began = perf_counter()
        for answer in steps:
            if answer:
                writer.write(answer)
            if perf_counter() - began > SLICE_S:
                await asyncio.sleep(0)
                began = perf_counter()
