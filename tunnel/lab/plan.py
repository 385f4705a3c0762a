"""From a topology to the steps that build it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Step:
    """A request to a holder; ``what`` begins the text of the error where it is refused."""

    what: str
    request: dict[str, Any]
