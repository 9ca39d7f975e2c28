"""What `tests/forked.py` forks: an interpreter that has imported both programs, and does nothing."""

import gc

import ostiary.app.commands
import ostiary.cli

__all__ = ["ostiary"]

gc.freeze()  # a fork need not look through, and so copy, what it shares with all others
