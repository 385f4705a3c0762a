"""Pcap: what other programs wrote is read, what is written other programs read, nonsense is told."""

from __future__ import annotations

import asyncio
import logging
import resource
import select
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import Ether
from scapy.utils import PcapNgWriter, PcapWriter, rdpcap

from tests.oracles.captures import block, enhanced, interface, pcap_file, section
from tunnel import reasons
from tunnel.batch import Batch
from tunnel.devices.pcap import Pcap
from tunnel.engine import Engine
from tunnel.errors import DeviceClosed, DeviceError
from tunnel.graph import Graph
from tunnel.handlers.echo import Echo

FRAMES = [bytes(Ether() / IP() / UDP() / bytes(size)) for size in (0, 1, 2, 3, 100, 1472, 65000)]
IP_PACKETS = 2


def drained(device: Pcap) -> tuple[list[bytes], str]:
    """All packets, and the words with which the device ended."""
    found: list[bytes] = []
    while True:
        batch = Batch()
        try:
            device.recv(batch)
        except DeviceClosed as end:
            return found, str(end)
        found += [p.data for p in batch]


def read(path: Path, content: bytes, **options: object) -> tuple[list[bytes], str]:
    path.write_bytes(content)
    with Pcap(path=str(path), **options) as device:
        return drained(device)


def written(path: Path, frames: list[bytes]) -> None:
    with Pcap(path=str(path), mode="w") as device:
        for start in range(0, len(frames), 32):
            batch = Batch.of(frames[start : start + 32])
            assert device.send(batch) == len(batch)


