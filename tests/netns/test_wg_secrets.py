"""What is in the memory of ``tunnel-wg``: keys of sessions that live, and nothing of those that ended.

The other side knows all keys, and looks through the whole memory from outside. An ephemeral private key,
which only the program knows, is found by what it is: the key that belongs to the public one.
"""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.netns.engines import until
from tests.netns.wg_correspondent import Correspondent
from tests.netns.wg_pairs import squeezed
from tests.netns.wg_programs import Foreground, Host, host
from tests.oracles.noise import public
from tests.unit.crypto.aeads import PRESENT
from tests.unit.crypto.test_aead_forget import forms

__all__ = ["host"]

PRIVATE, OTHER = bytes(range(0x40, 0x60)), bytes(range(0x80, 0xA0))
PORT, ELSEWHERE = 51820, 51821
SQUEEZED = "rekey_ns={0}, reject_ns={1}, retry_ns={0} * 5, keepalive_ns={1} // 3"
REKEY_NS, REJECT_NS, SOON_NS = 50_000_000, 20_000_000_000, 600_000_000
SOON_S = 0.02
HERE, THERE = b"\n\x08\0\1", b"\n\x08\0\2"


class Subject:
    """The program, what is beside it, and a correspondent."""

    def __init__(self, host: Host, process: Foreground, other: Correspondent, inner: socket.socket) -> None:
        self.host, self.process, self.other, self.inner = host, process, other, inner

    def exchange(self) -> None:
        """A packet each way."""
        self.inner.sendto(b"there", ("10.8.0.2", 7000))
        while self.other.receive()[28:] != b"there" + bytes(15):  # what waited for the session goes first
            pass
        self.back()

    def asked(self) -> bytes:
        """A session that the program begins; its ephemeral public key, whose private one is there until it ends."""
        while True:
            initiation = None
            while initiation is None:  # the session may be too young
                self.inner.sendto(b"asks", ("10.8.0.2", 7000))
                initiation = self.other.heard(1, SOON_S)
            assert self.holds_private(initiation[8:40]), "it is not found where it must be"
            if self.other.answer(initiation):  # or it had asked once more
                return initiation[8:40]

    def back(self) -> None:
        """A packet to the program."""
        self.other.send(datagram(b"back"))
        assert self.inner.recv(100) == b"back"

    @contextmanager
    def stopped(self) -> Iterator[int]:
        """Its process id, while it does not run."""
        self.process.process.send_signal(signal.SIGSTOP)
        yield self.process.pid
        self.process.process.send_signal(signal.SIGCONT)

    def holds(self, *sessions: list[bytes]) -> list[bool]:
        """Whether anything of each session's keys is in its memory."""
        with self.stopped() as pid:
            image = list(writable(pid))
        wanted = [[form for key in keys for form in forms(key)] for keys in sessions]
        return [any(form in part for part in image for form in every) for every in wanted]

    def holds_private(self, key: bytes) -> bool:
        """Whether the private key of this public one is in its memory."""
        with self.stopped() as pid:
            return any(public(found) == key for part in writable(pid) for found in candidates(part))


def writable(pid: int) -> Iterator[bytes]:
    """Every mapping that may be written: heap, stacks, data, memory for keys."""
    with Path(f"/proc/{pid}/mem").open("rb", 0) as file:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            places, rights, *_ = line.split()
            if rights.startswith("rw"):
                start, end = (int(place, 16) for place in places.split("-"))
                file.seek(start)
                yield file.read(end - start)


def candidates(part: bytes) -> Iterator[bytes]:
    """Whatever may be a clamped private key: 32 bytes at a multiple of 4, of so many values as random ones have."""
    count = (len(part) - 28) // 4
    if count <= 0:
        return
    found = np.frombuffer(part, np.uint8)
    first, last = found[: 4 * count : 4], found[31 : 31 + 4 * count : 4]
    for at in np.flatnonzero((first & 7 == 0) & (last & 0xC0 == 0x40)):
        key = part[4 * at : 4 * at + 32]
        if len(set(key)) > 24:
            yield key


