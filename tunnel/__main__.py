"""``python -m tunnel`` is the command ``tunnel``."""

from tunnel.cli import main

main()
