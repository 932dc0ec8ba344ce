"""Padding is cut out of an answer, whatever rows a sample has."""

from __future__ import annotations

import numpy as np
import pytest
from tgen_support.padding import PADS, skip_uncut, unpadded

WORDS = 4


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("side", ["left", "right"])
def test_the_first_sample_of_a_batch_comes_out_without_its_padding(
    rows: int, side: str
) -> None:
    alone = np.random.default_rng(0).random((rows, WORDS, 3))
    other = np.ones((rows, WORDS + PADS, 3))
    before, behind = (PADS, 0) if side == "left" else (0, PADS)
    padded = np.pad(alone, ((0, 0), (before, behind), (0, 0)))
    batch = np.concatenate([padded, other])
    np.testing.assert_array_equal(unpadded(batch, alone.shape, side), alone)


def test_an_answer_that_has_no_padding_stays() -> None:
    alone = np.arange(6.0).reshape(2, 3)
    batch = np.concatenate([alone, alone + 1])
    np.testing.assert_array_equal(unpadded(batch, alone.shape, "right"), alone)


def test_of_a_table_of_all_against_all_the_own_score_counts() -> None:
    table = np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(unpadded(table, (1, 1), "right"), [[1.0]])


def test_an_answer_of_another_shape_is_skipped_with_the_shapes() -> None:
    longer = np.zeros((1, 9, 3))
    assert unpadded(longer, (1, WORDS, 3), "right") is None
    with pytest.raises(pytest.skip.Exception, match=r"\(1, 9, 3\), not \(1, 4, 3\)"):
        skip_uncut(longer, (1, WORDS, 3))
