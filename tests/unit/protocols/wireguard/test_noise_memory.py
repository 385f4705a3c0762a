"""What a finished handshake leaves in the memory of its process: nothing of its secrets.

The child never holds a secret in an object of Python; the parent knows them all, being the other side,
and searches the child's memory. That the search finds what is there is tested by the same run.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.oracles.noise import Twin, dh, public
from tests.unit.protocols.wireguard import handshaker

OWN, FAR, E_FAR, PRESHARED = (bytes(range(n, n + 32)) for n in (0x10, 0x40, 0x70, 0xA0))


class Child:
    """The other side, a process of its own."""

    def __init__(self, role: str) -> None:
        command = [sys.executable, handshaker.__file__, role]
        self.role = role
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def say(self, message: bytes) -> None:
        self.process.stdin.write(message.hex() + "\n")
        self.process.stdin.flush()

    def heard(self) -> bytes:
        return bytes.fromhex(self.process.stdout.readline())

    def memory(self) -> Iterator[bytes]:
        """Every readable mapping of its own, the stack among them."""
        folder = Path(f"/proc/{self.process.pid}")
        with (folder / "mem").open("rb") as image:
            for line in (folder / "maps").read_text().splitlines():
                start, end, rights = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
                if rights.startswith("rw"):
                    image.seek(int(start, 16))
                    yield image.read(int(end, 16) - int(start, 16))

    def found(self, secrets: dict[str, bytes]) -> set[str]:
        """The names of the secrets of which either half lies somewhere."""
        found = set()
        for part in self.memory():
            found |= {name for name, secret in secrets.items() if secret[:16] in part or secret[16:] in part}
        return found


@pytest.fixture(params=["initiate", "respond"])
def child(request: pytest.FixtureRequest) -> Iterator[Child]:
    """A process, ended afterwards."""
    child = Child(request.param)
    yield child
    child.process.stdin.close()
    child.process.stdout.close()
    assert child.process.wait(10) == 0


def shake(child: Child, twin: Twin) -> None:
    """The handshake, whoever begins."""
    if child.role == "initiate":
        twin.consume(child.heard())
        child.say(twin.respond(2, 1))
    else:
        child.say(twin.initiate(1, bytes(12)))
        assert twin.finish(child.heard())


def secrets_of(twin: Twin) -> dict[str, bytes]:
    """All that went into the chaining key or came of it, but public keys and what is configured."""
    known = {public(E_FAR), twin.far, PRESHARED}
    seen = {f"step {n}": secret for n, secret in enumerate(twin.run.seen) if secret not in known}
    return seen | dict(zip(("T1", "T2"), twin.session(), strict=True))


def test_nothing_is_left(child):
    twin = Twin(FAR, public(OWN), E_FAR, PRESHARED)
    for configured in (OWN, public(FAR), PRESHARED):
        child.say(configured)
    shake(child, twin)
    secrets = secrets_of(twin)
    static_static = next(name for name, secret in secrets.items() if secret == dh(FAR, public(OWN)))
    chain = next(name for name, secret in secrets.items() if secret == twin.run.chain)
    assert child.heard() == b""
    assert child.found(secrets) == {static_static, chain}
    child.say(b"")
    child.heard()
    assert child.found(secrets) == {static_static, "T1", "T2"}
    child.say(b"")
    child.heard()
    assert child.found(secrets) == set()
    child.say(b"")
