"""``inside``: a function runs elsewhere, its caller stays."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tests.netns.alone import alone, another
from tunnel.errors import DeviceError
from tunnel.netns import inside


def interfaces() -> list[str]:
    return [name for _, name in socket.if_nameindex()]


@alone
def test_by_descriptor_path_and_not_at_all() -> None:
    elsewhere = another()
    for there in (elsewhere, f"/proc/self/fd/{elsewhere}"):
        assert inside(there, interfaces) == ["lo"]
        assert "va" in interfaces()
    assert inside(None, interfaces) == interfaces()
    os.fstat(elsewhere)  # still the caller's
    os.close(elsewhere)


@alone
def test_by_name() -> None:
    elsewhere = another()
    named = Path("/run/netns/elsewhere")
    named.parent.mkdir(exist_ok=True)
    named.symlink_to(f"/proc/{os.getpid()}/fd/{elsewhere}")
    try:
        assert inside("elsewhere", interfaces) == ["lo"]
    finally:
        named.unlink()


@alone
def test_what_is_raised_there_is_raised_here() -> None:
    elsewhere = another()
    with pytest.raises(ZeroDivisionError):
        inside(elsewhere, lambda: 1 // 0)
    with pytest.raises(DeviceError, match="namespace /run/netns/nowhere: No such file"):
        inside("nowhere", interfaces)
    with pytest.raises(DeviceError, match="namespace '/dev/null': Invalid argument"):
        inside("/dev/null", interfaces)
