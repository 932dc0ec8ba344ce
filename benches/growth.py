#!/usr/bin/env python3
"""Whether commands take time in proportion to their input: whole processes on an input, and on half of it.

    cargo build --release
    python3 benches/growth.py --tgen target/release/cargo-tgen --rounds 9

Both sizes are timed in turn, page cache warm; printed are medians of whole-process wall and CPU time, and how many times
as long the whole input takes as half of it. It measures, it does not judge.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

SUITE = '[[suite]]\nname = "s"\ntemplate = "t.py.tera"\nmodels = ["bert"]\noutput = "out/test_{{ normalized_name }}.py"\n'


def template(text: str) -> dict[str, str]:
    return {"templates/t.py.tera": text}


def chain(length: int) -> dict[str, str]:
    files = {f"templates/c{at}.tera": "{%% extends 'c%d.tera' %%}" % (at + 1) for at in range(length)}
    return {"templates/t.py.tera": "{% extends 'c0.tera' %}", f"templates/c{length}.tera": "x = 1\n", **files}


def nested(depth: int) -> dict[str, str]:
    return template("{% if model_name %}" * depth + "{% endif %}" * depth)


def open_ifs(count: int) -> dict[str, str]:
    return template("{% if model_name %}" * count)


def tasks(count: int) -> dict[str, str]:
    return {"map.json": json.dumps({"bert": [f"task-{at}" for at in range(count)]})}


def batch_sizes(count: int) -> dict[str, str]:
    return {"tgen.toml": SUITE + f"batch-sizes = {list(range(1, count + 1))}\n"}


def names(count: int) -> dict[str, str]:
    return {"map.json": json.dumps({"bert": ["fill-mask"], **{f"m{at}": ["fill-mask"] for at in range(count)}})}


def problems(count: int) -> dict[str, str]:
    return {"tgen.toml": SUITE.replace('["bert"]', json.dumps([f"unknown-{at}" for at in range(count)]))}


# What it is, its size, its files, the command, and the exit status it ends with.
INPUTS = [
    ("`{{ nope }}`", 100_000, lambda n: template("{{ nope }}" * n), ["lint"], 1),
    ("templates that extend each other", 2_000, chain, ["lint"], 1),
    ("nested ifs", 8_000, nested, ["lint"], 1),
    ("open ifs", 8_000, open_ifs, ["lint"], 1),
    ("times `${`", 1_000_000, lambda n: template("${" * n), ["lint"], 1),
    ("`{{ model_name }}`", 100_000, lambda n: template("{{ model_name }}" * n), ["lint"], 0),
    ("tasks of a model", 300_000, tasks, ["generate"], 0),
    ("batch sizes", 200_000, batch_sizes, ["generate"], 0),
    ("model types in a map", 200_000, names, ["generate"], 0),
    ("problems", 300_000, problems, ["generate"], 0),
]


def make_project(root: pathlib.Path, files: dict[str, str]) -> None:
    project = {
        "tgen.toml": SUITE,
        "map.json": '{"bert": ["fill-mask"]}',
        "templates/t.py.tera": "x = {{ model_name | py_str }}\n",
        **files,
    }
    project["tgen.toml"] = 'templates = "templates"\npipeline-map = "map.json"\n' + project["tgen.toml"]
    for name, text in project.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def run(tgen: pathlib.Path, command: list[str], root: pathlib.Path) -> tuple[float, float, int]:
    """Wall and CPU seconds of a command, and its exit status."""
    start = time.perf_counter()
    child = subprocess.Popen([tgen, "tgen", *command], cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, child.returncode


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tgen", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default="", help="inputs whose name holds this")
    arguments = parser.parse_args()
    tgen = arguments.tgen.resolve()
    print(f"{'':45} {'half':>16} {'whole':>16} {'times as long':>16}")
    print(f"{'':45} {'wall':>8}{'CPU':>8} {'wall':>8}{'CPU':>8} {'wall':>8}{'CPU':>8}")
    for name, size, files, command, expected in INPUTS:
        if arguments.only not in name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            roots = [pathlib.Path(folder, part) for part in ("half", "whole")]
            for root, count in zip(roots, (size // 2, size)):
                make_project(root, files(count))
            times: list[list[tuple[float, float]]] = [[], []]
            for _ in range(arguments.rounds + 1):
                for measured, root in zip(times, roots):
                    wall, cpu, status = run(tgen, command, root)
                    if status != expected:
                        raise SystemExit(f"{name}: `{' '.join(command)}` ended with {status} instead of {expected}")
                    measured.append((wall, cpu))
        (half, half_cpu), (whole, whole_cpu) = (
            [statistics.median(column) for column in zip(*measured[1:])] for measured in times
        )
        print(
            f"{f'{size:,} {name}':45} {half:8.3f}{half_cpu:8.3f} {whole:8.3f}{whole_cpu:8.3f} "
            f"{whole / half:8.2f}{whole_cpu / half_cpu:8.2f}"
        )


main()
