"""The switches of the offloads."""

from __future__ import annotations

import pytest

from tunnel import offloads
from tunnel.errors import ConfigError


@pytest.fixture(autouse=True)
def variable(monkeypatch):
    monkeypatch.setenv(offloads.VARIABLE, "")
    return monkeypatch


def test_all_are_on_unless_named(variable):
    assert all(map(offloads.allowed, offloads.NAMES))
    variable.setenv(offloads.VARIABLE, "gso, mmsg")
    assert [name for name in offloads.NAMES if offloads.allowed(name)] == ["vnet", "tso", "uso", "gro"]


def test_super_packets_need_the_virtio_header(variable):
    variable.setenv(offloads.VARIABLE, "vnet")
    assert not offloads.allowed("tso")
    assert not offloads.allowed("uso")
    assert offloads.allowed("gso")


def test_all_means_every_one(variable):
    variable.setenv(offloads.VARIABLE, "all")
    assert not any(map(offloads.allowed, offloads.NAMES))


def test_switching_off_adds(variable):
    offloads.switch_off(["gso"])
    offloads.switch_off(["gro"])
    assert offloads.switched_off() == {"gso", "gro"}


def test_an_unknown_name_is_told_with_those_there_are(variable):
    with pytest.raises(ConfigError, match="TUNNEL_NO_OFFLOAD: gzo: one of vnet, .*all was expected"):
        offloads.switch_off(["gzo"])
