"""Keeps the near kernel from taking part in what a ``PacketSocket`` receives.

An nftables chain of family netdev at the interface's ingress with policy drop. Packet sockets are
served before that hook (``__netif_receive_skb_core`` in net/core/dev.c: ptype_all, then tc, then
nf_ingress), the bridge, IP and the rest of the stack after it. The table has an owner, the netlink
socket that made it: the kernel removes it when that socket closes, also when the process dies.
"""

from __future__ import annotations

import errno
import os
import socket

from tunnel import nft
from tunnel.errors import DeviceError

NFPROTO_NETDEV = 5
INGRESS, DROP, FIRST = 0, 0, -(2**31)


def guard(interface: str) -> socket.socket:
    """Install the guard in this thread's namespace; closing what is returned removes it.

    Raises ``DeviceError`` where nftables cannot be had.
    """
    try:
        sock = nft.opened()
    except OSError as error:
        raise _refused(interface, error.errno or 0) from error
    try:
        nft.commit(sock, NFPROTO_NETDEV, _requests(interface, f"tunnel_{interface}_{sock.getsockname()[0]}"))
    except OSError as error:
        sock.close()
        raise _refused(interface, error.errno or 0) from error
    return sock


def _refused(interface: str, number: int) -> DeviceError:
    need = "CAP_NET_ADMIN is needed" if number in (errno.EPERM, errno.EACCES) else "nftables (netdev) is needed"
    return DeviceError(
        f"interface {interface}: no guard against the kernel's own answers: {os.strerror(number)}; "
        f"{need}, or `guard = false` to go without",
        number,
    )


def _requests(interface: str, table: str) -> list[nft.Request]:
    named = nft.text(nft.TABLE_NAME, table) + nft.number(nft.TABLE_FLAGS, nft.TABLE_F_OWNER)
    hook = nft.nested(
        nft.CHAIN_HOOK,
        nft.number(nft.HOOK_NUMBER, INGRESS),
        nft.number(nft.HOOK_PRIORITY, FIRST),
        nft.text(nft.HOOK_DEVICE, interface),
    )
    chain = (
        nft.text(nft.CHAIN_TABLE, table) + nft.text(nft.CHAIN_NAME, "ingress") + hook
        + nft.number(nft.CHAIN_POLICY, DROP) + nft.text(nft.CHAIN_TYPE, "filter")
    )  # fmt: skip
    return [nft.Request(nft.NEWTABLE, nft.NEW, named), nft.Request(nft.NEWCHAIN, nft.NEW, chain)]
