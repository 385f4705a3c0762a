"""A packet engine for Linux in user space: see README.md."""
