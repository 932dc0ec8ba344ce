"""Checks of the skillset contract: its methods, and what they give."""

from __future__ import annotations

import inspect

from .checks import check_forward
from .skillset import Loaded, Skillset, handler_name, init_name

_INIT_PARAMETERS = ["model_name", "device", "hardware_label"]
_HANDLER_PARAMETERS = [
    "endpoint_model",
    "device",
    "hardware_label",
    "endpoint",
    "tokenizer",
]


def check_methods(skillset: type[Skillset], platform: str) -> None:
    """Check that the class has every method of a platform, with its true signature."""
    _check_method(skillset, init_name(platform), _INIT_PARAMETERS)
    for task in skillset.tasks:
        _check_method(skillset, handler_name(platform, task), _HANDLER_PARAMETERS)


def _check_method(owner: type, name: str, parameters: list[str]) -> None:
    method = getattr(owner, name, None)
    assert inspect.isfunction(method), f"{owner.__name__} has no method {name}"
    assert method.__name__ == name, f"{name} is really {method.__name__}"
    actual = list(inspect.signature(method).parameters)[1:]
    assert actual == parameters, f"{name} takes {actual}, not {parameters}"


def check_loaded(
    loaded: Loaded, skillset: Skillset, platform: str, device: str
) -> None:
    """Check what an `init_<platform>` method gave, by running its handler."""
    assert isinstance(loaded, Loaded), f"init gave a {type(loaded).__name__}"
    case = skillset.case(platform, skillset.primary_task)
    output = check_forward(loaded.handler, case, loaded.batch_size)
    assert output.device == device, f"device is {output.device!r}, not {device!r}"
    loaded_kind, kind = loaded.endpoint.implementation, output.implementation
    assert kind == loaded_kind, f"a {loaded_kind} endpoint gave a {kind} result"
