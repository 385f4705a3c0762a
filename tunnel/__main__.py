"""``python -m tunnel``: the command line."""

from tunnel.cli import main

main()
