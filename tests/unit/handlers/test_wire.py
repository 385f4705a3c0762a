"""Wire: in by one port, out by the other."""

from __future__ import annotations

from tests.unit.packets import frame, numbered
from tunnel.handler import is_native
from tunnel.handlers.wire import Wire
from tunnel.packet import F_ALL, IP
from tunnel.testing import drive


def test_both_ways():
    driven = drive(Wire(), {"a": numbered(200), "b": numbered(3, 500)})
    assert driven.out == {"a": numbered(3, 500), "b": numbered(200)}
    assert driven.drops == {}


def test_of_any_medium():
    packet = frame()[14:]
    assert drive(Wire(), {"a": [packet]}, medium=IP).out["b"] == [packet]


def test_it_is_native_and_takes_all():
    assert is_native(Wire())
    assert Wire.accepts == F_ALL


def test_malformed_packets_are_the_devices_affair():
    driven = drive(Wire(), {"a": [b"", frame(), b"x"]})
    assert driven.out["b"] == [frame()]
    assert driven.drops == {"TRUNCATED": 2}
    assert driven.handler.counts()["rx"]["packets"] == 1
