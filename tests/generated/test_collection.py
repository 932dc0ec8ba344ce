"""Generated tests are found and pass however pytest is started."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest
from conftest import Project

PASSING = """
MODEL = "some"


def test_passes():
    assert tgen.PLATFORMS
"""
ON_HARDWARE = """
import pytest

MODEL = "some"


@pytest.fixture(params=["cpu", "qualcomm"])
def platform(request):
    return tgen.require(request.param)


def test_runs(platform):
    pass
"""
ABOUT_TORCH = """
MODEL = "some"


@tgen.needs_torch
def test_compares():
    raise AssertionError("a mock has nothing to show")


def test_passes():
    pass
"""
HERE_NO_QUALCOMM = {"QNN_SDK_ROOT": "", "SNPE_ROOT": ""}


@pytest.mark.parametrize("mode", ["prepend", "append", "importlib"])
@pytest.mark.parametrize("is_package", [False, True], ids=["folder", "package"])
def test_a_folder_is_collected(project: Project, mode: str, is_package: bool) -> None:
    project.add_tests("tests", test_hf_vit=PASSING)
    if is_package:
        project.write("tests/__init__.py")
    run = project.pytest(f"--import-mode={mode}")
    assert run.last_line == "1 passed", run.output


@pytest.mark.parametrize(
    "arguments", [[], ["--import-mode=importlib"], ["-n", "2"]], ids=" ".join
)
def test_folders_with_files_of_one_name_run_together(
    project: Project, arguments: list[str]
) -> None:
    for folder in ("audio", "vision", "package/tests", "deep/er/tests"):
        project.add_tests(folder, test_hf_vit=PASSING)
    project.write("package/tests/__init__.py")
    run = project.pytest(*arguments)
    assert run.last_line == "4 passed", run.output


def test_packages_of_one_name_run_their_own_tests(project: Project) -> None:
    project.add_tests("one/tests", test_hf_vit=PASSING)
    project.add_tests("two/tests", test_hf_vit=PASSING.replace("passes", "is_second"))
    project.write("two/tests/__init__.py")
    project.write("two/tests/inner/__init__.py")
    run = project.pytest("-v")
    assert "test_is_second PASSED" in run.output, run.output
    assert run.last_line == "2 passed", run.output


def test_a_file_runs_by_its_path_from_elsewhere(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project.add_tests("tests", test_hf_vit=PASSING)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    run = project.pytest(project.root / "tests/test_hf_vit.py", cwd=elsewhere)
    assert run.last_line == "1 passed", run.output


def test_a_file_runs_as_a_script(project: Project) -> None:
    script = "\nif __name__ == '__main__':\n    raise SystemExit(tgen.run(__file__))\n"
    project.add_tests("tests", test_hf_vit=PASSING + script)
    run = project.pytest(command=["tests/test_hf_vit.py"])
    assert run.last_line == "1 passed", run.output
    assert "Warning" not in run.output


def test_handwritten_tests_beside_them_are_imported_as_usual(project: Project) -> None:
    project.add_tests("tests", test_hf_vit=PASSING)
    project.write("tests/helper.py", "VALUE = 1")
    own = "import helper\n\ndef test_own():\n    assert __name__ == 'test_own'\n"
    project.write("tests/test_own.py", own)
    run = project.pytest()
    assert run.last_line == "2 passed", run.output


def test_folders_of_different_versions_are_refused(project: Project) -> None:
    for folder in ("one", "two"):
        project.add_tests(folder, test_hf_vit=PASSING)
    project.write("two/tgen_support/checks.py", "")
    run = project.pytest("one", "two")
    assert "checks.py` differs from `" in run.output, run.output
    assert "run pytest once for each" in run.output


def test_a_check_explains_what_it_asserts(project: Project) -> None:
    failing = "def test_fails():\n    tgen.check_methods(tgen.Skillset, 'cpu')\n"
    project.add_tests("tests", test_hf_vit=failing)
    run = project.pytest()
    assert "AssertionError: Skillset has no method init_cpu" in run.output
    assert "where False = <function isfunction" in run.output, run.output


def test_absent_hardware_is_left_out_in_one_line(project: Project) -> None:
    project.add_tests("tests", test_hf_vit=ON_HARDWARE)
    run = project.pytest(environment=HERE_NO_QUALCOMM)
    assert run.last_line == "1 passed, 1 deselected", run.output
    line = "left out: 1 tests for qualcomm, which this machine does not have\n"
    assert run.output.count(line) == 1, run.output


@pytest.mark.parametrize("arguments", [[], ["-n", "2"]], ids=" ".join)
def test_what_needs_torch_is_left_out_in_one_line(
    project: Project, arguments: list[str]
) -> None:
    project.add_tests("tests", test_hf_vit=ABOUT_TORCH)
    run = project.pytest(*arguments, "tests")
    line = "left out: 1 tests for which torch and transformers are not installed\n"
    assert run.output.count(line) == 1, run.output
    assert run.last_line.startswith("1 passed"), run.output


def test_nothing_is_left_out_for_want_of_torch_where_real_is_required(
    project: Project,
) -> None:
    project.add_tests("tests", test_hf_vit=ABOUT_TORCH)
    run = project.pytest(environment={"TGEN_REQUIRE_REAL": "1"})
    assert run.last_line == "1 failed, 1 passed", run.output


def test_why_hardware_is_absent_is_said_with_the_skips(project: Project) -> None:
    project.add_tests("tests", test_hf_vit=ON_HARDWARE)
    run = project.pytest("-rs", environment=HERE_NO_QUALCOMM)
    assert "  1 for qualcomm: no SDK at QNN_SDK_ROOT" in run.output, run.output


def test_what_workers_leave_out_is_counted_once(project: Project) -> None:
    project.add_tests("tests", test_hf_vit=ON_HARDWARE)
    run = project.pytest("-n", "2", "tests", environment=HERE_NO_QUALCOMM)
    assert run.output.count("left out: 1 tests for qualcomm") == 1, run.output


def test_absent_hardware_that_is_asked_for_is_a_skip(project: Project) -> None:
    project.add_tests("tests", test_hf_vit=ON_HARDWARE)
    name = "tests/test_hf_vit.py::test_runs[qualcomm]"
    run = project.pytest(name, "-rs", environment=HERE_NO_QUALCOMM)
    assert run.last_line == "1 skipped", run.output
    assert "qualcomm: no SDK at" in run.output


def test_hardware_that_is_there_is_not_left_out(project: Project) -> None:
    project.add_tests("tests", test_hf_vit=ON_HARDWARE)
    sdk = {"QNN_SDK_ROOT": str(Path(__file__).parent)}
    run = project.pytest(environment=sdk)
    assert run.last_line == "2 passed", run.output


PLATFORM_TESTS = """
import pytest

