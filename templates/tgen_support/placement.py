"""Where a model and its tensors stand, how precisely it calculates, and by which seed.

Convolutions on CUDA round their inputs to TF32 unless torch is told otherwise, which
shows as another answer in a batch than alone. So full float32 is the default here, for
the time that a model runs; `--tf32` and `--dtype` ask for something else.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

# The number formats that a model may calculate in, with what two ways of calculating
# the same thing may differ by, relative to the largest value.
TOLERANCES = {"float32": 0.0, "bfloat16": 5e-2, "float16": 1e-2}
_TF32 = 1e-2


class Placement:
    """A device of torch, and the precision in which a model calculates on it."""

    def __init__(self, torch: Any, device: str) -> None:
        self.torch, self.device = torch, device
        self.dtype = os.environ.get("TGEN_DTYPE") or "float32"
        self.is_tf32 = os.environ.get("TGEN_TF32", "") not in ("", "0")

    @property
    def name(self) -> str:
        """Name the real device, as a result tells it."""
        if self.device != "cuda":
            return self.device
        cuda = self.torch.cuda
        return f"cuda:{cuda.current_device()} ({cuda.get_device_name()})"

    @property
    def precision(self) -> str:
        """Say what a test runs in."""
        has_tf32 = self.is_tf32 and self.device == "cuda" and self.dtype == "float32"
        return f"{self.dtype} with TF32" if has_tf32 else self.dtype

    def tolerance(self, exact: float) -> float:
        """Widen the tolerance that full precision allows; 0 demands equality."""
        if exact == 0:
            return 0
        coarse = _TF32 if self.precision.endswith("TF32") else TOLERANCES[self.dtype]
        return max(exact, coarse)

    def move(self, model: Any) -> Any:
        """Put a model here, with the parts that it keeps in lists of its own."""
        if self.device == "cpu" and self.dtype == "float32":
            return model
        for part in [model, *_unregistered(model, self.torch.nn.Module)]:
            part.to(self.device, getattr(self.torch, self.dtype))
        return model

    def tensor(self, array: np.ndarray) -> Any:
        """Put an array here; whole numbers and masks keep their format."""
        tensor = self.torch.from_numpy(array.copy())
        if tensor.is_floating_point():
            tensor = tensor.to(getattr(self.torch, self.dtype))
        return tensor.to(self.device)

    @contextlib.contextmanager
    def running(self, *, with_gradients: bool = False) -> Iterator[None]:
        """Run a model: what is random in it is the same each time."""
        with (
            self._precise(),
            seeded(self.torch, 0, self.device),
            self.torch.set_grad_enabled(with_gradients),
        ):
            yield

    @contextlib.contextmanager
    def _precise(self) -> Iterator[None]:
        if self.device != "cuda":
            yield
            return
        switches = [switch for switch in _switches(self.torch) if hasattr(*switch)]
        before = [getattr(*switch) for switch in switches]
        try:
            for owner, name in switches:
                exact, coarse = (False, True) if "allow" in name else ("ieee", "tf32")
                setattr(owner, name, coarse if self.is_tf32 else exact)
            yield
        finally:
            for switch, value in zip(switches, before, strict=True):
                setattr(*switch, value)


def _switches(torch: Any) -> list[tuple[Any, str]]:
    """List what decides on TF32; torch refuses the old names beside the new ones."""
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    if hasattr(cudnn, "conv"):
        owners = (cudnn.conv, cudnn.rnn, matmul)
        return [(owner, "fp32_precision") for owner in owners]
    return [(cudnn, "allow_tf32"), (matmul, "allow_tf32")]


def _unregistered(model: Any, module_class: type) -> Iterator[Any]:
    """Find the parts that a model holds in plain lists: `to` does not move them."""
    for module in model.modules():
        for value in vars(module).values():
            if isinstance(value, list | tuple):
                yield from (part for part in value if isinstance(part, module_class))


@contextlib.contextmanager
def seeded(torch: Any, seed: int, device: str = "cpu") -> Iterator[None]:
    """Seed torch for a block of code; what is drawn outside of it does not change.

    `torch.manual_seed` would note a stack of calls for each device that there is not.
    """
    own = None if device == "cpu" else getattr(torch, device)
    state, own_state = torch.get_rng_state(), own and own.get_rng_state()
    torch.default_generator.manual_seed(seed)
    if own:
        own.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(state)
        if own:
            own.set_rng_state(own_state)


def to_numpy(tensor: Any) -> np.ndarray:
    """Bring a tensor's values to the host's memory."""
    values: np.ndarray = tensor.detach().cpu().float().numpy()
    return values
