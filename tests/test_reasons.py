"""Reasons and stops: codes decide, words are for people."""

import ast
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumbleup_async import reasons, stops
from rumbleup_async.messaging import State
from rumbleup_async.reasons import APART, FOUND, NO_REASON, SUPPRESSED, Code, Reason, duplicate
from rumbleup_async.stops import Cause, Stop

HOUSE = Path(reasons.__file__).parent
READERS = {HOUSE / "reasons.py", HOUSE / "stops.py"}
"""Files that read the words of older ledgers."""

WORDS = {"reason", "stopped", "stop_words"}
"""What the words of a reason or a stop are called wherever they are made."""
ASKING = {
    *("startswith", "endswith", "partition", "rpartition", "split", "find", "index", "count", "removeprefix", "removesuffix"),
    *("search", "match", "fullmatch", "findall", "finditer"),
}


def is_words(node: ast.AST) -> bool:
    """Whether an expression is the words of a reason or a stop, perhaps with something to fall back on."""
    if isinstance(node, ast.BoolOp):
        return any(is_words(value) for value in node.values)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "str":
        return any(isinstance(one, ast.Attribute) and one.attr in {"why", "stop"} for one in node.args)
    return isinstance(node, ast.Attribute) and node.attr in WORDS


def deciding(tree: ast.AST) -> Iterator[ast.AST]:
    """Expressions that make a decision of such words."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ASKING:
            if any(is_words(one) for one in (node.func.value, *node.args)):
                yield node
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            plain = [one for one in sides if not (isinstance(one, ast.Constant) and one.value is None)]
            if len(plain) == len(sides) and any(is_words(one) for one in sides):
                yield node


def test_no_words_decide() -> None:
    """An exit code would change with a comma in a sentence."""
    found = [
        f"{path.relative_to(HOUSE)}:{node.lineno}: {ast.unparse(node)}"
        for path in sorted(HOUSE.rglob("*.py"))
        if path not in READERS and "simulator" not in path.parts
        for node in deciding(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.expr)
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "answer.reason.startswith('duplicate of')",
        "(summary.stopped or '').partition(':')",
        "'absent' in result.reason",
        "summary.stopped == 'dry run'",
        "pattern.search(row.reason)",
        "str(result.why) == 'x'",
    ],
)
def test_such_a_decision_is_found(source: str) -> None:
    """The search would pass over the very thing it is there for."""
    assert list(deciding(ast.parse(source)))


@pytest.mark.parametrize("code", Code)
def test_the_table(code: Code) -> None:
    """A script would meet a code that no page explains, in a state that there is not."""
    assert code == code.value
    assert code.value == code.value.lower()
    assert set(code.states) <= {state.word for state in State}
    assert code is Code.NONE or (code.words and code.states and code.remedy)
    assert msgspec.json.decode(msgspec.json.encode(Reason(code, "x")), type=Reason) == Reason(code, "x")


@pytest.mark.parametrize("code", [code for code in Code if code.words not in {"", "{}"}])
def test_words_of_old_are_read_back(code: Code) -> None:
    """Whoever was absent from the log would not be looked for any more once the ledger is of the new kind."""
    for detail in ("2",) if "{}" in code.words else ("", f"{APART} of row 7", f"{APART}; line 3"):
        reason = Reason(code, detail)
        assert reasons.from_words(str(reason)) == reason


@given(st.text())
def test_no_word_is_lost(words: str) -> None:
    """A report would say something else than the provider did."""
    assert str(reasons.from_words(words.replace(APART, ""))) == words.replace(APART, "")


@given(st.text() | st.sampled_from([word for cause in stops.Cause for word in (cause, cause.words, f"{cause.words}: so it is")]))
def test_no_word_of_a_stop_is_lost(words: str) -> None:
    """A status would say something else than the run did."""
    words = words or "limit"
    stop = stops.from_words(words)
    assert str(stop) in {words, f"{words}: {stop.cause.remedy}"}


def test_what_differs_from_text_to_text_makes_no_reason_of_its_own() -> None:
    """The commonest cause would hide behind a million numbers."""
    assert duplicate(3).kind == duplicate(4).kind
    assert str(duplicate(3)) == "duplicate of row 3"
    assert str(duplicate(3).kind) == "duplicate"
    assert Reason(Code.NO_ANSWER).over(2).kind == Reason(Code.NO_ANSWER)
    assert str(Reason(Code.SERVER_ANSWERED, "502").over(2)) == "the server answered 502; line 2"


def test_the_line_is_known_again() -> None:
    """A line would send more than its day allows after a resume."""
    assert [reason.line for reason in (Reason(Code.LINE, "12"), Reason(Code.NO_ANSWER).over(2), NO_REASON, SUPPRESSED)] == [
        12,
        2,
        None,
        None,
    ]
    assert reasons.from_words("400 no; line 3").line == 3
    assert reasons.from_words("found in the log 3 times: the provider may have sent it more than once").code in FOUND


@pytest.mark.parametrize(
    ("stop", "words"),
    [
        (Stop(Cause.LIMIT, number=5), "limit: 5 at most, as asked for"),
        (Stop(Cause.THROTTLED, number=86_400), "throttled: the provider asks to wait 86400 seconds; resume after that"),
        (Stop(Cause.LEFT_OVER, why=SUPPRESSED, number=3), "left over: 3, mostly suppressed"),
        (Stop(Cause.LEFT_OVER, number=2), "left over: 2, mostly not reached"),
        (
            Stop(Cause.ERROR_THRESHOLD, "draws", Reason(Code.NO_ANSWER), 5),
            "error threshold: 5 draws in a row failed, the last with: no answer in time; see to the cause, then resume",
        ),
        (Stop(Cause.INTERRUPTED), "interrupted"),
        (Stop(Cause.ASKED), "stopped"),
        (Stop(Cause.ASKED, "lunch"), "lunch"),
        (stops.stop_of("lunch"), "lunch"),
        (Stop("enough", "for today"), "enough: for today"),  # type: ignore[arg-type]
        (Stop("dry run"), "dry run"),  # type: ignore[arg-type]
    ],
)
def test_the_words_of_a_stop(stop: Stop, words: str) -> None:
    """Nobody would know what to do about a run that stopped."""
    assert isinstance(stop.cause, Cause)
    assert str(stop) == words
    assert msgspec.json.decode(msgspec.json.encode(stop), type=Stop) == stop
