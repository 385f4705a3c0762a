from tunnel.batch import Batch

def unreachable(batch: Batch, index: int) -> bool:
    """Append to ``batch`` what tells the source of packet ``index`` that its destination is unreachable.

    False where the source may not be told, or there is no room. ``IndexError`` where there is no such packet.
    """
