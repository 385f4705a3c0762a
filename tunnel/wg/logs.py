"""The log: ``LEVEL: (NAME) date time text`` on stdout, as much of it as LOG_LEVEL asks for."""

from __future__ import annotations

import logging
import sys

LEVELS = {"verbose": logging.DEBUG, "debug": logging.DEBUG, "error": logging.WARNING, "silent": logging.CRITICAL + 1}
DEFAULT = "error"  # warnings too: each tells of something to be mended


def begin(name: str, level: str | None) -> None:
    """Log from now on; ``level`` is what LOG_LEVEL says, what is not known counts as nothing said."""
    logging.raiseExceptions = False  # a reader that has gone is no reason for a traceback
    logging.basicConfig(
        stream=sys.stdout,
        level=LEVELS.get(level or DEFAULT, LEVELS[DEFAULT]),
        format=f"%(levelname)s: ({name.replace('%', '%%')}) %(asctime)s %(message)s",
        datefmt="%Y/%m/%d %H:%M:%S",
        force=True,
    )


def kept(level: str | None) -> bool:
    """Whether a program in the background keeps stdout and stderr."""
    return level is not None and level != "silent"
