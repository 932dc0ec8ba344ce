"""Runs the tests of a bundle: on this machine, or as the driver of a Ray job.

`python driver.py --shard 3/8` needs pytest and what the tests import, nothing else.
"""

from __future__ import annotations

import sys

from tgen_driver.command_line import main

if __name__ == "__main__":
    sys.exit(main())
