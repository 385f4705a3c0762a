from collections.abc import Callable

from tunnel.device import Device
from tunnel.plan import Plan

class Reader:
    """What a loop calls when a device is readable."""

    def __init__(self, plan: Plan, device: Device, attend: Callable[[Exception | None], None]) -> None: ...
    def __call__(self) -> None: ...
