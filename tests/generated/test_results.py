"""A line of `--results` says which attempt of which test it is about, and how it went."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Project, Run

TESTS = """
import os
import pytest

MODEL = "some"
attempts = []


@pytest.fixture
def bad_end():
    yield
    raise RuntimeError("bad end")


@pytest.fixture
def bad_start():
    raise RuntimeError("bad start")


def test_passes():
    pass


def test_teardown_fails(bad_end):
    pass


def test_both_fail(bad_end):
    assert 0, "bad middle"


def test_setup_fails(bad_start):
    pass


def test_is_flaky():
    attempts.append(1)
    assert len(attempts) > 1, "first attempt"


def test_subtest_fails(subtests):
    for number in range(3):
        with subtests.test(number=number):
            assert number != 1, "number is 1"


@pytest.mark.xfail(reason="bug 7")
def test_fails_as_expected():
    assert 0


@pytest.mark.xfail(reason="bug 8")
def test_passes_unexpectedly():
    pass


@pytest.mark.xfail(reason="bug 9", strict=True)
def test_must_fail():
    pass


def test_skips():
    pytest.skip("not today")


@pytest.mark.parametrize("platform", ["cpu"])
def test_crashes(platform):
    if os.environ.get("CRASH"):
        os._exit(3)
"""

ALL_PASS = ["passed", "passed", "passed"]
EXPECTED = {
    "test_passes": ("passed", ALL_PASS, ""),
    "test_teardown_fails": ("failed", ["passed", "passed", "failed"], "bad end"),
    "test_both_fail": ("failed", ["passed", "failed", "failed"], "bad middle"),
    "test_setup_fails": ("failed", ["failed", "passed"], "bad start"),
    "test_is_flaky": ("failed", ["passed", "failed", "passed"], "first attempt"),
    "test_subtest_fails": ("failed", None, "number is 1"),
    "test_fails_as_expected": ("xfailed", ["passed", "xfailed", "passed"], "bug 7"),
    "test_passes_unexpectedly": ("xpassed", ["passed", "xpassed", "passed"], "bug 8"),
    "test_must_fail": ("failed", ["passed", "failed", "passed"], "bug 9"),
    "test_skips": ("skipped", ["passed", "skipped", "passed"], "not today"),
    "test_crashes[cpu]": ("passed", ALL_PASS, ""),
}
MOCKED = """
MODEL = "bert"


def test_mock():
    case = tgen.Case("bert", "bert", "text_embedding", "fill-mask", "cpu", "Auto")
    tgen.check_batch(tgen.handler_for(case, {"torch": None}), 2)
