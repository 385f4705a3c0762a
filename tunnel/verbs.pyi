"""What a packet can be told to become; Python reaches it through ``Packet.echo`` and ``Packet.reply``."""
