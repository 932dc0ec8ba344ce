"""The hardware of this machine: the one place that looks for it."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest


def is_installed(module: str) -> bool:
    """Tell whether a module can be imported, without importing it."""
    return importlib.util.find_spec(module) is not None


def _why_no_torch_gpu(wanted: str) -> str | None:
    if not is_installed("torch"):
        return "torch is not installed"
    torch = importlib.import_module("torch")
    built_for = "rocm" if torch.version.hip else "cuda"
    if built_for != wanted:
        return f"this torch is not built for {wanted}"
    return None if torch.cuda.is_available() else f"torch finds no {wanted} device"


def _why_no_mps() -> str | None:
    if not is_installed("torch"):
        return "torch is not installed"
    torch = importlib.import_module("torch")
    return None if torch.backends.mps.is_available() else "torch finds no mps device"


def _why_no_openvino() -> str | None:
    if not is_installed("openvino"):
        return "openvino is not installed"
    openvino = importlib.import_module("openvino")
    return None if openvino.Core().available_devices else "openvino finds no device"


def _why_no_qualcomm() -> str | None:
    roots = [os.environ.get(name) for name in ("QNN_SDK_ROOT", "SNPE_ROOT")]
    if any(root and Path(root).is_dir() for root in roots):
        return None
    if is_installed("qai_appbuilder"):
        return None
    return "no SDK at QNN_SDK_ROOT or SNPE_ROOT, and qai_appbuilder is not installed"


# The mark of tests that compare a model in torch with itself: a mock has nothing to show.
NEEDS_TORCH = "tgen_needs_torch"
_Test = TypeVar("_Test", bound=Callable[..., None])


def needs_torch(test: _Test) -> _Test:
    """Say that a test is one of those; the plugin marks it."""
    # Marked here, it would be so before the plugin has registered the mark.
    setattr(test, NEEDS_TORCH, True)
    return test


@functools.cache
def why_no_torch() -> str | None:
    """Say what no model runs without; None where everything is there."""
    missing = [name for name in ("torch", "transformers") if not is_installed(name)]
    verb = "is" if len(missing) == 1 else "are"
    return f"{' and '.join(missing)} {verb} not installed" if missing else None


_PROBES: dict[str, Callable[[], str | None]] = {
    "cpu": lambda: None,
    "cuda": lambda: _why_no_torch_gpu("cuda"),
    "rocm": lambda: _why_no_torch_gpu("rocm"),
    "openvino": _why_no_openvino,
    "mps": _why_no_mps,
    "qualcomm": _why_no_qualcomm,
}
PLATFORMS = list(_PROBES)
TORCH_DEVICES = {"cpu": "cpu", "cuda": "cuda", "rocm": "cuda", "mps": "mps"}


class PlatformAbsent(RuntimeError):
    """The platform asked for is not on this machine."""


@functools.cache
def why_absent(platform: str) -> str | None:
    """Say why this machine cannot run the platform; None when it can."""
    return _PROBES[platform]()


def require(platform: str) -> str:
    """Skip the test, with the reason, where the platform is absent."""
    reason = why_absent(platform)
    if reason is not None:
        pytest.skip(f"{platform}: {reason}")
    return platform
