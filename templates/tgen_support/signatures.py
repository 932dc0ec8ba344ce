"""The methods of a class as they are written, read without importing anything."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef


class NoSuchClass(LookupError):
    """The file has no class of the name asked for."""


def methods_of(file: Path, class_name: str) -> dict[str, Function]:
    """Read the methods of a class, and of its bases, by every name they go by."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    classes = {n.name: n for n in _statements(tree) if isinstance(n, ast.ClassDef)}
    if class_name not in classes:
        raise NoSuchClass(class_name)
    return _methods(classes.pop(class_name), classes)


def parameters_of(function: Function) -> str:
    """Write the parameters of a method without `self`, as Python writes them."""
    arguments = _arguments(ast.unparse(function.args))
    is_static = "staticmethod" in map(ast.unparse, function.decorator_list)
    named = arguments.posonlyargs or arguments.args
    if named and not is_static:
        del named[0]
    return ast.unparse(arguments)


def normalized(parameters: Iterable[str]) -> str:
    """Write parameters the same way, whatever their spaces and quotes."""
    return ast.unparse(_arguments(", ".join(parameters)))


def platform_of(method: str) -> str:
    """Tell the platform from a method's name, where `apple` stands for `mps`."""
    word = method.split("_")[1]
    return {"apple": "mps"}.get(word, word)


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        if not isinstance(child, Function | ast.ClassDef | ast.expr):
            yield from _statements(child)


def _methods(
    node: ast.ClassDef, classes: dict[str, ast.ClassDef]
) -> dict[str, Function]:
    methods: dict[str, Function] = {}
    for base in map(ast.unparse, node.bases):
        if base in classes:
            others = {name: n for name, n in classes.items() if name != base}
            methods.update(_methods(classes[base], others))
    body = list(_statements(node))
    methods.update({n.name: n for n in body if isinstance(n, Function)})
    _add_aliases(methods, body, "")
    constructor = methods.get("__init__")
    if constructor is not None:
        _add_aliases(methods, _statements(constructor), "self.")
    return methods


def _add_aliases(
    methods: dict[str, Function], statements: Iterable[ast.stmt], prefix: str
) -> None:
    """Add the methods that get a second name by `init_cuda = init_cpu`."""
    for statement in statements:
        if not isinstance(statement, ast.Assign):
            continue
        source = ast.unparse(statement.value).removeprefix(prefix)
        for target in map(ast.unparse, statement.targets):
            if source in methods and target.startswith(prefix):
                methods[target.removeprefix(prefix)] = methods[source]


def _arguments(source: str) -> ast.arguments:
    function = ast.parse(f"def _({source}): ...").body[0]
    assert isinstance(function, ast.FunctionDef)
    return function.args
