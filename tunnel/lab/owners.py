"""Users and groups of this machine, by name or number."""

from __future__ import annotations

import grp
import pwd

from tunnel.errors import LabError
from tunnel.lab.names import count

LARGEST_ID = 2**32 - 2  # -1 means nobody


def user(who: int | str | None) -> int | None:
    """The number of a user; ``LabError`` where there is none of that name."""
    if isinstance(who, str) and not who.isdecimal():
        try:
            return pwd.getpwnam(who).pw_uid
        except KeyError:
            raise LabError(f"owner {who!r}: this machine has no such user; give a name of /etc/passwd") from None
    return None if who is None else count("owner", int(who), LARGEST_ID)


def group(which: int | str | None) -> int | None:
    """The number of a group; ``LabError`` where there is none of that name."""
    if isinstance(which, str) and not which.isdecimal():
        try:
            return grp.getgrnam(which).gr_gid
        except KeyError:
            raise LabError(f"group {which!r}: this machine has no such group; give a name of /etc/group") from None
    return None if which is None else count("group", int(which), LARGEST_ID)
