"""One scenario a file, named after it: each has a ``SCENARIO``."""
