"""What the table of facts says of a release."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tgen_support import facts


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """Read the facts anew, before and after a test that changes the release."""
    _forget()
    yield
    _forget()


def _forget() -> None:
    facts.facts_of.cache_clear()
    facts._facts.cache_clear()


def test_a_fault_says_until_when_it_was_seen() -> None:
    table = facts.read_toml("facts.toml")["fact"]
    faults = [fact for fact in table if "fault" in fact["why"].replace("default", "")]
    assert faults
    for fact in faults:
        assert "until" in fact, f"{fact['types']}: {fact['why']}"


@pytest.mark.parametrize(
    ("release", "holds"),
    [("4.57.6", True), ("5.24.0", True), ("5.24.1", True), ("5.25.0.dev0", False),
     ("5.100.0", False), ("6.0.0", False), ("", True)],
)  # fmt: skip
def test_a_fault_is_looked_for_again_in_a_later_release(
    release: str, holds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "_release", lambda: release)
    assert ("without" in facts.facts_of("esm")) == holds
