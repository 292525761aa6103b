"""What a caller can name: every class that stands in a public signature, and every public method in the file of types."""

import ast
import functools
import importlib
import inspect
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rumbleup_async
import rumbleup_async.events
from rumbleup_async import RumbleUp, Run, Sendblue, Sending, people

ROOT = Path(__file__).parent.parent


def resources() -> list[type]:
    """The classes that a client hands out as its attributes."""
    clients = (RumbleUp("KEY:SECRET"), Sendblue("KEY", "SECRET"))
    found = [vars(client)[name] for client in clients for name in vars(client) if not name.startswith("_")]
    return list(dict.fromkeys(type(resource) for resource in found))


def methods(owner: type) -> dict[str, Any]:
    """The public methods of a class of ours with their functions, inherited ones of ours among them."""
    found: dict[str, Any] = {}
    for name in dir(owner):
        value = inspect.getattr_static(owner, name)
        function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        if not name.startswith("_") and inspect.isfunction(function) and function.__module__.startswith("rumbleup_async"):
            found[name] = function
    return found


@functools.cache
def for_checkers(module: str) -> dict[str, Any]:
    """What a module knows by its imports, those that only type checkers make among them."""
    names = dict(vars(importlib.import_module(module)))
    tree = ast.parse(Path(names["__file__"]).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            source = importlib.import_module(node.module)
            for alias in node.names:
                value = getattr(source, alias.name, None)
                if value is None and (value := for_checkers(node.module).get(alias.name)) is None:
                    continue
                names.setdefault(alias.asname or alias.name, value)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                names.setdefault(alias.asname or alias.name, importlib.import_module(alias.name))
    for node in [*tree.body, *(inner for block in tree.body if isinstance(block, ast.If) for inner in block.body)]:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp) and isinstance(node.targets[0], ast.Name):
            # A name for a type that only type checkers see.
            names.setdefault(node.targets[0].id, eval(ast.unparse(node.value), names))
    return names


def classes_in(annotation: Any) -> Iterator[type]:
    """The classes of ours that a reader of this annotation meets; names that only stand for others dissolve."""
    if typing.get_origin(annotation) is None and isinstance(annotation, type):
        if annotation.__module__.startswith("rumbleup_async"):
            yield annotation
        return
    origin = typing.get_origin(annotation)
    if origin is not None:
        yield from classes_in(origin)
    for argument in typing.get_args(annotation):
        for one in argument if isinstance(argument, list) else [argument]:
            yield from classes_in(one)


def signature_classes(function: Any) -> set[type]:
    hints = typing.get_type_hints(function, globalns=for_checkers(function.__module__))
    return {found for hint in hints.values() for found in classes_in(hint)}


_NOT_FOR_CALLERS = {
    *("sending", "reports", "tell_held", "for_engine", "care", "consent", "of_list", "given", "place"),
    *("dear", "judges_anew", "typed_rules", "watched_canary"),
}
"""What only our own rooms call, and a former name."""

_HANDED_IN = {"Ledger", "MemoryLedger", "RunBook", "SqliteLedger"}
"""Classes that a caller hands in, or is shown: the engine calls their methods."""


def test_what_stands_in_a_public_signature_can_be_imported() -> None:
    """A user could not write the type of what they hold: `def report(sending: Sending)`."""
    offered = [getattr(rumbleup_async, name) for name in rumbleup_async.__all__]
    # What happens in a run has a module of its own, which docs/embedding.md names; and so has the book of people.
    happening = list(vars(rumbleup_async.events).values())
    of_people = [getattr(people, name) for name in people.__all__]
    public = [value for value in (*offered, *happening, *of_people) if isinstance(value, type)]
    missing: dict[str, set[str]] = {}
    for owner in (*public, *resources()):
        for name, function in methods(owner).items():
            if name not in _NOT_FOR_CALLERS and owner.__name__ not in _HANDED_IN:
                for found in signature_classes(function) - {*public, *resources()}:
                    missing.setdefault(f"{found.__module__}.{found.__qualname__}", set()).add(f"{owner.__name__}.{name}")
    assert missing == {}


def test_one_class_is_called_contact() -> None:
    """`from rumbleup_async.rumbleup.models import Contact` would be something else than `from rumbleup_async import Contact`."""
    from rumbleup_async.rumbleup import models

    assert models.ContactRecord is rumbleup_async.ContactRecord
    with pytest.warns(DeprecationWarning, match="ContactRecord"):
        assert models.Contact is models.ContactRecord


def used_in_types_file() -> set[str]:
    tree = ast.parse((ROOT / "tests" / "typing" / "api.py").read_text(encoding="utf-8"))
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def test_the_file_of_types_has_every_public_method() -> None:
    """A signature could change, and nobody's type checker but the users' would notice."""
    used = used_in_types_file()
    owners = (RumbleUp, Sendblue, Run, Sending, rumbleup_async.Pages, rumbleup_async.Summary, rumbleup_async.Result, *resources())
    lacking = {owner.__name__: names for owner in owners if (names := sorted(set(methods(owner)) - used - _NOT_FOR_CALLERS))}
    assert lacking == {}


@pytest.mark.parametrize(
    "call", [RumbleUp.fast_mode, RumbleUp.concurrent_mode, RumbleUp.resume, Sendblue.fast_mode, Sendblue.resume]
)
def test_a_call_that_makes_a_run_describes_each_argument(call: Any) -> None:
    """An editor would show a name and leave its meaning to be guessed."""
    said = inspect.getdoc(call) or ""
    for name in inspect.signature(call).parameters:
        assert name == "self" or f"\n    {'**' if name == 'keywords' else ''}{name}: " in said, name
    assert "\nReturns:\n" in said
    assert "\nRaises:\n" in said
