"""A lab whose holder starts while its file is read: each takes as long as the other."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tunnel.lab import starting

if TYPE_CHECKING:
    from tunnel.lab.building import Told
    from tunnel.lab.lab import Lab

END_TIMEOUT_S = 10.0


def build(path: str | os.PathLike[str], told: Told, *, trust: bool = False) -> Lab:
    """The lab that a file describes, as ``Lab.from_file(...).build``."""
    holder, channel = starting.start_holder()
    try:
        from tunnel.lab import building, lab  # these imports are the longer half of the reading

        blueprint = building.from_file(path, trust=trust)
        _ = blueprint.loaded  # all mistakes of the file are told here
    except BaseException:
        channel.close()
        starting.reap(holder, END_TIMEOUT_S)
        raise
    return blueprint.build(told, lab=lab.Lab(channel, holder))
