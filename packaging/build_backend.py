"""The build backend of the Python package: maturin, with DuckDB's library put where the wheel takes it from."""

from __future__ import annotations

import pathlib
import subprocess

import maturin
from maturin import (  # noqa: F401  (the hooks that need nothing more)
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
)

ROOT = pathlib.Path(__file__).resolve().parent.parent


def put_library() -> None:
    """Asks the project's own chore, which downloads the library once and knows its hash."""
    chore = ["cargo", "run", "--quiet", "--locked", "--package", "xtask", "--", "libduckdb", "--into-wheel"]
    subprocess.run(chore, cwd=ROOT, check=True)


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    put_library()
    return maturin.prepare_metadata_for_build_wheel(metadata_directory, config_settings)


prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    put_library()
    return maturin.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    put_library()
    return maturin.build_editable(wheel_directory, config_settings, metadata_directory)
