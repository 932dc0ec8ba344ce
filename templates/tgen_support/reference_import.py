"""Importing a project's own file as Python would: under the name of its package.

An import that fails leaves nothing of the project behind, and fails the same way each
time. Otherwise a test would depend on which ones ran before it.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

_failures: dict[Path, Exception] = {}


class ModulePlace(NamedTuple):
    """A module's full name, and the folder that Python finds its first part in."""

    name: str
    folder: Path

    @property
    def top(self) -> Path:
        """The outermost package, or the folder of a file that is in none."""
        first, dot, _ = self.name.partition(".")
        return self.folder / first if dot else self.folder


def place_of(file: Path, root: Path) -> ModulePlace:
    """Tell the name that a file below `root` is imported by.

    A file in a package has the name that the topmost `__init__.py` gives it. Elsewhere
    the folders below `root` count, but for those whose names are taken: `test` is a
    package of Python's own.
    """
    folder, parts = file.parent, [file.stem]
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    if len(parts) > 1:
        return ModulePlace(".".join(parts), folder)
    folders = file.parent.relative_to(root).parts
    for index, first in enumerate(folders):
        folder = root.joinpath(*folders[:index])
        is_name = all(part.isidentifier() for part in folders[index:])
        if is_name and not _is_taken(first, folder):
            return ModulePlace(".".join([*folders[index:], file.stem]), folder)
    return ModulePlace(file.stem, file.parent)


def _is_taken(name: str, folder: Path) -> bool:
    """Tell whether another module than the folder's own goes by a name."""
    spec = importlib.util.find_spec(name)
    if spec is None:
        return False
    locations = map(Path, spec.submodule_search_locations or ())
    return folder / name not in locations


def import_file(file: Path, root: Path) -> ModuleType:
    """Import a file, or fail as it failed the first time."""
    if file in _failures:
        raise _failures[file].with_traceback(None)
    place, before = place_of(file, root), set(sys.modules)
    try:
        with _first_on_path(place.folder):
            module = importlib.import_module(place.name)
    except Exception as error:
        _forget(place, keep=before)
        _failures[file] = error
        raise
    source = Path(module.__file__ or "")
    if not source.is_file() or not source.samefile(file):
        raise ImportError(f"`{place.name}` is {source}, so {file} cannot be imported")
    return module


@contextlib.contextmanager
def _first_on_path(folder: Path) -> Iterator[None]:
    """Let the project's own modules be found first, and afterwards last."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        if str(folder) not in sys.path:
            sys.path.append(str(folder))


@contextlib.contextmanager
def hidden(file: Path, root: Path, *modules: str) -> Iterator[None]:
    """Hide modules from a file, which is imported anew meanwhile."""
    place = place_of(file, root)
    loaded = {name: sys.modules[name] for name in _modules_below(place.top)}
    shown = {name: sys.modules[name] for name in modules if name in sys.modules}
    failures = dict(_failures)
    _forget(place, keep=set())
    _failures.clear()
    sys.modules.update(dict.fromkeys(modules))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in modules:
            del sys.modules[name]
        _forget(place, keep=set())
        sys.modules.update({**shown, **loaded})
        _failures.clear()
        _failures.update(failures)


def _forget(place: ModulePlace, keep: set[str]) -> None:
    for name in _modules_below(place.top):
        if name not in keep:
            del sys.modules[name]


def _modules_below(folder: Path) -> list[str]:
    """List the imported modules whose files are in a folder, but for this package."""
    return [
        name
        for name, module in sys.modules.items()
        if name.partition(".")[0] != __package__
        and any(folder in file.parents for file in _files_of(module))
    ]


def _files_of(module: ModuleType) -> Iterator[Path]:
    file = getattr(module, "__file__", None)
    if file is not None:
        yield Path(file)
    # A package without an `__init__.py` has folders only.
    elif isinstance(module, ModuleType):
        yield from (Path(folder) / "_" for folder in getattr(module, "__path__", ()))
