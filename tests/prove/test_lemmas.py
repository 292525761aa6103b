"""Each rule of the checkers names the lemma of docs/promise.md for which it stands, and no lemma is without one."""

import inspect
import re
from collections.abc import Iterator

import pytest

from tests import history
from tests.history import Kept, check_promise
from tests.prove.provider import Provider
from tests.prove.record import ROOT

PLANNED = {"2025550101": "Hi Ada", "2025550102": "Hi Bob"}


def rules() -> Iterator[str]:
    """What each rule says of itself."""
    for module in (history, Provider):
        for _, function in inspect.getmembers(module, inspect.isfunction):
            if re.match(r"Lemma", function.__doc__ or ""):
                yield str(function.__doc__)


def test_every_lemma_has_a_rule_that_watches_it() -> None:
    """A lemma could be broken in every world, and nobody would look."""
    named = {int(number) for words in rules() for number in re.findall(r"\d", words.partition(":")[0])}
    page = (ROOT / "docs" / "promise.md").read_text(encoding="utf-8")
    assert named == {int(number) for number in re.findall(r"^## (\d)\. ", page, re.MULTILINE)}


class Text:
    def __init__(self, phone: str, text: str = "", logid: str = "l1", action: str = "125", tag: str = "run-x") -> None:
        self.phone, self.text, self.logid, self.action, self.flags = phone, text or PLANNED.get(phone, "Hi"), logid, action, [tag]


ADA, BOB = Kept(1, "2025550101", "sent", "l1", "Hi Ada"), Kept(2, "2025550102", "refused", "", "Hi Bob")


@pytest.mark.parametrize(
    ("words", "kept", "truth", "said_no"),
    [
        ("", [ADA, BOB], [Text(ADA.phone)], [BOB.phone]),
        ("TEXTED TWICE", [ADA, BOB], [Text(ADA.phone), Text(ADA.phone, logid="l2")], [BOB.phone]),
        ("in the books", [ADA], [Text(ADA.phone)], []),
        ("rows twice", [ADA, BOB._replace(row=1)], [Text(ADA.phone)], [BOB.phone]),
        ("in no final state", [ADA, BOB._replace(state="intent")], [Text(ADA.phone)], []),
        ("phones in two rows", [ADA, BOB._replace(phone=ADA.phone)], [Text(ADA.phone)], [ADA.phone]),
        ("not to be texted", [ADA, BOB], [Text(ADA.phone), Text("2025550103")], [BOB.phone]),
        ("the provider never saw", [ADA, BOB], [], [BOB.phone]),
        ("another logid", [ADA, BOB], [Text(ADA.phone, logid="l9")], [BOB.phone]),
        ("but the books say refused", [ADA, BOB], [Text(ADA.phone), Text(BOB.phone)], [BOB.phone]),
        ("another text", [ADA, BOB], [Text(ADA.phone, "Ho Ada")], [BOB.phone]),
        ("by project", [ADA, BOB], [Text(ADA.phone, action="9")], [BOB.phone]),
        ("lacks the tag", [ADA, BOB], [Text(ADA.phone, tag="run-y")], [BOB.phone]),
        ("never said no", [ADA, BOB], [Text(ADA.phone)], []),
        ("wrongly skipped", [ADA, BOB._replace(state="skipped")], [Text(ADA.phone)], []),
        ("unknown, at most 0", [ADA._replace(state="unknown"), BOB], [Text(ADA.phone)], [BOB.phone]),
    ],
)
def test_each_rule_finds_what_it_is_for(words: str, kept: list[Kept], truth: list[Text], said_no: list[str]) -> None:
    """A rule that never fails would let that very thing pass in millions of worlds."""

    def check() -> None:
        check_promise(
            rows=2, kept=kept, truth=truth, action="125", tag="run-x", allowed=0, planned=PLANNED, said_no=frozenset(said_no)
        )

    if not words:
        check()
        return
    with pytest.raises(AssertionError, match=words):
        check()
