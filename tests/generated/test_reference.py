"""A reference implementation is imported as Python would, and skipped where it must be."""

from __future__ import annotations

import pytest
from conftest import Project

CLASS = """

class hf_some:
    def __init__(self, resources=None, metadata=None):
        self.torch = resources["torch"]
        self.metadata = metadata

    def init_cpu(self, model, device, cpu_label):
        return None, None, None, None, 0

    def create_cpu_handler(self, endpoint, model_name, cpu_label):
        {body}
        return lambda text: None
"""
TESTS = """
import pytest

REFERENCE = tgen.Reference(path="{path}", class_name="hf_some", test_file=__file__)


@pytest.fixture
def skillset():
    with tgen.skip_if_not_installed():
        return REFERENCE.construct("some", tgen.resources())


def test_construction(skillset):
    assert type(skillset).__name__ == "hf_some"


def test_handler(skillset):
    handler = tgen.call(skillset.create_cpu_handler, "some", "cpu")
    assert callable(handler)


def test_missing_dependency():
    with REFERENCE.without("torch", "numpy"):
        REFERENCE.construct("some", {{"torch": None}})


def test_construction_again(skillset):
    assert skillset.metadata == {{"model": "some"}}
"""


def write(project: Project, path: str, imports: str = "", body: str = "pass") -> None:
    project.write(path, imports + CLASS.replace("{body}", body))
    project.add_tests("tests", test_some=TESTS.format(path=path))


@pytest.mark.parametrize(
    ("path", "packages"),
    [
        ("test/pkg/skillset/hf_some.py", ["test/pkg", "test/pkg/skillset"]),
        ("src/pkg/skillset/hf_some.py", ["src/pkg", "src/pkg/skillset"]),
        ("test/pkg/skillset/hf_some.py", []),
        ("pkg/skillset/hf_some.py", []),
    ],
    ids=["package in test", "package in src", "folders in test", "folders"],
)
def test_relative_imports_start_at_the_topmost_package(
    project: Project, path: str, packages: list[str]
) -> None:
    for package in packages:
        project.write(f"{package}/__init__.py")
    project.write(path.replace("skillset/hf_some", "util"), "class Q: pass")
    write(project, path, imports="from ..util import Q\n")
    run = project.pytest("tests")
    assert run.last_line == "4 passed", run.output


def test_a_file_in_no_package_imports_its_neighbours(project: Project) -> None:
    project.write("skillset/helper.py", "VALUE = 1")
    imports = "from .helper import VALUE\nfrom skillset import helper\n"
    write(project, "skillset/hf_some.py", imports)
    run = project.pytest("tests")
    assert run.last_line == "4 passed", run.output


def test_another_package_of_the_same_name_is_not_tested_instead(
    project: Project,
) -> None:
    write(project, "json/hf_some.py", imports="import json\nassert json.dumps\n")
    run = project.pytest("tests")
    assert run.last_line == "4 passed", run.output


@pytest.mark.parametrize(
    "body",
    [
        "if self.torch.cuda.device_count() > 1: pass",
        "range(self.torch.cuda.device_count())",
        "self.torch.cuda.mem_get_info()[0] / 2",
        "int(self.torch.get_num_threads())",
        "[device for device in self.torch.cuda.devices]",
        "self.torch.__version__ >= '2'",
    ],
)
def test_what_calculates_with_a_missing_module_is_skipped(
    project: Project, body: str
) -> None:
    write(project, "skillset/hf_some.py", body=body)
    run = project.pytest("tests", "-rs")
    assert run.last_line == "3 passed, 1 skipped", run.output
    reason = "torch is not installed, and the result depends on torch."
    assert reason in run.output, run.output


@pytest.mark.parametrize(
    "body",
    [
        "self.torch.backends.cudnn.benchmark = True",
        "with self.torch.no_grad(): pass",
        "isinstance(endpoint, self.torch.nn.Module)",
        "class Wrapped(self.torch.nn.Module): pass",
        "f'{self.torch.float16} {endpoint.config[0]}'",
    ],
)
def test_what_only_mentions_a_missing_module_runs(project: Project, body: str) -> None:
    write(project, "skillset/hf_some.py", body=body)
    run = project.pytest("tests")
    assert run.last_line == "4 passed", run.output


@pytest.mark.parametrize(
    "selected", [[], ["-k", "again"], ["-k", "construction"], ["-k", "handler"]]
)
def test_a_module_that_is_not_installed_skips_alike_alone_and_with_others(
    project: Project, selected: list[str]
) -> None:
    packages = ("pkg", "pkg/skillset")
    for package in packages:
        project.write(f"{package}/__init__.py", "from . import first, second\n")
        project.write(f"{package}/first.py", "VALUE = 1\n")
        project.write(f"{package}/second.py", "from .first import VALUE\n")
    project.write("pkg/skillset/second.py", "import not_installed_anywhere\n")
    write(project, "pkg/skillset/hf_some.py")
    run = project.pytest("tests", "-rs", *selected)
    assert "failed" not in run.last_line and "error" not in run.last_line, run.output
    assert "not_installed_anywhere is not installed" in run.output


def test_a_module_that_fails_leaves_nothing_behind(project: Project) -> None:
    project.write("pkg/__init__.py")
    project.write("pkg/helper.py", "VALUE = 1\n")
    write(project, "pkg/hf_some.py", "from . import helper\nimport not_there\n")
    after = "import sys\n\ndef test_it():\n    assert 'pkg.helper' not in sys.modules\n"
    project.write("tests/test_then.py", after)
    run = project.pytest("tests")
    assert run.last_line == "2 passed, 3 skipped", run.output


def test_hidden_modules_come_back(project: Project) -> None:
    imports = "try:\n    import numpy\nexcept ImportError:\n    numpy = None\n"
    write(project, "pkg/hf_some.py", imports, body="assert numpy is not None")
    project.write("pkg/__init__.py")
    run = project.pytest("tests", "-p", "no:randomly")
    assert run.last_line == "4 passed", run.output


def test_without_a_dependency_only_an_import_may_fail(project: Project) -> None:
    imports = (
        "try:\n    import numpy\nexcept ImportError:\n    raise ValueError('no')\n"
    )
    write(project, "pkg/hf_some.py", imports)
    run = project.pytest("tests", "-k", "missing_dependency")
    assert "ValueError: no" in run.output, run.output
