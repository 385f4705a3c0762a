"""The switches of the offloads: which a device may use. Read whenever a device opens.

    vnet    virtio headers on TUN, TAP and packet sockets; without them there is no tso and no uso
    tso     TCP super-packets through them
    uso     UDP super-packets through them
    gso     a run of datagrams as one send (UDP_SEGMENT)
    gro     a run of datagrams as one receive (UDP_GRO)
    mmsg    many messages a system call (recvmmsg, sendmmsg)

All are on unless ``TUNNEL_NO_OFFLOAD`` names them: ``TUNNEL_NO_OFFLOAD=gso,gro``, or ``all``. An
environment variable, so that what a process starts has the same switches.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from tunnel.errors import ConfigError

NAMES = ("vnet", "tso", "uso", "gso", "gro", "mmsg")
VARIABLE = "TUNNEL_NO_OFFLOAD"
NEEDS = {"tso": "vnet", "uso": "vnet"}


def switched_off() -> frozenset[str]:
    """The offloads that may not be used. Raises ``ConfigError`` for a name that is none."""
    words = {word for word in os.environ.get(VARIABLE, "").replace(" ", "").split(",") if word}
    unknown = words - {*NAMES, "all"}
    if unknown:
        raise ConfigError(f"{VARIABLE}: {', '.join(sorted(unknown))}: one of {', '.join(NAMES)}, all was expected")
    return frozenset(NAMES if "all" in words else words)


def allowed(name: str) -> bool:
    """Whether a device may use this offload."""
    off = switched_off()
    return name not in off and NEEDS.get(name) not in off


def switch_off(names: Iterable[str]) -> None:
    """Switch these off too, for this process and for those it starts. Raises ``ConfigError``."""
    os.environ[VARIABLE] = ",".join([*switched_off(), *names])
    switched_off()
