from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterator

import pytest

from tunnel import nft

REQUESTS = [
    nft.Request(nft.NEWTABLE, nft.NEW, nft.text(nft.TABLE_NAME, "some")),
    nft.Request(nft.NEWRULE, nft.CREATE, nft.nested(nft.RULE_EXPRESSIONS, nft.expression("masq"))),
]


def messages(buffer: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Kind, flags, number and attributes of each; every one says its own length, aligned."""
    while buffer:
        length, kind, flags, number, _ = struct.unpack_from("=IHHII", buffer)
        assert length % 4 == 0
        assert length <= len(buffer)
        yield kind, flags, number, buffer[20:length]
        buffer = buffer[length:]


def test_a_transaction_is_whole() -> None:
    found = list(messages(nft.transaction(1, REQUESTS)))
    assert [(kind, number) for kind, _, number, _ in found] == [(16, 0), (0x0A00, 1), (0x0A06, 2), (17, 3)]
    assert [flags & 0x4 for _, flags, _, _ in found] == [0, 4, 4, 0], "requests are acknowledged, marks are not"
    assert [attributes for *_, attributes in found[1:3]] == [one.attributes for one in REQUESTS]


def test_attributes_are_padded_and_nested() -> None:
    assert nft.text(1, "abc") == struct.pack("=HH", 8, 1) + b"abc\0"
    assert nft.text(1, "abcd") == struct.pack("=HH", 9, 1) + b"abcd\0" + bytes(3)
    assert nft.number(2, 7) == struct.pack("=HH", 8, 2) + b"\0\0\0\7"
    assert nft.nested(3, nft.number(2, 7)) == struct.pack("=HH", 12, 0x8003) + nft.number(2, 7)


def answer(about: int, error: int) -> bytes:
    return struct.pack("=IHHIIi", 36, 2, 0, about, 0, -error) + bytes(16)


@pytest.mark.parametrize(("about", "at"), [(0, -1), (1, 0), (2, 1)])
def test_the_refused_request_is_told(about: int, at: int) -> None:
    ours, kernel = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, kernel:
        if about == 2:
            kernel.send(answer(1, 0))
        kernel.send(answer(about, errno.ENOENT))
        with pytest.raises(nft.Refused) as raised:
            nft.commit(ours, 1, REQUESTS)
        assert (raised.value.errno, raised.value.at) == (errno.ENOENT, at)
        assert kernel.recv(4096) == nft.transaction(1, REQUESTS)
