"""What stands in for a module or a value that a reference implementation asks for."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest


class StandIn:
    """Has every attribute and can be called, but is no number.

    A module that compares it or calculates with it would get a made-up answer, so the
    test is skipped with the reason instead.
    """

    def __init__(self, name: str, reason: str) -> None:
        self._name = name
        self._reason = reason

    def __getattr__(self, name: str) -> StandIn:
        if name.startswith("__") and name != "__version__":
            raise AttributeError(name)
        child = StandIn(f"{self._name}.{name}", self._reason)
        setattr(self, name, child)
        return child

    def __call__(self, *_args: Any, **_options: Any) -> StandIn:
        return StandIn(f"{self._name}()", self._reason)

    def __getitem__(self, key: Any) -> StandIn:
        return StandIn(f"{self._name}[{key!r}]", self._reason)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Take a value, as a dictionary or a tensor would."""

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_exception: object) -> None:
        """End a block such as `with torch.no_grad():`."""

    def __mro_entries__(self, _bases: tuple[Any, ...]) -> tuple[type, ...]:
        """A class that inherits from it inherits from nothing."""
        return ()

    def __instancecheck__(self, _instance: object) -> bool:
        return False

    def __repr__(self) -> str:
        return self._name

    def _skip(self, *_operands: Any) -> NoReturn:
        pytest.skip(f"{self._reason}, and the result depends on {self._name}")

    __lt__ = __le__ = __gt__ = __ge__ = _skip
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _skip
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = _skip
    __mod__ = __rmod__ = __pow__ = __rpow__ = __matmul__ = __rmatmul__ = _skip
    __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = _skip
    __lshift__ = __rlshift__ = __rshift__ = __rrshift__ = _skip
    __neg__ = __pos__ = __abs__ = __invert__ = __round__ = _skip
    __int__ = __float__ = __complex__ = __index__ = _skip
    __len__ = __iter__ = __contains__ = _skip
