"""What fits passes, what does not is completed."""

from __future__ import annotations

from hypothesis import given

from tests.oracles import segment as twin
from tests.unit.offload.supers import CSUM, batch_of, datas, feature, one_super, supers
from tunnel.offload.fit import fit
from tunnel.packet import IP


@given(supers())
def test_whole_where_it_is_accepted(case: tuple[twin.Super, int]):
    whole, medium = case
    packet = twin.partial(whole)
    batch = batch_of(packet, medium)
    out = fit(batch, accepts=feature(packet) | CSUM)
    assert datas(out) == [packet.data]
    assert (out[1].gso_size, out[1].needs_csum, out[1].segments) == (whole.gso_size, True, batch[1].segments)


@given(supers())
def test_an_unfinished_checksum_is_completed(case: tuple[twin.Super, int]):
    whole, medium = case
    out = fit(batch_of(twin.partial(whole), medium, gso_type=0, gso_size=0))
    [done] = datas(out)
    assert twin.l4_checksum(done, whole.l3, whole.l4, whole.proto) == 0
    assert done[: whole.l4 + whole.field] == whole.data[: whole.l4 + whole.field]
    assert not out[1].needs_csum


def test_shared_bytes_stay_as_they_were():
    packet = one_super()
    batch = batch_of(packet, IP, gso_type=0, gso_size=0)
    batch.clone(batch[1])
    out = fit(batch)
    assert batch[1].data == packet.data
    assert out[1].data == out[3].data != packet.data
