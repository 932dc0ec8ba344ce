"""Tests that a new model type is distinguished from a broken one."""

from __future__ import annotations

import pytest
import tgen_support as tgen
from tgen_support import known, loading, tiny
from tgen_support.loading import load


def test_a_type_that_ran_before_is_broken_and_a_new_one_unknown() -> None:
    error = RuntimeError("the shape is wrong")
    known.judge("bert", AssertionError("rows differ"))
    with pytest.raises(pytest.skip.Exception, match="does not know quokka yet"):
        known.judge("quokka", error)
    known.judge("quokka", NameError("name 'x' is not defined"))
    known.judge("quokka", AttributeError("'Output' object has no attribute 'y'"))
    with pytest.raises(pytest.skip.Exception):
        known.judge("quokka", AttributeError("'NoneType' object has no attribute 'y'"))


def test_a_type_that_ran_with_an_earlier_release_is_told_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(known, "_installed", lambda: "99.0.0")
    known.verified_with.cache_clear()
    try:
        with pytest.raises(known.Broken, match=r"bert ran with transformers 5\."):
            known.judge("bert", RuntimeError("the shape is wrong"))
    finally:
        known.verified_with.cache_clear()


def test_an_unknown_type_fails_where_all_must_be_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TGEN_REQUIRE_KNOWN", "1")
    with pytest.raises(pytest.fail.Exception, match="does not know quokka yet"):
        known.judge("quokka", RuntimeError("the shape is wrong"))


def test_small_sizes_that_fail_where_the_defaults_do_not_are_the_kits_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("sizes do not fit")

    monkeypatch.setattr(tiny, "tiny_config", fail)
    case = tgen.Case("vit", "vit", "vision", "any", "cpu", "AutoModel")
    with pytest.raises(pytest.skip.Exception, match="does not know vit yet"):
        load(case, {})
    monkeypatch.setattr(loading, "default_builds", lambda *_: False)
    with pytest.raises(known.BuildFailed, match="ValueError: sizes do not fit"):
        load(case, {})
