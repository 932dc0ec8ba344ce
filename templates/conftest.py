"""Lets the tests of this folder find `tgen_support`, and loads its pytest plugin."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

_FOLDER = Path(__file__).resolve().parent


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Load the plugin, which has the options."""
    # In a package, and in pytest's import mode `importlib`, nothing else does this.
    if str(_FOLDER) not in sys.path:
        sys.path.append(str(_FOLDER))
    from tgen_support import plugin

    plugin.register(pluginmanager, _FOLDER)
