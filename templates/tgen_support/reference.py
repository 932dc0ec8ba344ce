"""Reference implementations: held to their signatures, and run where they can be."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from . import signatures
from .checkpoint import from_weights
from .platforms import TORCH_DEVICES, is_installed
from .reference_import import hidden, import_file
from .signatures import platform_of
from .stand_ins import StandIn
from .tasks import inputs_for, task_of


@dataclass(frozen=True)
class Reference:
    """The class of a reference implementation, found from the test file upwards."""

    path: str
    class_name: str
    test_file: str

    @functools.cached_property
    def root(self) -> Path:
        """The folder that `path` starts from."""
        for folder in [*Path(self.test_file).resolve().parents, Path.cwd()]:
            if (folder / self.path).is_file():
                return folder
        pytest.fail(f"the reference implementation {self.path} is not there")

    @property
    def file(self) -> Path:
        """The file that has the class."""
        return self.root / self.path

    @functools.cached_property
    def methods(self) -> dict[str, signatures.Function]:
        """The methods of the class as they are written, by every name they go by."""
        try:
            return signatures.methods_of(self.file, self.class_name)
        except signatures.NoSuchClass:
            pytest.fail(f"{self.path} has no class {self.class_name}")

    def check_method(self, name: str, parameters: list[str]) -> None:
        """Check that a method takes what it took when the test was made."""
        if name == "__init__" and name not in self.methods:
            actual = ""
        else:
            assert name in self.methods, f"{self.class_name} has no method {name}"
            actual = signatures.parameters_of(self.methods[name])
        wanted = signatures.normalized(parameters)
        assert actual == wanted, f"{name} takes ({actual}), not ({wanted})"

    def init_name(self, platform: str) -> str:
        """Name the init method for a platform; skip where there is none."""
        for name in self.methods:
            if name.startswith("init_") and platform_of(name) == platform:
                return name
        pytest.skip(f"{self.class_name} has no init method for {platform}")

    def construct(self, model: str, resources: dict[str, Any]) -> Any:
        """Import the module and make an instance of the class."""
        given = {"resources": resources, "metadata": {"model": model}}
        module = import_file(self.file, self.root)
        return _call(getattr(module, self.class_name), given, model, "cpu")

    @contextlib.contextmanager
    def without(self, *modules: str) -> Iterator[None]:
        """Hide modules: the code must do without, or say which one it needs."""
        with hidden(self.file, self.root, *modules):
            try:
                yield
            except ImportError:
                pass
            except KeyError as error:
                # It takes the module from its resources, which have none.
                if not {*error.args} <= {*modules}:
                    raise


def resources() -> dict[str, Any]:
    """Give the modules that a skillset takes; a stand-in for one that is missing."""
    return {
        name: importlib.import_module(name)
        if is_installed(name)
        else StandIn(name, f"{name} is not installed")
        for name in ("torch", "transformers", "numpy")
    }


def call(method: Callable[..., Any], model: str, platform: str) -> Any:
    """Call a method with made-up values for the parameters that it requires."""
    result = _call(method, {}, model, platform)
    return asyncio.run(result) if inspect.iscoroutine(result) else result


def _call(
    function: Callable[..., Any], given: dict[str, Any], model: str, platform: str
) -> Any:
    signature = inspect.signature(function)
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    bound = signature.bind_partial()
    for name, parameter in signature.parameters.items():
        if name in given:
            bound.arguments[name] = given[name]
        elif parameter.default is parameter.empty and parameter.kind not in variadic:
            bound.arguments[name] = _argument(name, model, platform)
    return function(*bound.args, **bound.kwargs)


def _argument(name: str, model: str, platform: str) -> Any:
    if name.endswith("label"):
        return f"{platform}:0"
    if name == "device":
        return TORCH_DEVICES.get(platform, platform)
    if name in ("model", "model_name", "endpoint_model"):
        return model
    return StandIn(name, f"the test has no {name} to give")


def call_with_weights(method: Callable[..., Any], model: str, platform: str) -> Any:
    """Call an init method; skip where what it loads is not on this machine."""
    with skip_if_not_installed():
        from_weights("AutoConfig", model)
        return call(method, model, platform)


def check_reference_loaded(loaded: Any, task: str, family: str) -> None:
    """Check the five things that an init method gives, and run the handler."""
    assert isinstance(loaded, tuple), f"init gave a {type(loaded).__name__}"
    assert len(loaded) == 5, f"init gave {len(loaded)} things, not 5"
    handler = loaded[2]
    assert callable(handler), f"the handler is a {type(handler).__name__}"
    inputs = inputs_for(task_of(task, family), 1)
    output = handler(*[batch[0] for batch in inputs.values()])
    assert output is not None, "the handler gave nothing"


@contextlib.contextmanager
def skip_if_not_installed() -> Iterator[None]:
    """Skip where a third party's module is missing, and name it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or is_installed(error.name.partition(".")[0]):
            raise
        pytest.skip(f"{error.name} is not installed")
