from __future__ import annotations

import errno
import os

import pytest

from tunnel import nft
from tunnel.lab import masquerade, netns
from tunnel.lab.remedies import REMEDIES, failure, refused


@pytest.mark.parametrize(
    ("number", "at", "needed"),
    [
        (errno.EOPNOTSUPP, -1, "CONFIG_NF_TABLES and"),
        (errno.EAFNOSUPPORT, 0, "CONFIG_NF_TABLES_INET"),
        (errno.ENOENT, 1, "CONFIG_NFT_NAT"),
        (errno.ENOENT, 2, "CONFIG_NFT_MASQ"),
    ],
)
def test_what_the_kernel_lacks_is_named(
    monkeypatch: pytest.MonkeyPatch, number: int, at: int, needed: str
) -> None:
    def commit(*_: object) -> None:
        raise nft.Refused(number, at)

    monkeypatch.setattr(nft, "commit", commit)
    own = netns.open_net()
    with pytest.raises(OSError, match=needed) as raised:
        masquerade.add(own, "wan")
    os.close(own)
    told = failure(raised.value)
    assert told["errno"] == number
    text = str(refused("node a, wan: masquerade", told["errno"], told["words"]))
    assert "nft_masq" in text
    assert REMEDIES[errno.EOPNOTSUPP] not in text, "one remedy is enough"


def test_a_table_has_a_name_that_nft_can_read() -> None:
    assert masquerade.table("eth0.1") == "tunnel_masquerade_eth0.1"
    assert masquerade.table("br-lan") == "tunnel_masquerade_br/2dlan"
    assert len({masquerade.table(name) for name in ("a-b", "a_b", "a/2db")}) == 3
