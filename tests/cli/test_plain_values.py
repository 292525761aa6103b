"""Values of options that are read without typer's validators: as typer reads them, or not at all."""

from pathlib import Path
from typing import Any

import pytest
import typer
import typer.main

from rumbleup_async.cli import plain_values
from rumbleup_async.cli.app import app

_WORDS = ("1", "0", "250", "007", "-1", "1.5", "1e3", "1_000", " 7 ", "٣", "nan", "", "yes", "auto", "json", "10m", "5%", "a,b")
_READ_HERE = {"0", "1", "250", "1.5", "yes", "auto", "json", "10m", "5%", "a,b"}


def _typers(parameter: Any, context: Any, value: Any) -> Any:
    """What typer itself makes of it; the class of the error if it refuses it."""
    try:
        return type(parameter).process_value(parameter, context, value)
    except typer.BadParameter:
        return typer.BadParameter


def test_plain_values_are_what_typer_makes_of_them(tmp_path: Path) -> None:
    """`--limit 1_000` would mean one thing in one command and another in the next, or a rate of -1 be taken."""
    send: Any = typer.main.get_command(app)
    send = send.commands["send"]
    context = send.make_context("send", [str(tmp_path / "list.csv")])
    read = set()
    for parameter in send.params:
        several = parameter.multiple
        for word in (*_WORDS, str(tmp_path), str(Path(__file__))):
            given = (word, word) if several else word
            try:
                plain = plain_values.read(parameter, given)
            except typer.BadParameter:
                plain = typer.BadParameter
            if plain is plain_values.UNREAD:
                continue
            if parameter.callback is None:
                theirs = _typers(parameter, context, given)
                assert (plain, type(plain)) == (theirs, type(theirs)), (parameter.opts, word)
            read.add(word)
    assert read >= _READ_HERE


@pytest.mark.parametrize("words", [["--limit", "0"], ["--limit", "x"], ["--rate", "-1"]])
def test_what_is_wrong_is_refused_by_typer(words: list[str]) -> None:
    """A limit of nobody, or a rate of less than nothing, would begin a run."""
    send: Any = typer.main.get_command(app)
    with pytest.raises(typer.BadParameter) as caught:
        send.commands["send"].make_context("send", ["list.csv", *words])
    assert caught.value.param is not None
    assert words[0] in caught.value.param.opts
