"""
Writes the help pages that the tests compare with: ``COLUMNS=100 python -m tests.cli.write_help``, then read the diff.
"""

import os

from tests.cli.test_documented import HELP, PATHS, help_of

if __name__ == "__main__":
    os.environ["COLUMNS"] = "100"
    HELP.mkdir(exist_ok=True)
    for path in PATHS:
        (HELP / f"{'-'.join(path) or 'root'}.txt").write_text(help_of(path))
