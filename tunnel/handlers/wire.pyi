from tunnel.handler import Handler

class Wire(Handler):
    def __init__(self) -> None: ...
