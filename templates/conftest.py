"""Lets the tests of this folder find `tgen_support`, and loads its pytest plugin."""

from __future__ import annotations

import platform
import sys
import types
from pathlib import Path

import pytest

_FOLDER = Path(__file__).resolve().parent


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Load the plugin, which has the options."""
    # This came with 3.10. Linters take a comparison of versions for one that can go.
    if not hasattr(types, "UnionType"):
        found = platform.python_version()
        message = f"these tests need Python 3.10 or newer, and this is {found}"
        raise pytest.UsageError(message)
    # In a package, and in pytest's import mode `importlib`, nothing else does this.
    if str(_FOLDER) not in sys.path:
        sys.path.append(str(_FOLDER))
    from tgen_support import plugin

    plugin.register(pluginmanager, _FOLDER)
