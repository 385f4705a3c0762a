from typing import Any

from tunnel.device import Device
from tunnel.devices.options import TunOptions

class TunTap(Device):
    options: TunOptions
    queue: int | None
    netns: str | int | None
    def __init__(self, name: str | None = None, *, netns: str | int | None = None, **options: Any) -> None: ...
    @property
    def interface(self) -> str: ...

class Tun(TunTap): ...
class Tap(TunTap): ...
