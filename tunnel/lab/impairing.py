"""What happens on carried links, looked at and changed while traffic flows."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from tunnel.errors import LabError, TunnelError
from tunnel.lab.carried import handler_name, without_none

if TYPE_CHECKING:
    from tunnel.lab.lab import Lab

NOT_CARRIED = (
    "this link is the kernel's alone: give it an impair table in the topology file, even an empty one, and an"
    " engine carries it from the start"
)


def impair(lab: Lab, link: str, options: dict[str, Any]) -> dict[str, Any]:
    """See ``Lab.impair``."""
    handler = handler_name(number_of(lab, link))
    current: dict[str, Any] = ask(lab, "handlers")[handler]["options"]
    if not options:
        return current
    wanted = {**current, **options}
    if options.get("back") is not None:
        wanted["back"] = {**(current.get("back") or {}), **options["back"]}
    try:
        changed: dict[str, Any] = ask(lab, "change", {"handler": handler, "options": without_none(wanted)})["options"]
    except TunnelError as error:
        raise LabError(f"link {link}: {error}") from None
    return changed


def number_of(lab: Lab, link: str) -> int:
    """The number of the carried link with this end."""
    number = lab.ends().find(link)
    if number is None:
        known = sorted(f"{end.place}:{end.interface}" for end in lab.ends().every())
        raise LabError(f"link {link}: no link has this end; there are {', '.join(known)}")
    assert lab.topology
    if not lab.topology.links[number].carried:
        raise LabError(f"link {link}: {NOT_CARRIED}")
    return number


def ask(lab: Lab, verb: str, argument: Any = None) -> Any:
    """What the engine that carries the links answers."""
    from tunnel import control  # which imports asyncio: half of what the start of a command takes

    pid, (fd,) = lab.fetch("ask the engine that carries links", "engine")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=fd) as sock:
        return control.exchange(sock, f"engine {pid}", verb, argument)
