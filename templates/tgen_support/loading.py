"""Loading: from a case to the endpoint that can be had for it on this machine."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from .endpoints import Case, Endpoint, MockEndpoint, TinyEndpoint
from .known import BuildFailed, default_builds, judge, skip_unknown
from .openvino_endpoint import OpenvinoEndpoint
from .platforms import TORCH_DEVICES, PlatformAbsent, is_installed, why_absent
from .tiny import CannotBuild


def load(case: Case, resources: Mapping[str, Any]) -> Endpoint:
    """Load the architecture itself where it can be had, else a mock that says why.

    `resources` may hold the modules to use; None stands for one that is not there.
    """
    absent = why_absent(case.platform)
    if absent is not None:
        raise PlatformAbsent(f"{case.platform}: {absent}")
    torch = _resource("torch", resources)
    transformers = _resource("transformers", resources)
    if torch is None:
        return MockEndpoint(case, "torch is not installed")
    if transformers is None:
        return MockEndpoint(case, "transformers is not installed")
    endpoint = _real_endpoints().get(case.platform)
    if endpoint is None:
        return MockEndpoint(case, f"there is no real model on {case.platform} yet")
    try:
        return endpoint(case, torch, transformers)
    except CannotBuild as error:
        pytest.skip(f"no tiny {case.model_type}: {error}")
    except BuildFailed as error:
        kind = (case.model_type, case.auto_class, torch, transformers)
        if default_builds(*kind):
            skip_unknown(case.model_type, error.__cause__ or error)
        raise
    except Exception as error:
        judge(case.model_type, error)
        raise


def _real_endpoints() -> dict[str, Callable[[Case, Any, Any], Endpoint]]:
    on_torch = dict.fromkeys(TORCH_DEVICES, TinyEndpoint)
    return {**on_torch, "openvino": _openvino_endpoint}


@functools.lru_cache(maxsize=4)
def _openvino_endpoint(case: Case, torch: Any, transformers: Any) -> Endpoint:
    return OpenvinoEndpoint(case, torch, transformers)


def _resource(name: str, resources: Mapping[str, Any]) -> Any:
    if name in resources:
        return resources[name]
    return importlib.import_module(name) if is_installed(name) else None