def datagram(text: bytes) -> bytes:
    """From 10.8.0.2 to 10.8.0.1, without a checksum."""
    head = bytes((0x45, 0, 0, 28 + len(text), 0, 0, 0, 0, 64, 17, 0, 0)) + THERE + HERE
    total = sum(int.from_bytes(head[at : at + 2]) for at in range(0, 20, 2))
    total = (total & 0xFFFF) + (total >> 16) ^ 0xFFFF
    udp = (7000).to_bytes(2) * 2 + (8 + len(text)).to_bytes(2) + bytes(2)
    return head[:10] + total.to_bytes(2) + head[12:] + udp + text


@contextmanager
def running(host: Host, library: str, reject_ns: int) -> Iterator[Subject]:
    """The program, configured and up; sessions are renewed after 50 ms of use."""
    host.script.write_text(squeezed(SQUEEZED.format(REKEY_NS, reject_ns)))
    process = host.foreground(TUNNEL_AEAD=library)
    with host.node.socket(socket.AF_INET, socket.SOCK_DGRAM) as outer:
        outer.bind(("127.0.0.1", ELSEWHERE))
        outer.settimeout(5)
        other = Correspondent(outer, ("127.0.0.1", PORT), OTHER, public(PRIVATE))
        host.ask(f"set=1\nprivate_key={PRIVATE.hex()}\nlisten_port={PORT}\npublic_key={other.public.hex()}\n"
                 f"endpoint=127.0.0.1:{ELSEWHERE}\nallowed_ip=10.8.0.2/32\n\n")  # fmt: skip
        host.node.address("wg0", "10.8.0.1/24")
        host.node.up("wg0")
        process.says("link up")
        with host.node.socket(socket.AF_INET, socket.SOCK_DGRAM) as inner:
            inner.bind(("10.8.0.1", 7000))
            inner.settimeout(5)
            yield Subject(host, process, other, inner)


@pytest.fixture(params=PRESENT)
def subject(host: Host, request: pytest.FixtureRequest) -> Iterator[Subject]:
    """Its sessions live for 20 s."""
    with running(host, request.param, REJECT_NS) as made:
        yield made


def test_a_responder_keeps_the_keys_of_two_sessions(subject: Subject):
    sessions = []
    for _ in range(3):
        subject.other.begin()
        subject.back()
        subject.exchange()
        sessions.append(subject.other.keys)
        assert not subject.holds_private(subject.other.far)
    assert subject.holds(*sessions) == [False, True, True]


def test_an_initiator_keeps_the_keys_of_two_sessions(subject: Subject):
    sessions = []
    for _ in range(3):
        ephemeral = subject.asked()
        subject.exchange()
        sessions.append(subject.other.keys)
        assert not subject.holds_private(ephemeral)
    assert subject.holds(*sessions) == [False, True, True]


def test_a_responder_that_only_listens_since(subject: Subject):
    sessions = []
    for number in range(3):
        subject.other.begin()
        subject.back()
        if number == 0:
            subject.exchange()
        sessions.append(subject.other.keys)
    assert subject.holds(*sessions) == [False, True, True]


def test_an_initiator_that_only_speaks_since(subject: Subject):
    sessions = []
    for number in range(3):
        subject.asked()
        sessions.append(subject.other.keys)
        if number == 0:
            subject.exchange()
    assert subject.holds(*sessions) == [False, True, True]


@pytest.mark.parametrize("library", PRESENT)
def test_an_old_session_leaves_nothing(host: Host, library: str):
    with running(host, library, SOON_NS) as subject:
        subject.other.begin()
        subject.back()
        subject.exchange()
        assert subject.holds(subject.other.keys) == [True]
        until(lambda: subject.holds(subject.other.keys) == [False])


@pytest.mark.parametrize("how", ["removed", "down"])
def test_a_session_that_is_ended_leaves_nothing(subject: Subject, how: str):
    subject.other.begin()
    subject.back()
    subject.exchange()
    assert subject.holds(subject.other.keys) == [True]
    if how == "removed":
        subject.host.ask(f"set=1\npublic_key={subject.other.public.hex()}\nremove=true\n\n")
    else:
        subject.host.node.down("wg0")
        subject.process.says("link down")
    assert subject.holds(subject.other.keys) == [False]
