"""A session's two keys: each side opens what the other seals, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.protocols.wireguard.parties import STAMP, committed, flipped, natives
from tunnel.protocols.wireguard.session import Session


@pytest.fixture(scope="module")
def pair() -> tuple[Session, Session]:
    """The initiator's and the responder's."""
    (_, i), (responder, r) = natives()
    committed(responder, r, i.initiate(1, STAMP))
    assert i.read_response(r.respond(2))
    return i.session(), r.session()


@given(st.integers(0, 2**64 - 1), st.binary(max_size=200), st.data())
def test_both_ways(pair, counter, plain, data):
    one, other = pair
    sealed = one.seal(counter, plain)
    assert len(sealed) == len(plain) + 16
    assert other.open(counter, sealed) == plain
    assert other.seal(counter, plain) != sealed
    assert one.open(counter, sealed) is None
    assert other.open(counter ^ 1 << 63, sealed) is None
    assert other.open(counter, flipped(sealed, data.draw(st.integers(0, 8 * len(sealed) - 1)))) is None


@pytest.mark.parametrize("size", [0, 15])
def test_what_has_no_tag_does_not_open(pair, size):
    assert pair[0].open(0, bytes(size)) is None


def test_what_an_int_does_not_count_is_refused(pair):
    for run in (pair[0].seal, pair[0].open):
        with pytest.raises(ValueError, match="1073741825 bytes"):
            run(0, bytes((1 << 30) + 1))
