"""The generator and the counting receiver, over loopback."""

from __future__ import annotations

import json
import socket
import subprocess

import pytest

from bench.tools import tool

ADDRESS = "127.0.0.1"


@pytest.fixture(scope="module")
def blast():
    return tool("tools/blast.c")


@pytest.fixture
def receiver():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind((ADDRESS, 0))
        own.settimeout(10)
        yield own


def generated(blast, receiver, *options):
    """The datagrams that ``blast send`` makes, and its counts."""
    to = ["-a", ADDRESS, "-p", f"{receiver.getsockname()[1]}"]
    done = subprocess.run([blast, "send", *to, *options], capture_output=True, check=True, timeout=10)
    counts = json.loads(done.stdout)
    return [receiver.recv(2048) for _ in range(counts["sent"])], counts


def counted(blast, datagrams):
    """What ``blast sink`` counts of these."""
    command = [blast, "sink", "-a", ADDRESS, "-p", "0", "-s", "1300"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sink:
        assert sink.stdout
        port = int(sink.stdout.readline().split()[-1])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for datagram in datagrams:
                sender.sendto(datagram, (ADDRESS, port))
        told = sink.communicate(timeout=10)[0]
    assert sink.returncode == 0
    return json.loads(told)


def test_sizes_alternate_and_the_count_is_kept(blast, receiver):
    datagrams, counts = generated(blast, receiver, "-n", "5", "-s", "64,1300")
    assert [len(datagram) for datagram in datagrams] == [64, 1300, 64, 1300, 64]
    assert counts["sent"] == 5


def test_flows_have_source_ports_of_their_own(blast, receiver):
    to = ["-a", ADDRESS, "-p", f"{receiver.getsockname()[1]}", "-n", "192", "-f", "3"]
    subprocess.run([blast, "send", *to], capture_output=True, check=True, timeout=10)
    assert len({receiver.recvfrom(2048)[1] for _ in range(192)}) == 3


def test_every_intact_datagram_is_received(blast, receiver):
    datagrams, _ = generated(blast, receiver, "-n", "40", "-s", "64,1300,24,77")
    counts = counted(blast, datagrams)
    assert counts["received"] == 40
    assert counts["bytes"] == sum(map(len, datagrams))
    assert [counts[name] for name in ("lost", "reordered", "duplicated", "corrupted")] == [0, 0, 0, 0]


def test_loss_order_and_duplicates_are_told(blast, receiver):
    sent, _ = generated(blast, receiver, "-n", "6")
    counts = counted(blast, [sent[0], sent[2], sent[1], sent[2], sent[5]])
    assert counts["received"] == 5
    assert counts["reordered"] == 1
    assert counts["duplicated"] == 1
    assert counts["lost"] == 2


def test_one_altered_bit_is_found_wherever_it_is(blast, receiver):
    sent, _ = generated(blast, receiver, "-n", "1", "-s", "1300")
    whole = int.from_bytes(sent[0])
    altered = [(whole ^ 1 << bit).to_bytes(1300) for bit in range(0, 8 * 1300, 97)]
    counts = counted(blast, altered)
    assert (counts["corrupted"], counts["received"]) == (len(altered), 0)


def test_a_datagram_of_another_length_is_corrupted(blast, receiver):
    sent, _ = generated(blast, receiver, "-n", "1")
    assert counted(blast, [sent[0][:-1], sent[0] + b"x", b"", b"abc"])["corrupted"] == 4


def test_echo_counts_what_comes_back(blast, receiver):
    to = ["-a", ADDRESS, "-p", f"{receiver.getsockname()[1]}", "-n", "8", "-s", "64,1300"]
    with subprocess.Popen([blast, "echo", *to], stdout=subprocess.PIPE, text=True) as echo:
        for number in range(8):
            datagram, sender = receiver.recvfrom(2048)
            if number != 3:
                receiver.sendto(datagram, sender)
        counts = json.loads(echo.communicate(timeout=10)[0])
    assert (counts["sent"], counts["received"], counts["lost"], counts["corrupted"]) == (8, 7, 1, 0)
