"""What may happen to packets on a wire: the options of ``Impair`` and of a lab's links."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

Percent = Annotated[float, Meta(ge=0, le=100, description="percent")]
Milliseconds = Annotated[float, Meta(ge=0, le=600_000, description="milliseconds")]
Seed = Annotated[int, Meta(ge=0, le=0x7FFF_FFFF_FFFF_FFFF)]


class Impairment(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What happens to packets of one direction; ``handlers.impair`` says how."""

    delay_ms: Milliseconds = 0
    jitter_ms: Milliseconds = 0
    loss_pct: Percent = 0
    burst_pct: Percent = 0
    duplicate_pct: Percent = 0
    corrupt_pct: Percent = 0
    reorder_pct: Percent = 0
    rate_mbit: Annotated[float, Meta(ge=0, le=1_000_000, description="Mbit/s; 0 = no limit")] = 0
    queue_kib: Annotated[int, Meta(ge=1, le=1_048_576, description="KiB")] = 256
    seed: Seed | None = None


def mistakes(chosen: Impairment) -> list[str]:
    """Options that do not go together, each with its name first."""
    found = []
    if chosen.jitter_ms > chosen.delay_ms:
        found.append(f"jitter_ms: at most delay_ms = {chosen.delay_ms:g} was expected")
    if chosen.reorder_pct and not chosen.delay_ms:
        found.append("reorder_pct: needs delay_ms, since who overtakes skips the delay")
    if chosen.burst_pct and chosen.burst_pct < chosen.loss_pct:
        found.append(f"burst_pct: at least loss_pct = {chosen.loss_pct:g} was expected")
    return found
