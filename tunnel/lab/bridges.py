"""The attributes of bridges and VXLANs, as the kernel has them (include/uapi/linux/if_link.h)."""

from __future__ import annotations

from typing import Any

VXLAN_PORT = 4789  # the kernel alone would take 8472, which it used before there was a number for it
CLOCK_HZ = 100  # the kernel counts these times in hundredths of a second (USER_HZ)


def bridge_attributes(
    *, stp: bool | None = None, priority: int | None = None, forward_delay_s: float | None = None,
    ageing_s: float | None = None, snooping: bool | None = None, vlan_filtering: bool | None = None,
) -> dict[str, Any]:  # fmt: skip
    """What is given, in the kernel's units; without the spanning tree a bridge's ports forward at once."""
    wanted = {
        "IFLA_BR_STP_STATE": stp,
        "IFLA_BR_PRIORITY": priority,
        "IFLA_BR_FORWARD_DELAY": None if forward_delay_s is None else round(forward_delay_s * CLOCK_HZ),
        "IFLA_BR_AGEING_TIME": None if ageing_s is None else round(ageing_s * CLOCK_HZ),
        "IFLA_BR_MCAST_SNOOPING": snooping,
        "IFLA_BR_VLAN_FILTERING": vlan_filtering,
    }
    return {name: int(value) for name, value in wanted.items() if value is not None}


def vxlan_attributes(
    vni: int, *, remote: str | None = None, local: str | None = None, port: int = VXLAN_PORT, learning: bool = True,
    parent: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Those of a VXLAN device (IFLA_VXLAN_*): the peer or group ``remote``, our address, UDP port, learning, and the
    index of the interface ``parent`` by which it goes out."""
    wanted = {
        "IFLA_VXLAN_ID": vni,
        "IFLA_VXLAN_LINK": parent,
        "IFLA_VXLAN_GROUP6" if ":" in (remote or "") else "IFLA_VXLAN_GROUP": remote,
        "IFLA_VXLAN_LOCAL6" if ":" in (local or "") else "IFLA_VXLAN_LOCAL": local,
        "IFLA_VXLAN_PORT": port,
        "IFLA_VXLAN_LEARNING": int(learning),
    }
    return {name: value for name, value in wanted.items() if value is not None}
