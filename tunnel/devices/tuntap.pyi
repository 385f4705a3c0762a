from typing import Any

import msgspec

from tunnel.device import Device

class Options(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    interface: str | None = None
    address: list[str] = ...
    mtu: int | None = None
    up: bool = True
    txqueuelen: int = 1000
    offload: bool = True
    multi_queue: bool = False
    attach: bool = False
    persist: bool = False
    owner: int | None = None
    group: int | None = None
    sndbuf: int | None = None
    carrier: bool = True
    netns: str | None = None

class TunTap(Device):
    options: Options
    netns: str | int | None
    def __init__(self, name: str | None = None, *, fd: int = -1, netns: str | int | None = None, **options: Any) -> None: ...
    @property
    def interface(self) -> str: ...

class Tun(TunTap): ...
class Tap(TunTap): ...
