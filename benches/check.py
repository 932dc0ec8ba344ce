#!/usr/bin/env python3
"""`cargo tgen check` beside what people would use instead, on one workload, in interleaved rounds.

    python3 -m pip install jinja2
    cargo build --release --no-default-features
    python3 benches/check.py --tgen target/release/cargo-tgen --outputs 10000 --rounds 5

A project in a temporary folder: one template of 650 lines, synthetic models on six hardware types with six batch sizes.
Rows are timed in turn, page cache warm; printed are medians of whole-process wall and CPU time. It measures, it does
not judge.
"""

import argparse
import itertools
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

# What git would tidy up in the background would take a core from whatever is timed.
QUIETLY = "-c user.name=b -c user.email=b@b -c gc.auto=0 -c maintenance.auto=false"
HARDWARE = ["cpu", "cuda", "rocm", "openvino", "mps", "qualcomm"]
BATCH_SIZES = [1, 2, 4, 8, 16, 32]
HEAD = """MODEL = "{{ model_name }}"
CLASS = "{{ class_name }}"
FAMILY = "{{ model_family }}"
HARDWARE = "{{ hardware_type }}"
BATCH = {{ batch_size }}
"""
STEP = '''

def test_{{ normalized_name }}_step_%03d(tmp_path):
    """Step %d of {{ model_name }} on {{ hardware_type }}."""
    data = {"model": MODEL, "batch": BATCH, "step": %d}
    out = tmp_path / "step.json"
    out.write_text(repr(data))
    assert eval(out.read_text())["step"] == %d
'''
JINJA = """
import itertools, pathlib, sys, jinja2
root = pathlib.Path(sys.argv[1])
template = jinja2.Environment(keep_trailing_newline=True).from_string((root / "templates/bench.py.tera").read_text())
differ = 0
for model, hardware, batch in itertools.product((root / "models.txt").read_text().split(), %r, %r):
    name = model.replace("-", "_")
    text = template.render(model_name=model, class_name="hf_" + name, normalized_name=name, model_family="text_embedding",
                           hardware_type=hardware, batch_size=batch)
    have = (root / f"out/{name}/test_{name}_{hardware}_b{batch}.py").read_text()
    differ += text != have.split("\\n", 1)[1]
print(differ)
""" % (HARDWARE, BATCH_SIZES)


def make_project(root: pathlib.Path, outputs: int) -> None:
    models = [f"bert-synthetic-{i:05d}" for i in range(-(-outputs // (len(HARDWARE) * len(BATCH_SIZES))))]
    (root / "templates").mkdir()
    (root / "templates/bench.py.tera").write_text(HEAD + "".join(STEP % (i, i, i, i) for i in range(92)))
    (root / "models.txt").write_text("\n".join(models))
    (root / "jinja_check.py").write_text(JINJA)
    quoted = lambda names: ", ".join(f'"{name}"' for name in names)  # noqa: E731
    (root / "tgen.toml").write_text(
        'templates = "templates"\n\n[[suite]]\nname = "bench"\ntemplate = "bench.py.tera"\n'
        f"models = [{quoted(models)}]\nhardware = [{quoted(HARDWARE)}]\nbatch-sizes = {BATCH_SIZES}\n"
        'output = "out/{{ normalized_name }}/test_{{ normalized_name }}_{{ hardware_type }}_b{{ batch_size }}.py"\n'
    )


def timed(command: list[str] | str, folder: pathlib.Path) -> tuple[float, float]:
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=folder, shell=isinstance(command, str), env=environment, check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--tgen", required=True)
    arguments.add_argument("--outputs", type=int, default=10_000)
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    tgen = str(pathlib.Path(given.tgen).resolve())
    with tempfile.TemporaryDirectory(prefix="tgen-bench-") as folder:
        root = pathlib.Path(folder)
        make_project(root, given.outputs)
        print("generate, all missing: wall %.2f s, cpu %.2f s" % timed([tgen, "generate"], root))
        shutil.copytree(root / "out", root / "copy")
        subprocess.run(f"git init -q && git add out && git {QUIETLY} commit -qm b", cwd=root, shell=True,
                       check=True)
        time.sleep(3)  # Until then the check cache rightly trusts no time stamp.
        rows = {
            "cargo tgen check, nothing changed": [tgen, "check"],
            "cargo tgen check --no-cache": [tgen, "check", "--no-cache"],
            "cargo tgen generate, nothing to do": [tgen, "generate"],
            "jinja2: render and compare": [sys.executable, "jinja_check.py", str(root)],
            "diff -rq of two such trees": ["diff", "-rq", "out", "copy"],
            "git status": ["git", "status", "--short", "out"],
        }
        seen: dict[str, list[tuple[float, float]]] = {name: [] for name in rows}
        for round_, (name, command) in itertools.product(range(given.rounds + 1), rows.items()):
            figures = timed(command, root)
            if round_:
                seen[name].append(figures)
        base = statistics.median(cpu for _, cpu in seen["diff -rq of two such trees"])
        for name, figures in seen.items():
            wall, cpu = (statistics.median(column) for column in zip(*figures, strict=True))
            print(f"{name:36s} wall {wall:7.3f} s   cpu {cpu:7.3f} s   cpu beside diff -rq {cpu / base:5.2f}x")


main()
