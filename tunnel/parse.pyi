"""The packet parser. Native only: Python reaches it by ``Batch.parse`` and ``Packet.parse``."""
