"""Running a test file as a script."""

from __future__ import annotations

import subprocess
import sys


def run(test_file: str) -> int:
    """Run a file's tests; the exit status is 0 when none fails.

    A process of its own lets pytest import this package with its assertions explained.
    """
    command = [sys.executable, "-m", "pytest", test_file, "-rs", *sys.argv[1:]]
    return subprocess.call(command)
