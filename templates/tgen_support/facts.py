"""What is true of single model types, as `facts.toml` says it."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import re
import sys
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

# Python 3.10 has no reader of TOML, so pytest brings one there.
TOML = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")


@functools.cache
def facts_of(model_type: str) -> dict[str, Any]:
    """Merge the facts about a model type; a later one goes over an earlier one."""
    merged: dict[str, Any] = {}
    for fact in _facts():
        if any(fnmatchcase(model_type, pattern) for pattern in fact["types"]):
            merged = merge(merged, fact)
    return merged


@functools.cache
def _facts() -> list[dict[str, Any]]:
    release = _release()
    facts = read_toml("facts.toml")["fact"]
    return [
        fact
        for fact in facts
        if _is_of(fact.get("release"), release)
        and _is_until(fact.get("until"), release)
    ]


def _is_of(releases: str | list[str] | None, installed: str) -> bool:
    """Tell whether a release is one of those that begin with the given numbers."""
    if releases is None:
        return True
    beginnings = [releases] if isinstance(releases, str) else releases
    return any(f"{installed}.".startswith(f"{number}.") for number in beginnings)


def _is_until(last: str | None, installed: str) -> bool:
    """Tell whether a release is no newer than the one with the given first numbers."""
    if last is None:
        return True
    newest = order(last)
    return order(installed)[: len(newest)] <= newest


def order(release: str) -> tuple[int, ...]:
    """Put releases in the order of their numbers."""
    return tuple(map(int, re.findall(r"\d+", release)[:3]))


@functools.cache
def read_toml(name: str) -> dict[str, Any]:
    """Read a file of this package."""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    content: dict[str, Any] = TOML.loads(text)
    return content


def _release() -> str:
    try:
        return importlib.metadata.version("transformers")
    except importlib.metadata.PackageNotFoundError:
        return ""


def merge(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one tree of settings over another."""
    both = [name for name in overlay if isinstance(base.get(name), dict)]
    inner = {name: merge(base[name], overlay[name]) for name in both}
    return {**base, **overlay, **inner}
