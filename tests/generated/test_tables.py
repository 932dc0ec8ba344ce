"""The tables of tasks agree: the built-in package's, the pipeline map's, the templates."""

from __future__ import annotations

import json

import pytest
from conftest import TEMPLATES
from tgen_support.checkpoint import images_of
from tgen_support.tasks import SAMPLE_SHAPES, SIZES, TASKS, inputs_for, mock_shape

DATA = TEMPLATES.parent / "src/core/data"
# A model type's own entry decides whether it writes or labels what it hears.
SERVED_BY_TWO_CLASSES = {"automatic-speech-recognition"}


def auto_classes() -> dict[str, str]:
    text = (DATA / "pipeline_map.auto_classes.json").read_text(encoding="utf-8")
    classes: dict[str, str] = json.loads(text)["tasks"]
    return classes


def test_every_task_of_the_map_is_in_the_table() -> None:
    models = json.loads((DATA / "pipeline_map.json").read_text(encoding="utf-8"))
    tasks = {task for tasks in models.values() for task in tasks}
    assert tasks <= TASKS.keys()


def test_every_task_has_the_auto_class_of_the_map() -> None:
    wanted = auto_classes()
    for task in wanted.keys() - SERVED_BY_TWO_CLASSES:
        assert TASKS[task].auto_class == wanted[task], task


def test_every_template_is_for_a_task_of_the_table() -> None:
    templates = {file.name.removesuffix(".py.tera") for file in templates_of_tasks()}
    assert templates <= TASKS.keys()
    assert templates == auto_classes().keys()


def templates_of_tasks() -> list:
    return [*(TEMPLATES / "tasks").glob("*.py.tera")]


def test_a_template_checks_the_task_that_it_is_named_for() -> None:
    for file in templates_of_tasks():
        task = file.name.removesuffix(".py.tera")
        for line in file.read_text(encoding="utf-8").splitlines():
            assert "handler(" not in line or f'"{task}"' in line, file.name


@pytest.mark.parametrize("task", TASKS)
def test_a_row_fits_its_inputs_and_sizes(task: str) -> None:
    row = TASKS[task]
    assert set(row.inputs) <= {"text", *SAMPLE_SHAPES}
    known = {"batch", "positions", "height", "width", *SIZES}
    assert set(row.result.mock) <= known
    assert row.result.names
    assert row.result.shape[0] == "batch"
    shape = mock_shape(row, inputs_for(row, 2))
    assert shape[0] == 2
    # A real result has as many dimensions as a mock, or an unknown number.
    dimensions = len(row.result.shape)
    assert ... in row.result.shape or dimensions == len(row.result.mock), task


def test_images_are_eight_bits_a_channel() -> None:
    (image, _) = images_of(inputs_for(TASKS["image-classification"], 2))
    assert (image.dtype, image.shape) == ("uint8", SAMPLE_SHAPES["image"])
