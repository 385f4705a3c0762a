"""Masquerading: whoever is behind a router leaves through one of its interfaces with its address.

A table of nftables for each interface, of the family ``inet`` (IPv4 and IPv6), with a chain of type ``nat``
at the hook postrouting and one rule: ``oifname NAME masquerade``. Made and removed in one transaction each,
without the ``nft`` program, which shows it by ``nft list ruleset``. It lasts as long as the namespace.
"""

from __future__ import annotations

import errno
import os
import string

from tunnel import nft
from tunnel.lab.netns import inside

NFPROTO_INET = 1
POSTROUTING, SOURCE_NAT, ACCEPT = 4, 100, 1  # NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC, NF_ACCEPT
META_DREG, META_KEY, META_OIFNAME = 1, 2, 7  # nf_tables.h
CMP_SREG, CMP_OP, CMP_DATA, CMP_EQ = 1, 2, 3, 0
REGISTER_1 = 1
NAME_SIZE = 16  # IFNAMSIZ: the register holds the whole field
CHAIN = "postrouting"
IN_NAMES = frozenset(string.ascii_letters + string.digits + "_.")

# What the kernel needs for each request of the transaction, in their order.
NEEDS = ("CONFIG_NF_TABLES and CONFIG_NF_TABLES_INET", "CONFIG_NFT_NAT", "CONFIG_NFT_MASQ")
MISSING = (errno.ENOENT, errno.EOPNOTSUPP, errno.EPROTONOSUPPORT, errno.EAFNOSUPPORT)


def table(interface: str) -> str:
    """The name of an interface's table; what nft's language has no place for in a name is its number after ``/``."""
    return "tunnel_masquerade_" + "".join(
        letter if letter in IN_NAMES else "".join(f"/{byte:02x}" for byte in letter.encode()) for letter in interface
    )


def add(netns: int, interface: str) -> None:
    """Masquerades what leaves the namespace through an interface, which need not be there yet.

    Raises ``OSError``: EEXIST where it is done already; where the kernel lacks something, what.
    """
    name = table(interface)
    _commit(netns, [_table(name), _chain(name), _rule(name, interface)])


def remove(netns: int, interface: str) -> None:
    """Ends it; ``OSError`` where it was not done."""
    _commit(netns, [nft.Request(nft.DELTABLE, 0, nft.text(nft.TABLE_NAME, table(interface)))])


def _commit(netns: int, requests: list[nft.Request]) -> None:
    with inside(netns):
        try:
            with nft.opened() as sock:
                nft.commit(sock, NFPROTO_INET, requests)
        except OSError as error:
            raise OSError(error.errno, _words(error, removing=len(requests) == 1)) from error


def _words(error: OSError, *, removing: bool) -> str:
    words = os.strerror(error.errno or 0)
    if removing and error.errno == errno.ENOENT:
        return f"{words}; it is not masqueraded by this program: `nft list ruleset` shows who does it"
    if error.errno in MISSING:
        at = max(getattr(error, "at", 0), 0)
        package = "the modules nf_tables, nft_chain_nat and nft_masq are in the package of your kernel's modules"
        return f"{words}; the kernel needs {NEEDS[at]} for it: {package} (linux-modules-extra, kernel-modules)"
    return words


def _table(name: str) -> nft.Request:
    return nft.Request(nft.NEWTABLE, nft.NEW, nft.text(nft.TABLE_NAME, name))


def _chain(name: str) -> nft.Request:
    at = nft.number(nft.HOOK_NUMBER, POSTROUTING) + nft.number(nft.HOOK_PRIORITY, SOURCE_NAT)
    chain = (
        nft.text(nft.CHAIN_TABLE, name) + nft.text(nft.CHAIN_NAME, CHAIN) + nft.nested(nft.CHAIN_HOOK, at)
        + nft.number(nft.CHAIN_POLICY, ACCEPT) + nft.text(nft.CHAIN_TYPE, "nat")
    )  # fmt: skip
    return nft.Request(nft.NEWCHAIN, nft.NEW, chain)


def _rule(name: str, interface: str) -> nft.Request:
    wanted = nft.nested(CMP_DATA, nft.attribute(nft.DATA_VALUE, interface.encode().ljust(NAME_SIZE, b"\0")))
    expressions = (
        nft.expression("meta", nft.number(META_DREG, REGISTER_1), nft.number(META_KEY, META_OIFNAME)),
        nft.expression("cmp", nft.number(CMP_SREG, REGISTER_1), nft.number(CMP_OP, CMP_EQ), wanted),
        nft.expression("masq"),
    )
    rule = (
        nft.text(nft.RULE_TABLE, name) + nft.text(nft.RULE_CHAIN, CHAIN)
        + nft.nested(nft.RULE_EXPRESSIONS, *expressions)
    )  # fmt: skip
    return nft.Request(nft.NEWRULE, nft.CREATE | nft.APPEND, rule)