@contextmanager
def limited_file_size(limit: int) -> Iterator[None]:
    """As on a full disc, a write goes up to ``limit`` bytes of the file and no further."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("magic", [0xA1B2C3D4, 0xA1B23C4D], ids=["us", "ns"])
def test_reads_pcap(tmp_path: Path, order: str, magic: int) -> None:
    found, end = read(tmp_path / "x", pcap_file(FRAMES, order, magic))
    assert found == FRAMES
    assert end.endswith("x: end of file")


@pytest.mark.parametrize("order", ["<", ">"])
def test_reads_pcapng_blocks_of_every_kind(tmp_path: Path, order: str) -> None:
    frame = FRAMES[3]
    obsolete = block(2, struct.pack(order + "HHIIII", 0, 7, 1, 2, len(frame), len(frame)) + frame, order)
    simple = block(3, struct.pack(order + "I", len(frame)) + frame, order)
    statistics = block(5, bytes(12), order)
    custom = block(0xBAD, bytes(40), order)
    huge = block(0x0A, bytes(3 << 20), order)
    content = section(order) + interface(order) + custom + enhanced(frame, order) + obsolete + statistics
    content += huge + simple + section("<") + interface("<") + enhanced(frame, "<")
    assert read(tmp_path / "x", content)[0] == [frame] * 4


def test_a_simple_packet_is_bounded_by_snaplen(tmp_path: Path) -> None:
    simple = block(3, struct.pack("<I", 1000) + bytes(range(60)))
    assert read(tmp_path / "x", section() + interface(snaplen=60) + simple)[0] == [bytes(range(60))]


@pytest.mark.parametrize("writer", [PcapWriter, PcapNgWriter])
def test_reads_what_scapy_writes(tmp_path: Path, writer: type) -> None:
    path = tmp_path / "scapy"
    with writer(str(path)) as file:
        for frame in FRAMES[:-1]:
            file.write(Ether(frame))
    with Pcap(path=str(path)) as device:
        assert drained(device)[0] == FRAMES[:-1]


def test_scapy_reads_what_is_written(tmp_path: Path) -> None:
    written(tmp_path / "x", FRAMES)
    packets = rdpcap(str(tmp_path / "x"))
    assert [bytes(p) for p in packets] == FRAMES
    assert all(isinstance(p, Ether) for p in packets)


def test_ip_packets_are_raw(tmp_path: Path) -> None:
    packets = [frame[14:] for frame in FRAMES]
    with Pcap(path=str(tmp_path / "x"), mode="w", medium="ip") as device:
        device.send(Batch.of(packets, medium=IP_PACKETS))
    assert [bytes(p) for p in rdpcap(str(tmp_path / "x"))] == packets
    with Pcap(path=str(tmp_path / "x"), medium="ip") as device:
        assert device.medium == IP_PACKETS
        assert drained(device)[0] == packets


@pytest.mark.skipif(not shutil.which("tcpdump"), reason="tcpdump is missing: apt-get install tcpdump")
def test_tcpdump_reads_what_is_written(tmp_path: Path) -> None:
    written(tmp_path / "x", FRAMES * 30)
    done = subprocess.run(
        ["tcpdump", "--count", "-r", str(tmp_path / "x")], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"{30 * len(FRAMES)} packets"
    assert "link-type EN10MB" in done.stderr


def test_more_than_the_buffer_goes_through(tmp_path: Path) -> None:
    frames = [bytes([n % 251]) * 65535 for n in range(100)]
    written(tmp_path / "x", frames)
    with Pcap(path=str(tmp_path / "x")) as device:
        assert drained(device)[0] == frames


def test_times_rise_in_nanoseconds(tmp_path: Path) -> None:
    written(tmp_path / "x", FRAMES)
    times = [float(p.time) for p in rdpcap(str(tmp_path / "x"))]
    assert times == sorted(times)
    assert times[0] > 1e9, "seconds since 1970"


def test_statistics_at_the_end(tmp_path: Path) -> None:
    written(tmp_path / "x", FRAMES)
    tail = (tmp_path / "x").read_bytes()[-52:]
    kind, length, number = struct.unpack_from("=III", tail)
    assert (kind, length, number) == (5, 52, 0)
    assert struct.unpack_from("=HHQHHQ", tail, 20) == (4, 8, len(FRAMES), 5, 8, 0)


def test_a_full_disc_costs_packets_not_the_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Pcap(path=str(tmp_path / "x"), mode="w") as device:
        size = (tmp_path / "x").stat().st_size
        batch = Batch.of([bytes(1000)] * 64)
        with limited_file_size(size + 5000):
            assert device.send(batch) == 64
        assert {reasons.name(p.reason) for p in batch} == {"REFUSED"}
        assert device.send(Batch.of(FRAMES)) == len(FRAMES)
    assert [r.message for r in caplog.records if "will be missing" in r.message]
    with Pcap(path=str(tmp_path / "x")) as device:
        assert drained(device) == (FRAMES, f"{tmp_path / 'x'}: end of file")


def test_the_file_is_private(tmp_path: Path) -> None:
    written(tmp_path / "x", FRAMES)
    assert (tmp_path / "x").stat().st_mode & 0o077 == 0


def test_a_file_that_is_read_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(pcap_file(FRAMES))
    with Pcap(path=str(tmp_path / "x")) as device:
        batch = Batch.of(FRAMES)
        assert device.send(batch) == len(FRAMES)
        assert {reasons.name(p.reason) for p in batch} == {"READ_ONLY"}
    with Pcap(path=str(tmp_path / "y"), mode="w") as device:
        assert device.recv(Batch()) == 0


@pytest.mark.parametrize("cut", [1, 15, 16, 17, 60])
def test_a_cut_file_gives_what_is_whole(tmp_path: Path, cut: int, caplog: pytest.LogCaptureFixture) -> None:
    for content in (pcap_file(FRAMES[3:5]), section() + interface() + enhanced(FRAMES[3]) * 2):
        caplog.clear()
        assert read(tmp_path / "x", content[:-cut]) == (FRAMES[3:4], f"{tmp_path / 'x'}: end of file")
        assert "x: the file ends within a packet" in caplog.text


WRONG = {
    "a block length of at least 12": enhanced(b"")[:4] + struct.pack("<I", 8) + bytes(20),
    "a multiple of 4": enhanced(b"")[:4] + struct.pack("<I", 33) + bytes(40),
    "length again at its end": enhanced(b"abcd")[:-4] + bytes(4),
    "interface described before it": enhanced(b"abcd", number=1),
    "a packet within its block": block(6, struct.pack("<5I", 0, 0, 0, 5, 5) + b"abcd"),
    "byte-order magic": block(0x0A0D0D0A, bytes(16)),
    "a packet block that holds its fields": block(6, bytes(16)),
    "an interface block of at least 20 bytes": block(1, b""),
    "at most 256 interfaces": interface() * 256,
}


@pytest.mark.parametrize("expected", WRONG)
def test_nonsense_is_told_with_its_place(tmp_path: Path, expected: str) -> None:
    good = section() + interface() + enhanced(FRAMES[0])
    found, end = read(tmp_path / "x", good + WRONG[expected])
    assert found == FRAMES[:1]
    place = len(good) + (255 * len(interface()) if "256" in expected else 0)
    assert f"x: at byte {place}: " in end
    assert expected in end


def test_nonsense_in_pcap_is_told_with_its_place(tmp_path: Path) -> None:
    good = pcap_file(FRAMES[:1])
    found, end = read(tmp_path / "x", good + struct.pack("<4I", 0, 0, 1 << 20, 0) + bytes(40))
    assert found == FRAMES[:1]
    assert f"at byte {len(good)}: a record of at most" in end


@pytest.mark.parametrize("content", [b"", b"\xa1\xb2", b"no capture at all", pcap_file([])[:23]])
def test_what_is_no_capture_does_not_open(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(DeviceError, match=r"x: at byte 0: .* was expected"):
        Pcap(path=str(tmp_path / "x")).open()


def test_other_media_are_passed_over_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    content = section() + interface() + interface(link=101) + interface(link=113)
    content += enhanced(FRAMES[0]) + enhanced(FRAMES[0][14:], number=1) + enhanced(b"sll", number=2)
    with caplog.at_level(logging.WARNING):
        assert read(tmp_path / "x", content)[0] == FRAMES[:1]
        assert read(tmp_path / "x", content, medium="ip")[0] == [FRAMES[0][14:]]
    assert "2 packets were not ethernet (the last was Linux cooked (link type 113))" in caplog.text


def test_missing_and_strange_files(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="No such file"):
        Pcap(path=str(tmp_path / "none")).open()
    with pytest.raises(DeviceError, match="a regular file was expected"):
        Pcap(path="/dev/null").open()
    with pytest.raises(DeviceError):
        Pcap(path=str(tmp_path), mode="w").open()


def test_opened_again_it_begins_again(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(pcap_file(FRAMES))
    device = Pcap(path=str(tmp_path / "x"))
    for _ in range(2):
        with device:
            assert drained(device)[0] == FRAMES
    device.close()
    with pytest.raises(DeviceClosed, match="closed"):
        device.recv(Batch())
    with pytest.raises(DeviceClosed, match="closed"):
        device.send(Batch())


def test_a_read_file_is_always_readable_a_written_one_is_not_polled(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(pcap_file(FRAMES))
    with Pcap(path=str(tmp_path / "x")) as device:
        assert device.recv(Batch()) == len(FRAMES)
        with pytest.raises(DeviceClosed) as end:
            device.recv(Batch())
        assert end.value.finished
        assert select.select([device.fd], [], [], 0)[0] == [device.fd]
    assert device.fd == -1
    with Pcap(path=str(tmp_path / "y"), mode="w") as device:
        assert device.fd == -1


def test_through_an_engine_to_its_end(tmp_path: Path) -> None:
    pings = [bytes(IP(src="192.0.2.1", dst="192.0.2.2") / ICMP(seq=n)) for n in range(300)]
    (tmp_path / "x").write_bytes(pcap_file(pings, link=101))
    graph = Graph()
    graph.add(Pcap(path=str(tmp_path / "x"), medium="ip"), "source")
    graph.add(Pcap(path=str(tmp_path / "y"), mode="w", medium="ip"), "sink")
    graph.add(Echo(), "echo")
    graph.link("source -> echo")
    graph.link("echo -> sink")
    asyncio.run(Engine(graph).run())
    answers = rdpcap(str(tmp_path / "y"))
    assert [(p.src, p[ICMP].type, p[ICMP].seq) for p in answers] == [("192.0.2.2", 0, n) for n in range(300)]
