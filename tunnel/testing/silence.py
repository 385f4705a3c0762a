"""Keeps the kernel of a namespace from sending anything by itself."""

from __future__ import annotations

import os
import socket
import struct

from tunnel import nft
from tunnel.errors import LabError
from tunnel.lab import Node

# Of every interface made from now on: no link-local address is made (addr_gen_mode 1; with it would go router
# solicitations), and nobody is asked for routes or told of an address.
SETTINGS = {"addr_gen_mode": 1, "accept_ra": 0, "router_solicitations": 0, "accept_dad": 0, "autoconf": 0}

# Reports of multicast groups are sent whenever an address is given, and no setting is against it
# (mld_ifc_event() in net/ipv6/mcast.c), so a filter takes them: types 130 to 132 and 143, RFC 3810.
MLD = ((130, 132), (143, 143))
NFPROTO_IPV6, IPPROTO_ICMPV6 = 10, 58
LOCAL_OUT, FIRST, ACCEPT, DROP = 3, -(2**31), 1, 0  # NF_INET_LOCAL_OUT, the priority, NF_ACCEPT, NF_DROP
TABLE, CHAIN, REGISTER = "tunnel_quiet", "output", 1
META_DREG, META_KEY, META_L4PROTO = 1, 2, 16  # linux/netfilter/nf_tables.h from here on
PAYLOAD_DREG, PAYLOAD_BASE, PAYLOAD_OFFSET, PAYLOAD_LENGTH, TRANSPORT = 1, 2, 3, 4, 2
CMP_SREG, CMP_OP, CMP_DATA, EQ, LTE, GTE = 1, 2, 3, 0, 3, 5
IMMEDIATE_DREG, IMMEDIATE_DATA, DATA_VERDICT, VERDICT_CODE, VERDICT = 1, 2, 2, 1, 0


def hush(node: Node) -> None:
    """Nothing is sent in the node but what somebody in it asks for; ``LabError`` where the kernel has no nftables."""
    for name, value in SETTINGS.items():
        node.sysctl(f"net.ipv6.conf.default.{name}", value)
    try:
        with node.socket(socket.AF_NETLINK, socket.SOCK_RAW, nft.NETLINK_NETFILTER) as sock:
            sock.bind((0, 0))
            sock.settimeout(nft.ANSWER_S)
            nft.commit(sock, NFPROTO_IPV6, [_table(), _chain(), *(_rule(first, last) for first, last in MLD)])
    except OSError as error:
        number = error.errno or 0
        words = f"node {node.name}: a filter for multicast reports: {os.strerror(number)}"
        raise LabError(f"{words}; the kernel needs CONFIG_NF_TABLES and CONFIG_NF_TABLES_IPV6", number) from error


def _table() -> nft.Request:
    return nft.Request(nft.NEWTABLE, nft.NEW, nft.text(nft.TABLE_NAME, TABLE))


def _chain() -> nft.Request:
    at = nft.number(nft.HOOK_NUMBER, LOCAL_OUT) + nft.number(nft.HOOK_PRIORITY, FIRST)
    chain = (
        nft.text(nft.CHAIN_TABLE, TABLE) + nft.text(nft.CHAIN_NAME, CHAIN) + nft.nested(nft.CHAIN_HOOK, at)
        + nft.number(nft.CHAIN_POLICY, ACCEPT) + nft.text(nft.CHAIN_TYPE, "filter")
    )  # fmt: skip
    return nft.Request(nft.NEWCHAIN, nft.NEW, chain)


def _rule(first: int, last: int) -> nft.Request:
    """``meta l4proto ipv6-icmp icmpv6 type FIRST-LAST drop``."""
    kind = (
        nft.number(PAYLOAD_DREG, REGISTER) + nft.number(PAYLOAD_BASE, TRANSPORT) + nft.number(PAYLOAD_OFFSET, 0)
        + nft.number(PAYLOAD_LENGTH, 1)
    )  # fmt: skip
    verdict = nft.nested(IMMEDIATE_DATA, nft.nested(DATA_VERDICT, nft.number(VERDICT_CODE, DROP)))
    expressions = (
        nft.expression("meta", nft.number(META_DREG, REGISTER), nft.number(META_KEY, META_L4PROTO)),
        _compared(EQ, IPPROTO_ICMPV6),
        nft.expression("payload", kind),
        _compared(GTE, first),
        _compared(LTE, last),
        nft.expression("immediate", nft.number(IMMEDIATE_DREG, VERDICT), verdict),
    )
    rule = (
        nft.text(nft.RULE_TABLE, TABLE) + nft.text(nft.RULE_CHAIN, CHAIN)
        + nft.nested(nft.RULE_EXPRESSIONS, *expressions)
    )  # fmt: skip
    return nft.Request(nft.NEWRULE, nft.CREATE | nft.APPEND, rule)


def _compared(how: int, byte: int) -> bytes:
    value = nft.nested(CMP_DATA, nft.attribute(nft.DATA_VALUE, struct.pack("B", byte)))
    return nft.expression("cmp", nft.number(CMP_SREG, REGISTER), nft.number(CMP_OP, how), value)
