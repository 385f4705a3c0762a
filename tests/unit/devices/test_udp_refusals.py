"""Udp where the kernel refuses a run, or lies about one."""

from __future__ import annotations

import errno
import json
import logging
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.devices.udps import came, dropped, outgoing, plain, udp
from tunnel import offloads
from tunnel.devices.udp import Udp

TOP = Path(__file__).parents[3]
SO_NO_CHECK = 11  # asm-generic/socket.h; UDP_SEGMENT then fails with EINVAL (net/ipv4/udp.c, udp_send_skb)
UNHURT = {"on": True, "used": 0, "refused": 0}


def unchecked(family: socket.AddressFamily, address: str) -> int:
    """The descriptor of a bound socket that may not segment."""
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
    sock.bind((address, 0))
    return sock.detach()


def test_a_socket_that_may_not_segment_sends_one_by_one(caplog: pytest.LogCaptureFixture) -> None:
    sent = [bytes([n]) * (50 if n < 20 else 70) for n in range(40)]
    with udp(fd=unchecked(socket.AF_INET, "127.0.0.1")) as device, plain() as sock:
        device.name = "wan"
        batch = outgoing(sent, sock.getsockname())
        assert device.send(batch) == 40
        assert came(sock, 40) == sent
        assert dropped(batch) == {}
        assert device.offloads()["gso"] == {"on": False, "used": 0, "refused": 1}
        assert device.send(batch) == 40
        assert came(sock, 40) == sent
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert [text for text in warnings if "gso" in text] == [
        "wan: the kernel refuses gso (Invalid argument); it is switched off, everything works without; "
        "TUNNEL_NO_OFFLOAD=gso does so from the start"
    ]


def test_opening_again_tries_again() -> None:
    with udp() as device, plain() as sock:
        assert device.send(outgoing([b"a", b"b"], sock.getsockname())) == 2
        device.close()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(offloads.VARIABLE, "gso")
            device.open()
        assert device.offloads()["gso"] == {"on": False, "used": 1, "refused": 0}


@pytest.mark.parametrize("bad", [("127.0.0.1", 0), ("255.255.255.255", 9), ("::1", 9)])
def test_a_bad_endpoint_costs_its_run_only_and_no_offload(bad: tuple[str, int]) -> None:
    """Port 0 gives EINVAL, as segmentation refused would: a stranger must not switch it off."""
    with udp() as device, plain(gro=True) as sock:
        good = sock.getsockname()
        batch = outgoing([b"12"] * 6, good, good, bad, bad, good, good)
        assert device.send(batch) == 6
        assert dropped(batch) == {2: "REFUSED", 3: "REFUSED"}
        arrived = b""
        while len(arrived) < 8:
            arrived += sock.recv(100)
        assert device.offloads()["gso"]["on"]
        assert device.offloads()["gso"]["refused"] == 0
        assert device.send(outgoing([b"12"] * 3, good)) == 3
        assert sock.recv(100) == b"12" * 3


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The faked kernel, compiled."""
    library = tmp_path_factory.mktemp("faults") / "faults.so"
    source = Path(__file__).with_name("udp_faults.c")
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    return library


PROGRAM = """
import json
from tests.unit.devices.udps import came, dropped, outgoing, plain, received, send_run, udp
with udp() as device, plain() as sock:
    batch = outgoing([b"10"] * 3 + [b"long"] * 3 + [b"x"], sock.getsockname())
    done = device.send(batch)
    sent = came(sock, done - len(dropped(batch)))
    send_run(sock, b"aaaabbbbcc", 4, device.address)
    print(json.dumps({
        "done": done, "came": [data.decode() for data in sent], "dropped": dropped(batch),
        "received": [data.decode() for data in received(device)], **device.offloads(),
    }))
"""


def faked(faults: Path, **says: str) -> dict[str, object]:
    """What a process finds whose kernel ``says`` this."""
    environment = {**os.environ, "LD_PRELOAD": str(faults), "PYTHONPATH": str(TOP), **says}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


ALL = ["10", "10", "10", "long", "long", "long", "x"]


@pytest.mark.parametrize("error", [errno.EIO, errno.EINVAL])
def test_a_device_that_cannot_checksum(faults: Path, error: int) -> None:
    found = faked(faults, RUN_ERRNO=str(error))
    assert (found["done"], found["came"], found["dropped"]) == (7, ALL, {})
    assert found["gso"] == {"on": False, "used": 0, "refused": 1}


def test_a_run_that_is_too_big_leaves_gso_on(faults: Path) -> None:
    found = faked(faults, RUN_ERRNO=str(errno.EMSGSIZE))
    assert (found["done"], found["came"], found["dropped"]) == (7, ALL, {})
    assert found["gso"] == UNHURT


@pytest.mark.parametrize(("error", "reason"), [(errno.ENOBUFS, "REFUSED"), (errno.ENETDOWN, "LINK_DOWN")])
def test_another_error_costs_the_run(faults: Path, error: int, reason: str) -> None:
    """A full queue drops, and is not tried again."""
    found = faked(faults, RUN_ERRNO=str(error))
    assert found["done"] == 7
    assert found["came"] == []
    assert found["dropped"] == {str(n): reason for n in range(7)}
    assert found["gso"] == UNHURT


def test_a_blocked_run_is_kept(faults: Path) -> None:
    found = faked(faults, RUN_ERRNO=str(errno.EAGAIN))
    assert (found["done"], found["came"], found["dropped"]) == (0, [], {})


@pytest.mark.parametrize(
    ("says", "shown"),
    [
        ("0", ["aaaabbbbcc"]), ("-4", ["aaaabbbbcc"]), ("4", ["aaaa", "bbbb", "cc"]),
        ("10", ["aaaabbbbcc"]), ("2000000000", ["aaaabbbbcc"]), ("1", list("aaaabbbbcc")),
    ],
)  # fmt: skip
def test_a_segment_size_that_lies(faults: Path, says: str, shown: list[str]) -> None:
    found = faked(faults, GRO_SAYS=says)
    assert found["received"] == shown
    assert found["gro"] == {"on": True, "used": int(len(shown) > 1), "refused": 0}


def test_a_kernel_without_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """As before Linux 4.18: the options are unknown."""
    real = socket.socket.setsockopt

    class Old(socket.socket):
        def setsockopt(self, level: int, *rest: object) -> None:  # type: ignore[override]
            if level == socket.IPPROTO_UDP:
                raise OSError(errno.ENOPROTOOPT, "Protocol not available")
            real(self, level, *rest)  # type: ignore[call-overload]

    monkeypatch.setenv(offloads.VARIABLE, "")
    monkeypatch.setattr(socket, "socket", Old)
    with Udp(listen="127.0.0.1:0") as device:
        assert [name for name, row in device.offloads().items() if row["on"]] == ["mmsg"]
