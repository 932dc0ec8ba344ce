"""Runs the tests of a bundle: on this machine, or as the driver of a Ray job.

`python driver.py --shard 3/8` needs pytest and what the tests import, nothing else.
"""

from __future__ import annotations

import platform
import sys
import types

# This came with 3.10. Linters take a comparison of versions for one that can go.
if not hasattr(types, "UnionType"):
    found = platform.python_version()
    print(f"the tests need Python 3.10 or newer, and this is {found}", file=sys.stderr)
    sys.exit(2)

from tgen_driver.command_line import main

if __name__ == "__main__":
    sys.exit(main())