"""


def run_tests(project: Project, *arguments: str, **options: Any) -> Run:
    project.add_tests("tests", test_odd=TESTS)
    return project.pytest("tests", "--results", "results.jsonl", *arguments, **options)


def by_name(lines: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {line["nodeid"].partition("::")[2]: line for line in lines}


@pytest.mark.parametrize("arguments", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_every_phase_and_subtest_counts(project: Project, arguments: list[str]) -> None:
    run_tests(project, *arguments)
    lines = by_name(project.results("results.jsonl"))
    assert lines.keys() == EXPECTED.keys()
    for name, (outcome, phases, reason) in EXPECTED.items():
        line = lines[name]
        assert (name, line["outcome"]) == (name, outcome)
        assert reason in line["reason"], name
        assert phases is None or list(line["phases"].values()) == phases, name
    assert lines["test_subtest_fails"]["subtests"] == {"passed": 2, "failed": 1}


@pytest.mark.parametrize("arguments", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_each_attempt_has_an_identity(project: Project, arguments: list[str]) -> None:
    run_tests(project, "--reruns", "1", *arguments)
    lines = project.results("results.jsonl")
    names = ("run", "file", "nodeid", "platform", "attempt")
    identities = {tuple(line[name] for name in names) for line in lines}
    assert len(identities) == len(lines)
    flaky = [line for line in lines if "flaky" in line["nodeid"]]
    assert [(line["attempt"], line["outcome"]) for line in flaky] == [
        (1, "failed"),
        (2, "passed"),
    ]
    assert {line["run"] for line in lines} == {lines[0]["run"]}


def test_an_environment_variable_names_the_run(project: Project) -> None:
    run_tests(project, environment={"TGEN_RUN_ID": "nightly-7"})
    assert {line["run"] for line in project.results("results.jsonl")} == {"nightly-7"}


def test_a_planned_test_is_named_by_its_id(project: Project) -> None:
    project.add_tests("tests", test_odd=TESTS, test_other="def test_other():\n    pass\n")
    (project.root / "tests/planned_tests.json").write_text('{"test_odd.py": "8f271b66"}')
    project.pytest("tests", "--results", "results.jsonl")
    ids = {line["file"]: line.get("test_id") for line in project.results("results.jsonl")}
    assert ids == {"tests/test_odd.py": "8f271b66", "tests/test_other.py": None}


def test_a_test_that_crashes_its_worker_has_a_line(project: Project) -> None:
    run_tests(project, "-n", "2", environment={"CRASH": "1"})
    lines = by_name(project.results("results.jsonl"))
    assert lines.keys() == EXPECTED.keys()
    crashed = lines["test_crashes[cpu]"]
    assert crashed["outcome"] == "crashed"
    assert "crashed" in crashed["phases"].values()
    assert "crashed while running" in crashed["reason"]
    assert (crashed["file"], crashed["platform"]) == ("tests/test_odd.py", "cpu")


def test_a_test_that_takes_too_long_has_a_line(project: Project) -> None:
    slow = "import time\n\ndef test_slow():\n    time.sleep(60)\n"
    project.add_tests("tests", test_slow=slow)
    project.pytest("tests", "--timeout=1", "--results=results.jsonl")
    (line,) = project.results("results.jsonl")
    assert line["outcome"] == "failed"
    assert "Timeout" in line["reason"]


def test_the_order_of_tests_may_be_random(project: Project) -> None:
    project.add_tests("tests", test_odd=TESTS)
    arguments = ["tests", "-p", "randomly", "--results=results.jsonl"]
    project.pytest(*arguments, "-p", "no:cacheprovider")
    assert by_name(project.results("results.jsonl")).keys() == EXPECTED.keys()


@pytest.mark.parametrize("arguments", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_the_closing_line_counts_all_folders_once(
    project: Project, arguments: list[str]
) -> None:
    for folder in ("one", "two"):
        project.add_tests(folder, test_mock=MOCKED)
    run = project.pytest("one", "two", *arguments)
    lines = [line for line in run.output.splitlines() if line.startswith("results:")]
    assert lines == ["results: 2 MOCK"], run.output


def test_junit_has_what_computed_a_result(project: Project) -> None:
    project.add_tests("tests", test_mock=MOCKED)
    project.pytest("--junitxml=junit.xml")
    junit = (project.root / "junit.xml").read_text(encoding="utf-8")
    assert '<property name="implementation" value="MOCK"' in junit
    assert '<property name="reason" value="torch is not installed"' in junit


def test_a_mock_fails_where_real_is_required(project: Project) -> None:
    project.add_tests("tests", test_mock=MOCKED)
    run = project.pytest("tests", "--require-real")
    assert "a MOCK where REAL is required: torch is not installed" in run.output
    assert run.last_line == "1 failed", run.output


def test_a_missing_folder_of_results_is_made(project: Project) -> None:
    project.add_tests("tests", test_mock=MOCKED)
    project.pytest("tests", "--results", "not/there/results.jsonl")
    assert len(project.results("not/there/results.jsonl")) == 1


@pytest.mark.parametrize("name", ["file/results.jsonl", "tests"])
def test_results_that_cannot_be_written_are_a_usage_error(
    project: Project, name: str
) -> None:
    project.write("file")
    project.add_tests("tests", test_mock=MOCKED)
    run = project.pytest("tests", "--results", name)
    assert f"ERROR: cannot write results to `{name}`: " in run.output
    assert run.status == pytest.ExitCode.USAGE_ERROR
    assert "INTERNALERROR" not in run.output


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize(
    ("configuration", "options"),
    [
        ("testpaths = test/skills", ["--results=results.jsonl"]),
        (
            "pythonpath = test/skills\naddopts = -p tgen_support.plugin",
            ["--results", "results.jsonl"],
        ),
    ],
    ids=["testpaths", "pythonpath"],
)
def test_results_are_an_option_at_the_root(
    project: Project, configuration: str, options: list[str], workers: str
) -> None:
    project.add_tests("test/skills", test_mock=MOCKED)
    project.write("pytest.ini", f"[pytest]\n{configuration}\n")
    run = project.pytest(*options, "-n", workers)
    assert run.output.count("results: 1 MOCK") == 1, run.output
    assert len(project.results("results.jsonl")) == 1


@pytest.mark.parametrize("workers", ["0", "2"])
def test_an_environment_variable_asks_for_results_anywhere(
    project: Project, workers: str
) -> None:
    project.add_tests("test/skills", test_mock=MOCKED)
    environment = {"TGEN_RESULTS": "results.jsonl"}
    project.pytest("-n", workers, environment=environment)
    (line,) = project.results("results.jsonl")
    assert line["nodeid"] == "test/skills/test_mock.py::test_mock"
    assert line["implementation"] == "MOCK"
