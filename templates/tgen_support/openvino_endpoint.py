"""OpenVINO: the same tiny model, converted and run by OpenVINO on the processor."""

from __future__ import annotations

import importlib
import inspect
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .endpoints import Case, TinyEndpoint
from .model_outputs import main_output
from .tasks import Inputs, Result
from .tiny import CannotBuild, TinyModel


class OpenvinoEndpoint(TinyEndpoint):
    """The architecture itself, run by OpenVINO; converted once for each shape."""

    def __init__(self, case: Case, torch: Any, transformers: Any) -> None:
        super().__init__(case, torch, transformers)
        self.torch = torch
        self.compiled: dict[Any, Any] = {}
        self(self.inputs(1))

    def answer(self, tiny: TinyModel, inputs: Inputs) -> Any:
        """Run a model of the same kind."""
        given = tiny.tensors(inputs)
        key = (id(tiny), *(tuple(value.shape) for value in given.values()))
        if key not in self.compiled:
            self.compiled[key] = self._compile(tiny, given)
        result = self.compiled[key]([value.numpy() for value in given.values()])
        return self.torch.from_numpy(result[0].copy())

    def in_torch(self, inputs: Inputs) -> np.ndarray:
        """Give what torch makes of the same batch."""
        return main_output(self.result, self.tiny(inputs)).numpy()

    def _compile(
        self, tiny: TinyModel, given: dict[str, Any]
    ) -> Callable[[list[np.ndarray]], list[np.ndarray]]:
        # The converter would tell its makers over the network what it converts.
        if "openvino_telemetry" not in sys.modules:
            sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
        openvino = importlib.import_module("openvino")
        module = _single_output(self.torch, tiny, self.result, list(given))
        example = tuple(given.values())
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                converted = openvino.convert_model(module, example_input=example)
        except Exception as error:  # Whatever it is, the converter does not know it.
            line = str(error).strip().partition("\n")[0][:120]
            raise CannotBuild(f"openvino cannot convert it: {line}") from error
        for port, value in zip(converted.inputs, example, strict=True):
            port.get_node().set_partial_shape(openvino.PartialShape(list(value.shape)))
        converted.validate_nodes_and_infer_types()
        exact = {"INFERENCE_PRECISION_HINT": "f32"}
        compiled = openvino.Core().compile_model(converted, "CPU", exact)
        return lambda arrays: list(compiled(arrays).values())


def _single_output(
    torch: Any, tiny: TinyModel, result: Result, names: list[str]
) -> Any:
    """Wrap a model so that it takes its inputs by place and gives one tensor."""
    # A cache of what went before grows from nothing, which the converter cannot follow.
    known = inspect.signature(tiny.model.forward).parameters
    call = {"use_cache": False} if "use_cache" in known else {}
    call |= tiny.facts.get("call", {})

    class SingleOutput(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = tiny.model

        def forward(self, *values: Any) -> Any:
            given = dict(zip(names, values, strict=True))
            return main_output(result, self.model(**given, **call))

    return SingleOutput().eval()
