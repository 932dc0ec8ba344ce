"""What must be in force before the rest of the package is imported."""

from __future__ import annotations

import os
import platform
import sys
import types
from pathlib import Path

import pytest


def _end_for_want_of_python() -> None:
    """Say which Python the tests need, before an import fails for less clear a reason.

    A test file that is run as a script ends with one line. In pytest, `conftest.py` says
    the same before this is imported, unless it is left out.
    """
    found = platform.python_version()
    message = f"these tests need Python 3.10 or newer, and this is {found}"
    script = getattr(sys.modules["__main__"], "__file__", None)
    folder = Path(__file__).resolve().parents[1]
    if script is not None and Path(script).resolve().parent == folder:
        raise SystemExit(message)
    raise ImportError(message)


# This came with 3.10. Linters take a comparison of versions for one that can go.
if not hasattr(types, "UnionType"):
    _end_for_want_of_python()

_ASSERTING = (
    "case_tests",
    "checks",
    "contract_checks",
    "model_checks",
    "reference",
    "task_checks",
)

# pytest explains failed assertions in these modules, as it does in test files.
pytest.register_assert_rewrite(*(f"{__package__}.{name}" for name in _ASSERTING))
# Keep tests offline. huggingface_hub reads the variable when it is imported.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
# Tiny models are read sooner than threads that read them are started.
os.environ.setdefault("HF_DEACTIVATE_ASYNC_LOAD", "1")
