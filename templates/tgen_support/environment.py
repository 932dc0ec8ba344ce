"""What must be in force before the rest of the package is imported."""

from __future__ import annotations

import os

import pytest

_ASSERTING = ("case_tests", "checks", "contract_checks", "reference", "task_checks")

# What the checks assert is explained as in a test file.
pytest.register_assert_rewrite(*(f"{__package__}.{name}" for name in _ASSERTING))
# Whatever a test loads, it loads from this machine. The hub's client reads this once.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
