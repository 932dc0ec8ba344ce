#!/usr/bin/env python3
"""Results files as large runs write them, to measure `cargo tgen report` with.

    python3 benches/results.py FOLDER --models 605 --batches 4 --history 20

Writes `run.jsonl` (a result for each model, hardware type and batch size; 605 x 5 x 4 are 12,100), `before.jsonl`, the run
before, and `history.jsonl`, the runs before that. About three in a hundred tests fail, with long logs. The same
arguments give the same files. `--junit FILE` and `--pytest FOLDER` give the run to junit2html and to pytest-html: as
JUnit XML, and as test files that end as the results did.
"""

import argparse
import json
import pathlib
import random
from datetime import datetime, timedelta, timezone
from xml.sax.saxutils import quoteattr

HARDWARE = ["cpu", "cuda", "rocm", "openvino", "mps"]
TASKS = ["fill-mask", "text-generation", "image-classification", "automatic-speech-recognition"]
MESSAGES = [
    "AttributeError: '{model}Config' object has no attribute 'router_{number}'",
    "AssertionError: Tensor-likes are not close! Mismatched elements: {number} / 4096",
    "RuntimeError: CUDA error: an illegal memory access at 0x7f{number:010x}",
    "OSError: [Errno 28] No space left on device: '/tmp/pytest-of-ci/pytest-{number}/model.bin'",
    "ValueError: expected 4 labels, got {number}",
    "TimeoutError: the tokenizer took {number} s",
]
MAP = pathlib.Path(__file__).parents[1] / "src/core/data/pipeline_map.json"
MODELS = list(json.loads(MAP.read_text()))
SLOTS = 16
START = datetime(2026, 11, 1, 2, 0, tzinfo=timezone.utc)


def outcome_of(random_: random.Random, model: int, hardware: str, batch: int) -> str:
    """Say how a test ends: some models are broken on one hardware type, others fail now and then."""
    dice = random_.random()
    if model % 61 == 7 and hardware == "rocm":
        return "failed"
    if hardware == "mps" and batch > 4:
        return "skipped"
    if dice < 0.004:
        return "crashed"
    if dice < 0.006:
        return "timed_out"
    if dice < 0.008:
        return "oom"
    if dice < 0.02:
        return "failed"
    if dice < 0.06:
        return "skipped"
    return "blocked" if dice < 0.062 else "passed"


def text_of(random_: random.Random, model: str, outcome: str) -> tuple[str, str]:
    if outcome == "passed":
        return "", ""
    if outcome == "skipped":
        return random_.choice(["the device has too little memory", "needs a tokenizer that is not installed"]), ""
    if outcome == "blocked":
        return "it needs 80 GB of memory (stated), and there is 64 GB", ""
    message = random_.choice(MESSAGES).format(model=model.title().replace('_', ''), number=random_.randrange(10_000))
    reason = f"test/test_hf_{model}.py:{random_.randrange(20, 300)}: {message}"
    log = "\n".join(f"    line {line} of what pytest says, {random_.random():.6f}" for line in range(40))
    return reason, f"{log}\nE   {message}"


