"""${model_name} on ${hardware_type}, seeing, ${batch_size} at a time."""

from __future__ import annotations

import pytest

# isort: split
# tgen-support: tgen_support.py.tera
import tgen_support as tgen

CASE = tgen.Case(
    model="${model_name}",
    model_type="${model_type}",
    family="${model_family}",
    task="${primary_task}",
    platform="${hardware_type}",
    auto_class=tgen.auto_class_of("${primary_task}"),
)
BATCH_SIZE = ${batch_size}
INPUTS = tgen.inputs_for(tgen.task_of(CASE.task, CASE.family), BATCH_SIZE)


@pytest.fixture
def handler() -> tgen.Handler:
    tgen.require(CASE.platform)
    return tgen.handler_for(CASE)


def test_platform_is_known() -> None:
    assert CASE.platform in tgen.PLATFORMS


def test_${model_family}_${hardware_type}(handler: tgen.Handler) -> None:
    tgen.check_forward(handler, CASE, BATCH_SIZE)


def test_batch(handler: tgen.Handler) -> None:
    tgen.check_batch(handler, BATCH_SIZE)


def test_wrong_input(handler: tgen.Handler) -> None:
    tgen.check_wrong_input(handler)


def test_missing_dependency() -> None:
    tgen.require(CASE.platform)
    handler = tgen.handler_for(CASE, {"torch": None})
    output = handler(handler.inputs(BATCH_SIZE))
    assert (output.implementation, output.reason) == (
        tgen.MOCK,
        "torch is not installed",
    )


def test_weights() -> None:
    device = tgen.torch_device(CASE.platform)
    processor = tgen.from_weights("AutoImageProcessor", CASE.model)
    model = tgen.from_weights(CASE.auto_class, CASE.model).to(device).eval()
    images = tgen.images_of(INPUTS)
    outputs = model(**processor(images=images, return_tensors="pt").to(device))
    assert len(outputs[0]) == BATCH_SIZE
    assert outputs[0].isfinite().all()


def run_test() -> int:
    """Run the tests of this file; the exit status is 0 when none fails."""
    return tgen.run(__file__)


if __name__ == "__main__":
    raise SystemExit(run_test())
