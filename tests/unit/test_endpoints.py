"""Endpoints as text and as records."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunnel import endpoints
from tunnel.errors import ConfigError

ports = st.integers(0, 65535)


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("192.0.2.1:9000", ("192.0.2.1", 9000)),
        ("[2001:DB8::1]:0", ("2001:db8::1", 0)),
        ("[fe80::1%eth0]:65535", ("fe80::1%eth0", 65535)),
        ("0.0.0.0:1", ("0.0.0.0", 1)),
    ],
)
def test_text(text: str, endpoint: tuple[str, int]):
    assert endpoints.parse(text) == endpoint


@pytest.mark.parametrize(
    "text",
    ["", "192.0.2.1", "192.0.2.1:", ":9000", "192.0.2.1:65536", "192.0.2.1:-1", "2001:db8::1:9000", "[192.0.2.1]:9",
     "host:9000", "[::1]", "192.0.2.1:9000x", "[::1:9000", "1.2.3:4", "192.0.2.1:\u0661"],
)  # fmt: skip
def test_anything_else_is_a_configuration_error(text: str):
    with pytest.raises(ConfigError, match="ADDR:PORT was expected"):
        endpoints.parse(text)


@given(st.ip_addresses(v=4).map(str) | st.ip_addresses(v=6).filter(lambda ip: not ip.ipv4_mapped).map(str), ports)
def test_a_record_there_and_back(address: str, port: int):
    record = endpoints.pack(address, port)
    assert len(record) == endpoints.RECORD
    assert endpoints.unpack(record) == (address, port)


def test_a_record_begins_with_the_kernels_name():
    family, port, address, size = struct.unpack("=H2s4s20xI", endpoints.pack("192.0.2.1", 9000)[:32])
    assert (family, port, address, size) == (socket.AF_INET, b"\x23\x28", bytes([192, 0, 2, 1]), 16)
    family, port, flow, address6, scope, size = struct.unpack("=H2sI16sII", endpoints.pack("fe80::1%1", 9000)[:32])
    assert (family, flow, scope, size) == (socket.AF_INET6, 0, 1, 28)
    assert address6 == socket.inet_pton(socket.AF_INET6, "fe80::1")


def test_a_zone_may_be_a_name():
    assert endpoints.unpack(endpoints.pack("fe80::1%lo", 1)) == (f"fe80::1%{socket.if_nametoindex('lo')}", 1)
    with pytest.raises(OSError, match="no interface"):
        endpoints.pack("fe80::1%nothere", 1)


def test_a_mapped_address_is_the_ipv4_address():
    assert endpoints.pack("::ffff:192.0.2.1", 7) == endpoints.pack("192.0.2.1", 7)


def test_an_empty_record_is_none():
    assert endpoints.unpack(bytes(64)) is None


@pytest.mark.parametrize(("address", "port"), [("192.0.2.1", 65536), ("192.0.2.1", -1)])
def test_a_port_out_of_range_is_refused(address: str, port: int):
    with pytest.raises(OverflowError):
        endpoints.pack(address, port)


@pytest.mark.parametrize("text", ["192.0.2.1:9000", "[2001:db8::1]:1", "[fe80::1%lo]:65535"])
def test_a_record_and_back(text: str):
    record = endpoints.record(text)
    assert len(record) == endpoints.RECORD
    assert endpoints.text(record) == text


@pytest.mark.parametrize(
    "text",
    ["", "192.0.2.1", "2001:db8::1:9000", "[192.0.2.1]:9", "1.2.3.4:x", "1.2.3.4:65536",
     "[fe80::1%nothere]:1", "[fe80::1%4294967296]:1", "1.2.3.4:\u0661"],
)  # fmt: skip
def test_no_record_of_anything_else(text: str):
    with pytest.raises(ValueError, match="expected"):
        endpoints.record(text)


def test_an_empty_record_has_no_text():
    assert endpoints.text(bytes(endpoints.RECORD)) is None


@given(st.ip_addresses())
def test_packed(address):
    assert endpoints.packed(str(address)) == address.packed


@pytest.mark.parametrize("text", ["", "1.2.3", "fe80::1%lo", "host", "1.2.3.4\0"])
def test_packed_wants_an_address(text: str):
    with pytest.raises(ValueError, match=r"expected|null"):
        endpoints.packed(text)
