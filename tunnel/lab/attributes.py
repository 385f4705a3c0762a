"""The attributes of rtnetlink messages (struct nlattr) by the kernel's names: to bytes, and back.

Numbers are those of include/uapi/linux/if_link.h, if_addr.h, rtnetlink.h, fib_rules.h and neighbour.h.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

HEAD = struct.Struct("=HH")  # length with this, number
NUMBER = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER


class Form(NamedTuple):
    """How a value is written, and read."""

    write: Callable[[Any], bytes]
    read: Callable[[bytes], Any]


def _number(form: str) -> Form:
    packed = struct.Struct(form)
    return Form(packed.pack, lambda content: packed.unpack_from(content)[0])


U8, U16, U32, S32, BE16 = (_number(form) for form in ("=B", "=H", "=I", "=i", ">H"))
TEXT = Form(lambda value: value.encode() + b"\0", lambda content: content.rstrip(b"\0").decode())
MAC = Form(lambda value: bytes.fromhex(value.replace(":", "")), lambda content: content.hex(":"))
IP = Form(
    lambda value: socket.inet_pton(socket.AF_INET6 if ":" in value else socket.AF_INET, value),
    lambda content: socket.inet_ntop(socket.AF_INET6 if len(content) == 16 else socket.AF_INET, content),
)
BYTES = Form(bytes, bytes)


class Names:
    """The attributes of one kind of message, of which each is known by number and form."""

    def __init__(self, **known: tuple[int, Form]) -> None:
        self._known = known
        self._numbers = {number: (name, form.read) for name, (number, form) in known.items()}

    def write(self, wanted: Mapping[str, Any]) -> bytes:
        """The attributes one after the other; those that are None are left out."""
        found = []
        for name, value in wanted.items():
            if value is not None:
                number, form = self._known[name]
                content = form.write(value)
                found.append(HEAD.pack(HEAD.size + len(content), number) + content + bytes(-len(content) & 3))
        return b"".join(found)

    def read(self, message: bytes, at: int = 0) -> dict[str, Any]:
        """The values of those that are known and stand from an offset on."""
        found = {}
        while at + HEAD.size <= len(message):
            size, number = HEAD.unpack_from(message, at)
            if size < HEAD.size:
                break
            if known := self._numbers.get(number & NUMBER):
                found[known[0]] = known[1](message[at + HEAD.size : at + size])
            at += (size + 3) & ~3
        return found


KINDS = {
    "veth": Names(VETH_INFO_PEER=(1, BYTES)),
    "bridge": Names(
        IFLA_BR_FORWARD_DELAY=(1, U32), IFLA_BR_AGEING_TIME=(4, U32), IFLA_BR_STP_STATE=(5, U32),
        IFLA_BR_PRIORITY=(6, U16), IFLA_BR_VLAN_FILTERING=(7, U8), IFLA_BR_MCAST_SNOOPING=(23, U8),
    ),
    "vxlan": Names(
        IFLA_VXLAN_ID=(1, U32), IFLA_VXLAN_GROUP=(2, IP), IFLA_VXLAN_LINK=(3, U32), IFLA_VXLAN_LOCAL=(4, IP),
        IFLA_VXLAN_LEARNING=(7, U8), IFLA_VXLAN_PORT=(15, BE16), IFLA_VXLAN_GROUP6=(16, IP),
        IFLA_VXLAN_LOCAL6=(17, IP),
    ),
    "tun": Names(
        IFLA_TUN_OWNER=(1, U32), IFLA_TUN_GROUP=(2, U32), IFLA_TUN_PERSIST=(6, U8), IFLA_TUN_MULTI_QUEUE=(7, U8),
    ),
}  # fmt: skip
PORT = Names(IFLA_BRPORT_STATE=(1, U8), IFLA_BRPORT_PRIORITY=(2, U16), IFLA_BRPORT_COST=(3, U32))
LINKINFO = Names(
    IFLA_INFO_KIND=(1, TEXT), IFLA_INFO_DATA=(2, BYTES), IFLA_INFO_SLAVE_KIND=(4, TEXT),
    IFLA_INFO_SLAVE_DATA=(5, BYTES),
)  # fmt: skip
LINK = Names(
    IFLA_ADDRESS=(1, MAC), IFLA_IFNAME=(3, TEXT), IFLA_MTU=(4, U32), IFLA_LINK=(5, U32), IFLA_MASTER=(10, U32),
    IFLA_TXQLEN=(13, U32), IFLA_OPERSTATE=(16, U8), IFLA_LINKINFO=(18, Form(LINKINFO.write, LINKINFO.read)),
    IFLA_STATS64=(23, BYTES), IFLA_NET_NS_FD=(28, U32), IFLA_EXT_MASK=(29, U32), IFLA_CARRIER=(33, U8),
    IFLA_LINK_NETNSID=(37, S32), IFLA_IF_NETNSID=(46, S32),
)  # fmt: skip
ADDRESS = Names(IFA_ADDRESS=(1, IP), IFA_LOCAL=(2, IP), IFA_FLAGS=(8, U32))
ROUTE = Names(
    RTA_DST=(1, IP), RTA_OIF=(4, U32), RTA_GATEWAY=(5, IP), RTA_PRIORITY=(6, U32), RTA_PREFSRC=(7, IP),
    RTA_TABLE=(15, U32),
)  # fmt: skip
RULE = Names(
    FRA_DST=(1, IP), FRA_SRC=(2, IP), FRA_IIFNAME=(3, TEXT), FRA_PRIORITY=(6, U32), FRA_FWMARK=(10, U32),
    FRA_TABLE=(15, U32), FRA_OIFNAME=(17, TEXT),
)  # fmt: skip
NEIGHBOUR = Names(NDA_DST=(1, IP), NDA_LLADDR=(2, MAC), NDA_MASTER=(9, U32))
EXTENDED_ACK = Names(NLMSGERR_ATTR_MSG=(1, TEXT))
