"""The attributes of a bridge, as the kernel has them (include/uapi/linux/if_link.h, IFLA_BR_*)."""

from __future__ import annotations

from typing import Any

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
    return {"attrs": [(name, int(value)) for name, value in wanted.items() if value is not None]}
