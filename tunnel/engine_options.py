"""The options of an engine: the ``[engine]`` table of a graph file."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Loop = Literal["uvloop", "asyncio"]


class EngineOptions(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How a graph is run; each field is a key of ``[engine]``."""

    loop: Annotated[Loop, Meta(description="the event loop")] = "uvloop"
    strict: Annotated[bool, Meta(description="end at the first exception of a handler")] = False
    on_gone: Annotated[
        Literal["end", "recreate"], Meta(description="what to do when a device is gone")
    ] = "end"
    quarantine_after: Annotated[
        int, Meta(ge=1, le=1_000_000, description="exceptions in a row until a handler is passed over")
    ] = 8
    workers: Annotated[
        int, Meta(ge=1, le=256, description="processes that share the traffic, flow by flow")
    ] = 1
