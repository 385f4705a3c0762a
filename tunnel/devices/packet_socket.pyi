from typing import ClassVar

from tunnel.device import Device
from tunnel.devices.fanout import Fanout
from tunnel.devices.packet_interface import PacketOptions

class PacketSocket(Device):
    Options: ClassVar[type[PacketOptions]]
    queue: int | None
    fanout: Fanout | None
    def __init__(self, **options: object) -> None: ...
    @property
    def options(self) -> PacketOptions: ...
    @property
    def interface(self) -> str: ...
