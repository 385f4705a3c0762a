"""The configuration protocol on a loop that has other things to do."""

from __future__ import annotations

import asyncio
import logging
import select
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.unit.protocols.wireguard.uapi_device import Device
from tests.unit.site import LOOPS, PATIENCE_S, turn
from tunnel.wg import uapi_server
from tunnel.wg.uapi_server import CLIENTS, served

KEY = bytes(range(32)).hex()
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Place:
    """A device that is served at a path; ``changes`` counts how often it was told."""

    def __init__(self, device: Device, path: Path) -> None:
        self.device, self.path, self.changes = device, path, 0

    async def connect(self) -> Streams:
        return await asyncio.open_unix_connection(self.path)

    async def ask(self, *pieces: str) -> str:
        reader, writer = await self.connect()
        for piece in pieces:
            writer.write(piece.encode())
            await writer.drain()
        writer.write_eof()
        answer = await reader.read()
        await closed(writer)
        return answer.decode()

    def changed(self) -> None:
        self.changes += 1


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):  # it was cut off
        await writer.wait_closed()


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., None]:
    """Runs a scenario at a place."""

    def started(scenario: Callable[[Place], Awaitable[None]], device: Device | None = None) -> None:
        async def main() -> None:
            place = Place(device or Device(), tmp_path / "socket")
            with socket.socket(socket.AF_UNIX) as sock:
                sock.bind(str(place.path))
                sock.listen(100)
                sock.setblocking(False)
                async with asyncio.timeout(PATIENCE_S), served(sock, place.device, place.changed):
                    await scenario(place)
                for _ in range(3):
                    await turn()  # what was closed is closed

        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            runner.run(main())

    return started


def test_asked_and_answered(run: Callable[..., None]):
    async def scenario(place: Place) -> None:
        assert await place.ask("set=1\nfw", "mark=7\n", "\nget=1\n\n") == "errno=0\n\nfwmark=7\nerrno=0\n\n"
        assert place.changes > 0
        assert await place.ask("set=1\nfwmark=8\n") == "errno=-5\n\n"
        assert await place.ask("bad\nget=1\n\n") == ""
        assert place.device.fwmark == 8

    run(scenario)


def test_a_long_message_lets_the_loop_turn(run: Callable[..., None]):
    text = "".join(f"allowed_ip={a}.{b}.0.0/16\n" for a in range(200) for b in range(256))

    async def scenario(place: Place) -> None:
        asked = asyncio.create_task(place.ask(f"set=1\npublic_key={KEY}\n{text}\n", "get=1\n\n"))
        turns = 0
        while not asked.done():
            await turn()
            turns += 1
        assert (await asked).count("allowed_ip") == 51_200
        assert turns > 50

    run(scenario)


def test_too_many_are_turned_away(run: Callable[..., None], caplog: pytest.LogCaptureFixture):
    async def scenario(place: Place) -> None:
        clients = [await place.connect() for _ in range(CLIENTS)]
        for reader, writer in clients:
            writer.write(b"get=1\n\n")
            assert await reader.readexactly(9) == b"errno=0\n\n"
        reader, late = await place.connect()
        assert await reader.read() == b""
        await closed(late)
        await closed(clients[0][1])
        while await place.ask("get=1\n\n") != "errno=0\n\n":
            await turn()
        for _, writer in clients[1:]:
            await closed(writer)

    run(scenario)
    assert "turned away" in caplog.text


def test_who_does_not_take_his_answer_is_cut_off(run: Callable[..., None], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(uapi_server, "PATIENCE_S", 0.05)
    text = "".join(f"allowed_ip={a}.{b}.0.0/16\n" for a in range(100) for b in range(256))

    async def scenario(place: Place) -> None:
        await place.ask(f"set=1\npublic_key={KEY}\n{text}\n")
        with socket.socket(socket.AF_UNIX) as deaf:
            deaf.connect(str(place.path))
            deaf.sendall(b"get=1\n\n" * 3)
            assert "fwmark" not in await place.ask("get=1\n\n")
            deaf.setblocking(False)
            end = select.poll()
            end.register(deaf, 0)  # POLLHUP alone: the server's side is closed
            while not end.poll(0):
                await turn()
            found, loop = 0, asyncio.get_running_loop()
            with pytest.raises(ConnectionError):
                while more := await loop.sock_recv(deaf, 1 << 20):
                    found += len(more)
                raise ConnectionResetError
            assert found < 3 * len(text)

    run(scenario)


def test_what_a_device_raises_is_not_told(run: Callable[..., None], caplog: pytest.LogCaptureFixture):
    class Bad(Device):
        @property  # type: ignore[misc]
        def listen_port(self) -> int:
            raise RuntimeError(KEY)

    async def scenario(place: Place) -> None:
        with caplog.at_level(logging.DEBUG):
            assert await place.ask("get=1\n\n") == ""
            assert await place.ask("set=1\nfwmark=3\n\n") == "errno=0\n\n"

    run(scenario, Bad())
    assert "RuntimeError" in caplog.text and KEY not in caplog.text


def test_those_who_configure_at_the_same_time_do_not_mix_within_a_piece(run: Callable[..., None]):
    async def scenario(place: Place) -> None:
        keys = [[bytes([side, n]).ljust(32, b"\0").hex() for n in range(200)] for side in (1, 2)]
        asked = [place.ask("set=1\n" + "".join(f"public_key={key}\n" for key in some) + "\n") for some in keys]
        assert await asyncio.gather(*asked) == ["errno=0\n\n"] * 2
        sides = [key[0] for key in place.device.told]
        assert sides in ([1] * 200 + [2] * 200, [2] * 200 + [1] * 200)

    run(scenario)
