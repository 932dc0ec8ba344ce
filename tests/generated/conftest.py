"""Folders of tests as cargo-tgen renders them, and pytest run on them from outside."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

TEMPLATES = Path(__file__).parents[2] / "templates"
sys.path.insert(0, str(TEMPLATES))


class Run(NamedTuple):
    """How a run of pytest ended."""

    status: int
    output: str

    @property
    def last_line(self) -> str:
        """Pytest's own count, without the time."""
        return self.output.rstrip().splitlines()[-1].strip("= ").partition(" in ")[0]


class Project:
    """A folder with tests that stand beside the built-in support package."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, text: str = "") -> Path:
        """Write a file, and the folders that it stands in."""
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def add_tests(self, folder: str, **files: str) -> None:
        """Put test files and the support package into a folder, as `generate` does."""
        without_cache = shutil.ignore_patterns("__pycache__")
        support = self.root / folder / "tgen_support"
        shutil.copytree(TEMPLATES / "tgen_support", support, ignore=without_cache)
        shutil.copy(TEMPLATES / "conftest.py", self.root / folder)
        for name, text in files.items():
            self.write(f"{folder}/{name}.py", f"import tgen_support as tgen\n{text}")

    def pytest(
        self,
        *arguments: str | Path,
        cwd: Path | None = None,
        environment: dict[str, str] | None = None,
        command: Sequence[str | Path] = ("-m", "pytest"),
    ) -> Run:
        """Run pytest as a user does, with no plugin but the ones that are named."""
        plugins = ("no:cacheprovider", "no:randomly")
        options = [option for plugin in plugins for option in ("-p", plugin)]
        done = subprocess.run(
            [sys.executable, *command, *arguments, *options],
            cwd=cwd or self.root,
            env={**os.environ, "PYTHONPATH": "", **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        return Run(done.returncode, done.stdout + done.stderr)

    def results(self, name: str) -> list[dict[str, Any]]:
        """Read a file of results."""
        text = (self.root / name).read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Give an empty project."""
    return Project(tmp_path)