MODEL = "some"


@pytest.mark.parametrize("platform", ["cpu", "cuda"])
def test_on_a_platform(platform):
    pass


def test_on_none():
    pass
"""


@pytest.mark.parametrize(
    ("platforms", "expected"),
    [
        ("cpu", ["test_on_a_platform[cpu]"]),
        ("cpu,none", ["test_on_a_platform[cpu]", "test_on_none"]),
        ("none", ["test_on_none"]),
        ("mps", []),
        ("", ["test_on_a_platform[cpu]", "test_on_none"]),
    ],
)
def test_only_the_tests_of_the_named_platforms_run(
    project: Project, platforms: str, expected: list[str]
) -> None:
    """`cargo tgen run` runs a file once for each platform that it has tests for."""
    project.add_tests("tests", test_some=PLATFORM_TESTS)
    environment = {"TGEN_PLATFORMS": platforms, "TGEN_RESULTS": "results.jsonl"}
    project.pytest("tests", environment=environment)
    lines = project.results("results.jsonl")
    names = [line["nodeid"].partition("::")[2] for line in lines]
    assert sorted(names) == expected


# A Python older than 3.10, as the support package sees it.
OLD = """
import sys
import types


class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "tgen_support.environment":
            del types.UnionType


sys.meta_path.insert(0, Finder())
"""


@pytest.mark.parametrize(
    ("command", "last_line"),
    [
        (["test/test_hf_some.py"], "{message}"),
        (["-c", "import pytest, tgen_support"], "ImportError: {message}"),
    ],
)
def test_a_python_that_is_too_old_is_named(
    project: Project, command: list[str], last_line: str
) -> None:
    project.add_tests("test")
    project.write(
        "test/test_hf_some.py", f"import pytest\nimport tgen_support\n{PASSING}"
    )
    old = project.write("old/sitecustomize.py", OLD).parent
    paths = os.pathsep.join([str(old), str(project.root / "test")])
    run = project.pytest(environment={"PYTHONPATH": paths}, command=command)
    message = f"these tests need Python 3.10 or newer, and this is {platform.python_version()}"
    assert run.status == 1
    assert run.output.splitlines()[-1] == last_line.format(message=message)
    assert ("Traceback" in run.output) == (command[0] == "-c"), run.output
