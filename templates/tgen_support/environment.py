"""What must be in force before the rest of the package is imported."""

from __future__ import annotations

import os

import pytest

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
