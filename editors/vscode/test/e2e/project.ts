// The project that the sessions work in.

export const FILES: Readonly<Record<string, string>> = {
  "tgen.toml": `templates = "templates"

[placeholders]
organisation = "acme"

[[suite]]
name = "skillset"
template = "skillset.py.tera"
models = ["bert", "vit", "whisper", "llava"]
output = "test/test_hf_{{ normalized_name }}.py"

[[suite]]
name = "tasks"
template = "tasks.py.tera"
models = ["bert", "vit", "whisper", "llava"]
output = "test/tasks/test_{{ normalized_name }}.py"

[[suite]]
name = "matrix"
template = "matrix.py"
models = ["bert", "vit"]
batch-sizes = [1, 4]
output = "test/matrix/test_{{ normalized_name }}_b{{ batch_size }}.py"
`,
  "templates/skillset.py.tera": `{# The tests of one model. #}
"""Tests of {{ model_name }}, by {{ organisation }}."""

import pytest

MODEL = {{ model_nam | py_str }}
TASKS = {{ tasks | py_str }}


{% for task in tasks %}
def test_{{ task | py_ident }}() -> None:
    assert MODEL, "{{ task }} of {{ model_family }}"


{% endfor %}
`,
  "templates/tasks.py.tera": `"""The tasks of {{ model_name }}, by {{ organisation }}."""

import pytest

TASKS = {{ tasks | py_str }}


@pytest.mark.parametrize("task", TASKS)
def test_task_of_{{ normalized_name }}(task: str) -> None:
    assert task.islower()
`,
  "templates/matrix.py": `"""Tests of \${model_name}."""

BATCH = \${batch_size}
PLAIN = {"dict": "stays"}
`,
  "by_hand/test_whisper_speed.py": `"""How fast whisper is."""


def test_whisper_speed() -> None:
    assert "whisper"
`,
};
