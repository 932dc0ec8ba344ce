"""What a running test notes for its result: what computed it, with which batch size.

The checks write here; the plugin reads it when the test ends. It knows neither.
"""

from __future__ import annotations

import os
from typing import Any

REAL, MOCK = "REAL", "MOCK"

_notes: dict[str, Any] = {}


def note(**facts: Any) -> None:
    """Note something about the test that runs now."""
    _notes.update(facts)


def notes() -> dict[str, Any]:
    """Give everything that the running test has noted so far."""
    return dict(_notes)


def forget_notes() -> None:
    """Start a test without the notes of the one before."""
    _notes.clear()


def is_real_required() -> bool:
    """Tell whether a MOCK result is a failure."""
    return os.environ.get("TGEN_REQUIRE_REAL", "") not in ("", "0")
