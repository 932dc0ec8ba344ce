"""Tests of ${model_name} on ${hardware_type}."""

import pytest

from helpers import load

MODEL = "${model_name}"


@pytest.mark.parametrize("size", [1, 4])
def test_answer(size: int) -> None:
    model = load(MODEL, "${hardware_type}")
    assert model(size).shape == (size, 8)


def test_batch() -> None:
    """A batch of ${batch_size} is anwsered at once."""
    model = load(MODEL)
    assert len(model(${batch_size})) == ${batch_size}


def test_name() -> None:
    assert MODEL == "${model_name}"
