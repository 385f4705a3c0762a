"""Memory for keys: zeroed, aligned, out of core dumps, used again, and empty once it is given back."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunnel.secret import Secret, usage

SLAB = 65536


def memory(address, size):
    with Path("/proc/self/mem").open("rb") as image:
        image.seek(address)
        return image.read(size)


def flags_at(address):
    """The VmFlags of the mapping that holds the address."""
    found = ""
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if match := re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line):
            found = int(match[1], 16) <= address < int(match[2], 16)
        elif found and line.startswith("VmFlags:"):
            return line.split()[1:]
    raise AssertionError(f"{address:x} is not mapped")


def test_it_holds_what_is_written():
    secret = Secret(1200)
    assert secret.read() == bytes(1200)
    secret.write(b"key" * 400)
    assert memory(secret.address, 1200) == b"key" * 400
    secret.wipe()
    assert secret.read() == bytes(1200)


@pytest.mark.parametrize("size", [1, 8, 63, 64, 65, 4096])
def test_what_is_given_back_is_empty_and_comes_again(size):
    secret = Secret(size)
    secret.write(b"\xff" * size)
    address = secret.address
    del secret
    assert not any(memory(address + 8, max(size, 64) - 8))  # before it, the link to the next spare one
    assert b"\xff" not in memory(address, 8)[6:]
    again = Secret(size)
    assert (again.address, again.read()) == (address, bytes(size))


def test_core_dumps_leave_it_out():
    assert "dd" in flags_at(Secret(32).address)


def test_many_are_cheap():
    before = usage()
    secrets = [Secret(1200) for _ in range(10_000)]
    used, mapped = usage()
    assert used - before[0] == 10_000 * 1216
    assert mapped - before[1] < 1.02 * 10_000 * 1216 + SLAB
    del secrets
    assert usage() == (before[0], mapped)
    secrets = [Secret(1200) for _ in range(10_000)]
    assert len(secrets) == 10_000
    assert usage() == (used, mapped)


@given(st.lists(st.one_of(st.integers(1, 4096), st.none()), max_size=60))
def test_none_overlaps_another(steps):
    """A number takes one of that size, None gives the oldest back."""
    held: list[tuple[Secret, bytes]] = []
    for number, size in enumerate(steps):
        if size is None:
            del held[:1]
        else:
            secret, content = Secret(size), bytes([number + 1]) * size
            assert secret.read() == bytes(size)
            secret.write(content)
            held.append((secret, content))
    assert all(secret.read() == content for secret, content in held)
    places = sorted((secret.address, len(content)) for secret, content in held)
    assert all(place % 64 == 0 for place, _ in places)
    assert all(one + size <= other for (one, size), (other, _) in pairwise(places))


@pytest.mark.parametrize("size", [0, 4097, 1 << 40])
def test_sizes_have_a_limit(size):
    with pytest.raises(ValueError, match="1 to 4096 bytes"):
        Secret(size)


def test_content_must_fit():
    with pytest.raises(ValueError, match="33 bytes for a secret of 32"):
        Secret(32).write(bytes(33))
