"""Takes the fingerprints of all model types with the installed release of transformers.

    python tests/with_torch/record_fingerprints.py TESTS FILE [TAKEN]

TESTS is a folder of tests that were rendered with the map of that release: they say
which types and classes there are. FILE is the reviewed file, which gets what is new; all
that the release changes is printed. TAKEN keeps the fingerprints, a line of JSON each; if
it exists already, no model runs again. `cargo xtask fingerprints` runs this.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import warnings
from pathlib import Path
from typing import Any

HEAD = """\
# What models give whose weights are drawn by name: by class, and by the release of
# transformers from which it holds. `releases` are those that were looked at, some of them
# for a few classes only.
# Written by `cargo xtask fingerprints`; a person looks at what it changes.
"""


def main() -> int:
    """Take all fingerprints, and merge them into the file."""
    tests, file = map(Path, sys.argv[1:3])
    taken = Path(sys.argv[3]) if len(sys.argv) > 3 else tests / "fingerprints.jsonl"
    sys.path.insert(0, str(tests))
    import transformers
    from tgen_support.facts import TOML

    if not taken.exists():
        take_all(tests, taken)
    known = TOML.loads(file.read_text(encoding="utf-8"))
    lines = map(json.loads, taken.read_text(encoding="utf-8").splitlines())
    prints = {name: found for line in lines for name, found in line.items()}
    errors = prints.pop("error", {})
    for said in merge(known, transformers.__version__, prints):
        print(said)
    file.write_text(written(known), encoding="utf-8")
    for name, error in sorted(errors.items()):
        print(f"no fingerprint of {name}: {error}")
    return 0


def take_all(tests: Path, taken: Path) -> None:
    """Write a line for each type, or what it raises."""
    import torch
    import transformers
    from tgen_support.fingerprints import fingerprint, name_of
    from tgen_support.tiny import TinyModel

    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    partial = taken.with_suffix(".partial")
    errors = {}
    with partial.open("w", encoding="utf-8") as lines:
        for model_type, auto_class in cases(tests):
            try:
                tiny = TinyModel(model_type, auto_class, torch, transformers)
                line = {name_of(tiny.model): fingerprint(tiny)}
                lines.write(json.dumps(line) + "\n")
                lines.flush()
            except Exception as error:
                errors[model_type] = f"{type(error).__name__}: {error}"
        lines.write(json.dumps({"error": errors}) + "\n")
    partial.rename(taken)


def cases(tests: Path) -> list[tuple[str, str]]:
    """Read the model type and the class of the primary task of each rendered test."""
    found = []
    for file in sorted(tests.glob("test_hf_*.py")):
        text = file.read_text(encoding="utf-8")
        tasks = re.search(r"^TASKS = (\{.*?^\})", text, re.MULTILINE | re.DOTALL)
        kind = re.search(r"^    model_type = (.*)$", text, re.MULTILINE)
        if tasks and kind:
            auto_classes = list(ast.literal_eval(tasks.group(1)).values())
            found.append((ast.literal_eval(kind.group(1)), auto_classes[0]))
    return found


def merge(known: dict[str, Any], release: str, prints: dict[str, Any]) -> list[str]:
    """Add a release's fingerprints to the known ones, and return a line for each change."""
    from tgen_support.facts import order
    from tgen_support.fingerprints import differences

    known["releases"] = sorted({*known.get("releases", []), release}, key=order)
    said = []
    for name, actual in prints.items():
        records = known.setdefault(name, {})
        records.pop(release, None)
        earlier = [r for r in records if order(r) < order(release)]
        later = [r for r in records if order(r) > order(release)]
        before = max(earlier, key=order, default=None)
        after = min(later, key=order, default=None)
        changes = differences(actual, records[before]) if before else ["new"]
        if not changes:
            continue
        if after and not differences(actual, records[after]):
            del records[after]
        records[release] = actual
        if before:
            said.append(f"{name}, {before} -> {release}: {'; '.join(changes)}")
    return said


def written(known: dict[str, Any]) -> str:
    """Write the file: a table for each class, a line for each record."""
    releases = ", ".join(json.dumps(release) for release in known["releases"])
    lines = [HEAD, f"releases = [{releases}]\n"]
    for name, records in sorted(known.items()):
        if name != "releases":
            lines += [
                f"\n[{name}]\n",
                *map(_line, *zip(*sorted_records(records), strict=True)),
            ]
    return "".join(lines)


def sorted_records(records: dict[str, Any]) -> list[tuple[str, Any]]:
    """Put the records of a class in the order of their releases."""
    from tgen_support.facts import order

    return sorted(records.items(), key=lambda record: order(record[0]))


def _line(release: str, record: dict[str, Any]) -> str:
    return f"{json.dumps(release)} = {_toml(record)}\n"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        pairs = ", ".join(f"{name} = {_toml(inner)}" for name, inner in value.items())
        return "{ " + pairs + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value)


if __name__ == "__main__":
    raise SystemExit(main())
