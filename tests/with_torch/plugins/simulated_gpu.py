"""A pytest plugin: the generated tests for `cuda` on a machine without a GPU.

    python -m pytest -p simulated_gpu -k cuda --require-real TESTS

Tensors that are put on `cuda` stay in this machine's memory and say that they are
there, so all tests calculate as they do on a GPU. As there, an operation that takes a
tensor from each side raises, and so does numpy for a tensor that was not fetched. It
finds tensors on the wrong device, and nothing about kernels or number formats.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as trees
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing

GPU = torch.device("cuda", 0)
_ATEN = torch.ops.aten
# The operations that may take tensors from both sides on a real GPU too.
_CROSSING = {
    _ATEN.copy_.default,
    _ATEN.index.Tensor,
    _ATEN.index_put.default,
    _ATEN.index_put_.default,
    _ATEN._index_put_impl_.default,
}


class OnGpu(torch.Tensor):
    """A tensor that says that it is on the GPU, and wraps one in this machine's memory."""

    inner: torch.Tensor

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> OnGpu:
        tensor: OnGpu = torch.Tensor._make_wrapper_subclass(
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            layout=inner.layout,
            device=GPU,
        )
        tensor.inner = inner
        return tensor

    def __repr__(self) -> str:
        return f"OnGpu({self.inner!r})"

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return _run(function, args, kwargs or {})


class SimulatedGpu(TorchDispatchMode):
    """Handles every operation, also those that create tensors."""

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return _run(function, args, kwargs or {})


class _WithoutDriver(TorchFunctionMode):
    """Replaces functions that would ask a driver before any operation is dispatched."""

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return _REPLACED.get(function, function)(*args, **(kwargs or {}))


def _make(data: Any, *, device: Any = None, **options: Any) -> torch.Tensor:
    made = torch.as_tensor(data, **options)
    return made if device is None else made.to(device)


def _make_beside(tensor: torch.Tensor, data: Any, **options: Any) -> torch.Tensor:
    return _make(data, **{"dtype": tensor.dtype, "device": tensor.device, **options})


def _index(tensor: torch.Tensor, index: Any, *value: Any, method: Any) -> Any:
    places = index if isinstance(index, tuple) else (index,)
    made = (_make(x, device=tensor.device) if isinstance(x, list) else x for x in places)
    return method(tensor, tuple(made), *value)


def _set_data(tensor: torch.Tensor, value: torch.Tensor) -> None:
    torch.Tensor.data.__set__(tensor, value)  # type: ignore[attr-defined]
    if isinstance(tensor, OnGpu) and isinstance(value, OnGpu):
        tensor.inner = value.inner


def _within(method: Any) -> Any:
    """Apply a method to the tensor in this machine's memory."""
    return lambda t: method(t.inner if isinstance(t, OnGpu) else t)


def _attend(
    query: torch.Tensor, key: Any, value: Any, attn_mask: Any = None, *rest: Any, **more: Any
) -> torch.Tensor:
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        hidden = torch.zeros(attn_mask.shape, dtype=query.dtype, device=query.device)
        attn_mask = hidden.masked_fill(~attn_mask, float("-inf"))
    attend = _ATEN._scaled_dot_product_attention_math
    result: torch.Tensor = attend(query, key, value, attn_mask, *rest, **more)[0]
    return result


_REPLACED = {
    # The implementation of attention that does not choose a kernel.
    torch.nn.functional.scaled_dot_product_attention: _attend,
    torch.tensor: _make,
    torch.as_tensor: _make,
    torch.Tensor.new_tensor: _make_beside,
    torch.Tensor.__getitem__: partial(_index, method=torch.Tensor.__getitem__),
    torch.Tensor.__setitem__: partial(_index, method=torch.Tensor.__setitem__),
    torch.Tensor.tolist: lambda tensor: torch.Tensor.tolist(tensor.cpu()),
    torch.Tensor.data.__set__: _set_data,  # type: ignore[attr-defined]
    # By these, saving finds out which weights share their memory.
    torch.Tensor.data_ptr: _within(torch.Tensor.data_ptr),
    torch.Tensor.untyped_storage: _within(torch.Tensor.untyped_storage),
}


def _run(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    tensors = [x for x in trees.tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
    on_gpu = [tensor for tensor in tensors if isinstance(tensor, OnGpu)]
    elsewhere = [t for t in tensors if not isinstance(t, OnGpu) and t.ndim > 0]
    if on_gpu and elsewhere and function not in _CROSSING:
        raise RuntimeError(
            "Expected all tensors to be on the same device, but found at least two "
            f"devices, {GPU} and cpu! ({function})"
        )
    is_on_gpu = bool(on_gpu)
    if (wanted := kwargs.get("device")) is not None:
        is_on_gpu = torch.device(wanted).type == "cuda"
        kwargs = {**kwargs, "device": torch.device("cpu") if is_on_gpu else wanted}
    if function is _ATEN.copy_.default:
        is_on_gpu = isinstance(args[0], OnGpu)
    kwargs.pop("pin_memory", None)
    inner_args, inner_kwargs = trees.tree_map_only(OnGpu, lambda t: t.inner, (args, kwargs))
    result = function(*inner_args, **inner_kwargs)
    if not is_on_gpu:
        return result
    result = trees.tree_map_only(torch.Tensor, _on_gpu, result)
    return return_and_correct_aliasing(function, args, kwargs, result)


def _on_gpu(tensor: torch.Tensor) -> OnGpu:
    return tensor if isinstance(tensor, OnGpu) else OnGpu(tensor)


def pytest_configure() -> None:
    """Keep torch from starting a driver, and from asking one."""
    torch._C._ensureCUDADeviceGuardSet()
    torch.__future__.set_swap_module_params_on_conversion(True)
    torch.backends.cudnn.enabled = False
    replaced = {
        "_lazy_init": lambda: None,
        "current_device": lambda: 0,
        "get_device_name": lambda *_: "simulated",
        "get_rng_state": lambda *_: None,
        "set_rng_state": lambda *_: None,
        "manual_seed": lambda *_: None,
    }
    for name, function in replaced.items():
        setattr(torch.cuda, name, function)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    """Run each test with the simulation."""
    with _WithoutDriver(), SimulatedGpu():
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Say that there is a GPU, before tests for it are left out."""
    from tgen_support import platforms

    platforms._PROBES["cuda"] = lambda: None
    platforms.why_absent.cache_clear()
    # In the backward pass, torch asks the driver for a stream of its own.
    backward = [item for item in items if item.name.startswith("test_gradients")]
    config.hook.pytest_deselected(items=backward)
    items[:] = [item for item in items if item not in backward]
