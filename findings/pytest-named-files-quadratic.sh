#!/bin/sh
# pytest 9.2.0: collecting N files that are named one by one takes time in proportion to N squared; naming their folder takes
# time in proportion to N.
#
# One would expect the opposite: with the files named there is nothing to search. For every argument, pytest collects the
# folder again and makes a collector for each file in it, of which it keeps one (a profile of 250 of 500 files: 125,000
# calls of `pytest_collect_file`). With 2,000 files of one line in one folder, `pytest --collect-only .` took 1.4 s and
# `pytest --collect-only test_*.py` 213 s. A runner or a hook that passes many files should pass folders and select
# afterwards, or split the files over folders.
#
# Seen with pytest 9.2.0 on Python 3.11.7 (CPU time):
#   files   folder    each named
#   250     0.3 s     2.8 s
#   500     0.4 s     11.7 s
#   1000    0.8 s     46.8 s
#
# Needs python3 with venv, and PyPI. Ends with an error if the behaviour changes.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install "pytest==9.2.0"

cat > measure.py <<'PYTHON'
"""Compares the CPU time of collecting files by their folder and by their names."""
import os
import pathlib
import resource
import subprocess
import sys


def collect(folder: pathlib.Path, names: list[str]) -> float:
    """The seconds of CPU time that pytest takes to collect."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *names]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "PYTEST_ADDOPTS": ""})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


seconds = {}
for count in (250, 500):
    folder = pathlib.Path(f"tests_{count}")
    folder.mkdir()
    names = [f"test_{number}.py" for number in range(count)]
    for name in names:
        (folder / name).write_text("def test_one():\n    pass\n")
    seconds[count] = collect(folder, ["."]), collect(folder, names)
    print(f"{count} files: folder {seconds[count][0]:.1f} s, each named {seconds[count][1]:.1f} s")
of_folder, of_names = (seconds[500][way] / seconds[250][way] for way in (0, 1))
print(f"twice the files: folder {of_folder:.1f} times as long, each named {of_names:.1f} times")
if of_names < 3 or seconds[500][1] < 5 * seconds[500][0]:
    sys.exit("changed: naming the files no longer costs more than their folder")
PYTHON
venv/bin/python measure.py
