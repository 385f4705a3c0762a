"""What the checks of a topology share: what is known of the machine, and how a mistake is told."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from tunnel.lab.topology import Link
from tunnel.toml_lines import Place

Report = Callable[[Place, str], None]

# Stands for a link whose endpoints could not be read, so that the others keep their places.
UNREAD = Link(endpoints=["", ""])


@dataclass(frozen=True)
class Facts:
    """What is known of the machine that is to build a lab; None is not known, and then no mistake.

    ``interfaces`` are those of the host, ``uid`` and ``gid`` the user's; ``vlan_filtering`` is called where a
    topology wants that.
    """

    is_root: bool | None = None
    vlan_filtering: Callable[[], bool | None] = lambda: None
    interfaces: AbstractSet[str] | None = None
    uid: int | None = None
    gid: int | None = None
