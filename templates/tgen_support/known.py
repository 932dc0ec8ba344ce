"""Whose fault a failure is: the model's, or the kit's, which does not know its type yet.

A new type may need facts that nobody has written. So a failure counts as transformers'
only if the type ran before, as `verified.toml` says by release, or if the error can be
nothing but a mistake in code. All else is a skip that says what is missing.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import os
import re
from collections.abc import Callable
from typing import Any, NoReturn, ParamSpec, TypeVar

import pytest

from .facts import order, read_toml
from .notes import REAL
from .results import UNKNOWN

_P = ParamSpec("_P")
_T = TypeVar("_T")

_LONGEST_MESSAGE = 200
_WHOSE_ATTRIBUTE = re.compile(r"'(\w+)' object has no attribute")


class BuildFailed(Exception):
    """Making the small configuration, or a model of it, raised what is the cause."""


class Broken(Exception):
    """A type that ran with an earlier release of transformers raises."""


def judged(check: Callable[_P, _T]) -> Callable[_P, _T]:
    """Let a check of a handler, its first argument, tell new types from broken ones."""

    @functools.wraps(check)
    def judging(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        handler: Any = args[0]
        try:
            return check(*args, **kwargs)
        except Exception as error:
            if handler.endpoint.implementation == REAL:
                judge(handler.case.model_type, error)
            raise

    return judging


def judge(model_type: str, error: Exception) -> None:
    """Skip what the kit does not know yet; raise more where a type ran before."""
    release = verified_with(model_type)
    if release is None and not _is_mistake(error):
        skip_unknown(model_type, error)
    if release in (None, _installed()) or isinstance(error, AssertionError):
        return
    raise Broken(
        f"{model_type} ran with transformers {release}, and raises with "
        f"{_installed()}: {type(error).__name__}: {error}"
    ) from error


def default_builds(
    model_type: str, auto_class: str, torch: Any, transformers: Any
) -> bool:
    """Tell whether a model of the type's own default sizes can be built."""
    with contextlib.suppress(Exception), torch.device("meta"):
        config = transformers.CONFIG_MAPPING[model_type]()
        getattr(transformers, auto_class).from_config(config)
        return True
    return False


def skip_unknown(model_type: str, error: BaseException) -> NoReturn:
    """Skip a type that the kit does not know, with what it raised."""
    message = " ".join(str(error).split())[:_LONGEST_MESSAGE]
    skip_not_known(f"{model_type} yet: {type(error).__name__}: {message}")


def skip_not_known(what: str) -> NoReturn:
    """Skip what the kit does not know, or fail where everything must be known."""
    reason = f"{UNKNOWN} {what}"
    if os.environ.get("TGEN_REQUIRE_KNOWN", "") not in ("", "0"):
        pytest.fail(reason)
    pytest.skip(reason)


def _is_mistake(error: Exception) -> bool:
    """Tell whether code is wrong, whatever its inputs and its configuration."""
    if isinstance(error, AttributeError):
        owner = _WHOSE_ATTRIBUTE.search(str(error))
        name = owner.group(1) if owner else "NoneType"
        return name != "NoneType" and not name.endswith("Config")
    return isinstance(error, NameError)


@functools.cache
def verified_with(model_type: str) -> str | None:
    """Name the newest release, up to the installed one, that the type ran with.

    A type that ran only with a later one is known as well: then it is the first of them.
    """
    known = [
        r for r, types in read_toml("verified.toml").items() if model_type in types
    ]
    earlier = [r for r in known if order(r) <= order(_installed())]
    return max(earlier, key=order, default=min(known, key=order, default=None))


@functools.cache
def _installed() -> str:
    try:
        return importlib.metadata.version("transformers")
    except importlib.metadata.PackageNotFoundError:
        return ""
