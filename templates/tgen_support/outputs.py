"""Outputs: a tensor and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from .placement import to_numpy


@dataclass(frozen=True, eq=False)
class Output:
    """Holds a tensor and its metadata; nothing is ever set on the tensor itself.

    It stands in for the tensor: indexing, `len`, numpy functions and the tensor's own
    attributes and methods work on it.
    """

    tensor: Any
    model: str
    task: str
    platform: str
    device: str
    batch_size: int
    implementation: str
    reason: str
    elapsed: float

    @property
    def metadata(self) -> dict[str, Any]:
        """Everything but the tensor."""
        names = (field.name for field in fields(self) if field.name != "tensor")
        return {name: getattr(self, name) for name in names}

    def to_numpy(self) -> np.ndarray:
        """Give the values as an array in the host's memory."""
        if isinstance(self.tensor, np.ndarray):
            return self.tensor
        return to_numpy(self.tensor)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.to_numpy(), dtype=dtype)

    def __len__(self) -> int:
        return len(self.tensor)

    def __getitem__(self, index: Any) -> Any:
        return self.tensor[index]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "tensor":
            raise AttributeError(name)
        return getattr(self.tensor, name)