def lines_of(run: str, night: int, models: int, batches: int) -> list[dict]:
    random_ = random.Random(night)
    batch_sizes = [1, 4, 8, 16, 32, 64, 128, 256, 512][:batches]
    machine = {"machine": "runner-7, Linux x86_64, AMD EPYC", "python": "3.12.4", "torch": "2.15.0"}
    started = START + timedelta(days=night)
    planned = models * len(HARDWARE)
    lines: list[dict] = [
        {"tgen-results": 1, "run": run, "started": started.isoformat(), **machine, "transformers": "5.24.0",
         "git_commit": "81d935b", "command": "cargo-tgen run", "planned": planned}
    ]
    free = [started] * SLOTS
    for number in range(models):
        name = MODELS[number % len(MODELS)].replace("-", "_").replace(".", "_")
        model = name if number < len(MODELS) else f"{name}_{number}"
        for hardware in HARDWARE:
            file = f"test/test_hf_{model}.py"
            slot = min(range(SLOTS), key=lambda slot: free[slot])
            begun = now = free[slot]
            worst = "passed"
            shared = {"run": run, "hardware": hardware, "model": model}
            for batch in batch_sizes:
                outcome = outcome_of(random_, number, hardware, batch)
                reason, log = text_of(random_, model, outcome)
                seconds = round(random_.lognormvariate(0, 0.6) * (1 + batch / 16), 4)
                line = {
                    **shared, "file": file, "nodeid": f"{file}::test_output[{hardware}-{batch}]", "attempt": 1,
                    "outcome": outcome, "reason": reason, "phases": {"call": outcome}, "unit": file,
                    "task": TASKS[number % len(TASKS)], "batch": batch, "duration": seconds,
                    "implementation": "MOCK" if number % 40 == 3 else "REAL", "started": now.isoformat(),
                    "memory_peak": int(8e8 * (1 + number % 7) + 1e7 * batch),
                }
                if log:
                    line["log"] = log[-4096:]
                lines.append(line)
                if outcome == "crashed" and random_.random() < 0.5:
                    lines.append({**line, "attempt": 2, "outcome": "passed", "reason": ""})
                elif outcome not in ("passed", "skipped"):
                    worst = outcome
                now += timedelta(seconds=seconds)
            free[slot] = now
            peak = int(8e8 * (1 + number % 7) + 1e7 * batch_sizes[-1])
            lines.append(
                {**shared, "tgen-unit": file, "outcome": worst, "started": begun.isoformat(), "memory_peak": peak,
                 "duration": (now - begun).total_seconds(), "memory_expected": int(peak * random_.uniform(0.7, 1.9))}
            )
    return lines


def write(path: pathlib.Path, lines: list[dict]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def tests_of(lines: list[dict]) -> list[dict]:
    return [line for line in lines if "nodeid" in line]


def write_junit(path: pathlib.Path, lines: list[dict]) -> None:
    cases = []
    for test in tests_of(lines):
        within = ""
        if test["outcome"] == "skipped":
            within = f"<skipped message={quoteattr(test['reason'])}/>"
        elif test["outcome"] != "passed":
            log = test.get("log", "").replace("&", "&amp;").replace("<", "&lt;")
            within = f"<failure message={quoteattr(test['reason'])}>{log}</failure>"
        name = f"classname={quoteattr(test['file'])} name={quoteattr(test['nodeid'])}"
        cases.append(f"<testcase {name} time=\"{test['duration']}\">{within}</testcase>")
    path.write_text(f"<testsuites><testsuite name='run' tests='{len(cases)}'>{''.join(cases)}</testsuite></testsuites>")


def write_tests(folder: pathlib.Path, lines: list[dict]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, list[str]] = {}
    for at, test in enumerate(tests_of(lines)):
        body = {"passed": "pass", "skipped": f"pytest.skip({test['reason']!r})"}.get(
            test["outcome"], f"raise ValueError({test['reason'] + test.get('log', '')!r})"
        )
        name = pathlib.Path(test["file"]).name
        files.setdefault(name, ["import pytest"]).append(f"def test_{at}():\n    {body}")
    for name, parts in files.items():
        (folder / name).write_text("\n\n".join(parts) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--models", type=int, default=605)
    parser.add_argument("--batches", type=int, default=4)
    parser.add_argument("--history", type=int, default=20)
    parser.add_argument("--junit", type=pathlib.Path)
    parser.add_argument("--pytest", type=pathlib.Path)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)

    def lines(night: int) -> list[dict]:
        return lines_of(f"night-{night:02}", night, options.models, options.batches)

    run = lines(options.history + 1)
    write(options.folder / "run.jsonl", run)
    write(options.folder / "before.jsonl", lines(options.history))
    earlier = [line for night in range(options.history) for line in lines(night)]
    write(options.folder / "history.jsonl", earlier)
    if options.junit:
        write_junit(options.junit, run)
    if options.pytest:
        write_tests(options.pytest, run)


main()
