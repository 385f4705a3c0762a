"""The kernel's own list of what GRO joins and what not (tools/testing/selftests/net/gro.c), case by case.

Each test has the case's name there. Where several packets are sent, the numbers tell how many of them
each packet behind the coalescing stands for.
"""

from __future__ import annotations

import pytest

from tests.unit.offload.flows import FULL, counts, joined, tcp, udp
from tunnel.packet import IP

BIG = 1400
VERSIONS = pytest.mark.parametrize("version", [4, 6])


@VERSIONS
def test_data_same(version: int):
    assert joined([tcp(0, version=version), tcp(FULL, version=version)]) == [(2, 2 * FULL)]


@VERSIONS
def test_data_lrg_sml(version: int):
    assert joined([tcp(0, 100, version), tcp(100, 50, version)]) == [(2, 150)]


@VERSIONS
def test_data_sml_lrg(version: int):
    assert joined([tcp(0, 50, version), tcp(50, 100, version)]) == [(1, 50), (1, 100)]


def test_data_burst():
    assert joined([tcp(i * FULL) for i in range(10)]) == [(10, 10 * FULL)]


@VERSIONS
def test_ack(version: int):
    assert counts([tcp(0, 0, version), tcp(0, 0, version), tcp(0, 0, version, ack=8)]) == [1, 1, 1]


def test_flags_psh():
    packets = [tcp(0), tcp(100), tcp(200, flags="PA"), tcp(300), tcp(400)]
    assert counts(packets) == [3, 2]


@pytest.mark.parametrize("flags", ["SA", "RA", "FA", "UA", "CA", "EA", "", "P"])
def test_flags_syn_rst_urg_cwr(flags: str):
    packets = [tcp(0), tcp(100), tcp(200, flags=flags), tcp(300), tcp(400)]
    assert counts(packets) == [2, 1, 2]


@VERSIONS
def test_tcp_csum(version: int):
    assert counts([tcp(0, version=version, chksum=1), tcp(100, version=version)]) == [1, 1]
    assert counts([tcp(0, version=version), tcp(100, version=version, chksum=1)]) == [1, 1]


@VERSIONS
@pytest.mark.parametrize("wrong", [99, 101, 100 + 2**31, 0])
def test_tcp_seq(version: int, wrong: int):
    assert counts([tcp(0, version=version), tcp(wrong, version=version)]) == [1, 1]


def test_tcp_ts():
    same, later = [("Timestamp", (1, 2)), ("NOP", None)], [("Timestamp", (2, 2)), ("NOP", None)]
    assert counts([tcp(0, options=same), tcp(100, options=same), tcp(200, options=later)]) == [2, 1]


def test_tcp_opt():
    sack = [("SAck", (1, 2)), ("NOP", None), ("NOP", None)]
    assert counts([tcp(0), tcp(100), tcp(200, options=sack)]) == [2, 1]


@pytest.mark.parametrize("ecn", [1, 2, 3])
def test_ip_ecn(ecn: int):
    assert counts([tcp(0), tcp(100, ip={"tos": ecn})]) == [1, 1]
    assert counts([tcp(0, version=6), tcp(100, version=6, ip={"tc": ecn})]) == [1, 1]
    assert counts([tcp(0, ip={"tos": ecn}), tcp(100, ip={"tos": ecn})]) == [2]


def test_ip_tos():
    assert counts([tcp(0), tcp(100, ip={"tos": 0x10})]) == [1, 1]
    assert counts([tcp(0, version=6), tcp(100, version=6, ip={"tc": 0x10})]) == [1, 1]


def test_ip_ttl():
    assert counts([tcp(0), tcp(100, ip={"ttl": 63})]) == [1, 1]
    assert counts([tcp(0, version=6), tcp(100, version=6, ip={"hlim": 63})]) == [1, 1]


def test_ip_opt():
    option = [b"\x94\x04\0\0"]
    assert counts([tcp(0), tcp(100), tcp(200, ip={"options": option})]) == [2, 1]
    assert counts([tcp(0, ip={"options": option}), tcp(100, ip={"options": option})]) == [1, 1]


def test_ip_frag4():
    packets = [tcp(0), tcp(100, ip={"flags": "MF", "id": 1}), tcp(200, ip={"flags": 0, "frag": 1, "id": 2})]
    assert counts(packets) == [1, 1, 1]


def ids(*numbers: int, flags: str = "DF") -> list[int]:
    packets = [tcp(i * FULL, ip={"id": number, "flags": flags}) for i, number in enumerate(numbers)]
    return counts(packets)


def test_ip_id_df1_inc():
    assert ids(8, 9, 10) == [3]


def test_ip_id_df1_fixed():
    assert ids(8, 8, 8) == [3]


def test_ip_id_df0_inc():
    assert ids(8, 9, 10, flags="") == [3]


def test_ip_id_df0_fixed():
    assert ids(8, 8, flags="") == [1, 1]


def test_ip_id_df1_inc_fixed():
    assert ids(8, 9, 9) == [2, 1]


def test_ip_id_df1_fixed_inc():
    assert ids(8, 8, 9) == [2, 1]


def test_ip_id_wraps():
    assert ids(0xFFFF, 0, 1, flags="") == [3]


def extended(data: bytes, option: bytes) -> bytes:
    """The IPv6 packet with 8 bytes of destination options."""
    length = int.from_bytes(data[4:6], "big") + 8
    return data[:4] + length.to_bytes(2, "big") + b"\x3c" + data[7:40] + data[6:7] + b"\0\1\4" + option + data[40:]


def test_ip_v6ext_same():
    """The kernel joins these; here extension headers stay out of it altogether."""
    packets = [extended(tcp(i * FULL, version=6), b"same") for i in range(2)]
    assert counts(packets) == [1, 1]


def test_ip_v6ext_diff():
    packets = [tcp(0, version=6), extended(tcp(100, version=6), b"here"), extended(tcp(200, version=6), b"else")]
    assert counts(packets) == [1, 1, 1]


def test_ip_frag6():
    whole = tcp(100, version=6)
    length = int.from_bytes(whole[4:6], "big") + 8
    fragment = whole[:4] + length.to_bytes(2, "big") + b"\x2c" + whole[7:40] + b"\x06\0\0\1\0\0\0\7" + whole[40:]
    assert counts([tcp(0, version=6), fragment, tcp(200, version=6)]) == [1, 1, 1]


@VERSIONS
def test_large_max(version: int):
    """As many as 65,535 bytes with headers hold, to the byte."""
    room = 65535 - (40 if version == 4 else 60)
    packets = [tcp(at, min(BIG, room - at), version) for at in range(0, room, BIG)]
    assert joined(packets) == [(len(packets), room)]


@VERSIONS
def test_large_rem(version: int):
    """One byte more begins another."""
    room = 65535 - (40 if version == 4 else 60)
    packets = [tcp(at, min(BIG, room + 1 - at), version) for at in range(0, room + 1, BIG)]
    assert joined(packets)[0][0] == len(packets) - 1
    assert len(joined(packets)) == 2


@VERSIONS
def test_udp_sizes(version: int):
    """data_same, data_lrg_sml and data_sml_lrg for UDP."""
    assert joined([udp(0, 100, version), udp(1, 100, version)]) == [(2, 200)]
    assert joined([udp(0, 100, version), udp(1, 50, version), udp(2, 50, version)]) == [(2, 150), (1, 50)]
    assert joined([udp(0, 50, version), udp(1, 100, version)], medium=IP) == [(1, 50), (1, 100)]
