"""Tests that models, inputs and precision are where a test asks for them, and nowhere else.

`cargo xtask slice` runs these on a simulated GPU, with `tgen_support` on the path.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import tgen_support as tgen
import torch
from tgen_support.endpoints import TinyEndpoint
from tgen_support.loading import load
from tgen_support.placement import Placement


def endpoint(platform: str, model_type: str = "gpt2") -> TinyEndpoint:
    task = ("text-generation", platform, "AutoModelForCausalLM")
    loaded = load(tgen.Case(model_type, model_type, "text_generation", *task), {})
    assert isinstance(loaded, TinyEndpoint)
    return loaded


def devices(of: TinyEndpoint) -> set[str]:
    return {weight.device.type for weight in of.tiny.model.parameters()}


def test_two_endpoints_of_a_model_keep_their_devices() -> None:
    on_cpu, on_gpu = endpoint("cpu"), endpoint("cuda")
    assert (devices(on_cpu), devices(on_gpu)) == ({"cpu"}, {"cuda"})
    answers = [each(each.inputs(2)).cpu() for each in (on_cpu, on_gpu)]
    assert torch.allclose(*answers, atol=1e-5)


def test_generated_words_and_their_prompt_stand_on_the_device() -> None:
    on_gpu = endpoint("cuda")
    assert on_gpu.tiny.generate(on_gpu.inputs(1), 2).device.type == "cuda"


@pytest.mark.parametrize("seed", [0, 1])
def test_a_twin_of_another_seed_stands_on_the_device(seed: int) -> None:
    on_gpu = endpoint("cuda")
    twin = on_gpu.tiny.with_seed(seed)
    assert on_gpu.answer(twin, on_gpu.inputs(1)).device.type == "cuda"


def test_parts_that_a_model_keeps_in_a_list_move_along() -> None:
    model = torch.nn.Module()
    model.parts = [torch.nn.Linear(2, 2)]
    Placement(torch, "cuda").move(model)
    assert model.parts[0].weight.device.type == "cuda"


def switches() -> list[str]:
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    return [owner.fp32_precision for owner in (cudnn.conv, cudnn.rnn, matmul)]


@pytest.mark.parametrize(("tf32", "wanted"), [("", "ieee"), ("1", "tf32")])
def test_precision_is_set_while_a_model_runs_and_no_longer(
    monkeypatch: pytest.MonkeyPatch, tf32: str, wanted: str
) -> None:
    monkeypatch.setenv("TGEN_TF32", tf32)
    before = switches()
    with Placement(torch, "cuda").running():
        assert set(switches()) == {wanted}
    assert switches() == before


def test_a_failure_leaves_precision_and_chance_as_they_were() -> None:
    before, state = switches(), torch.get_rng_state()
    with pytest.raises(ValueError, match="inside"), Placement(torch, "cuda").running():
        torch.rand(1)
        raise ValueError("inside")
    assert switches() == before
    assert state.equal(torch.get_rng_state())


@pytest.fixture
def half(monkeypatch: pytest.MonkeyPatch) -> Iterator[Placement]:
    monkeypatch.setenv("TGEN_DTYPE", "bfloat16")
    yield Placement(torch, "cpu")


def test_a_format_holds_for_weights_and_numbers_but_not_for_ids(half: Placement) -> None:
    assert half.move(torch.nn.Linear(2, 2)).weight.dtype == torch.bfloat16
    assert half.tensor(np.zeros(2, np.float32)).dtype == torch.bfloat16
    assert half.tensor(np.zeros(2, np.int64)).dtype == torch.int64
    assert half.precision == "bfloat16"
    assert (half.tolerance(0), half.tolerance(1e-3)) == (0, 5e-2)


def test_a_label_is_not_a_device() -> None:
    handler = tgen.Handler(
        endpoint("cuda").case, "cuda:1", endpoint("cuda"), tgen.WordTokenizer()
    )
    output = handler(handler.inputs(1))
    assert (output.device, output.tensor.device.index) == ("cuda:1", 0)


def test_a_result_says_its_real_device() -> None:
    place = endpoint("cuda").tiny.place
    assert (place.name, place.precision) == ("cuda:0 (simulated)", "float32")
