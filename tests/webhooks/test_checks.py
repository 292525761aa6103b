"""Who may post."""

import ast
import base64
import inspect
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.webhooks import checks


def basic(user: str, password: str, encoding: str = "utf-8") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode(encoding)).decode()}


def test_basic() -> None:
    """A stranger could report opt-outs that nobody sent, or the provider could not come in."""
    check = checks.basic(("user", "pass"), ("user", "new:pass"))
    assert check(basic("user", "pass"), {})
    assert check(basic("user", "new:pass"), {})
    assert check({"authorization": "bAsIc " + basic("user", "pass")["Authorization"][6:]}, {})
    for wrong in (
        {},
        basic("user", "pas"),
        basic("user", "passs"),
        basic("", "pass"),
        {"Authorization": ""},
        {"Authorization": "Basic"},
        {"Authorization": "Basic !"},
        {"Authorization": basic("user", "pass")["Authorization"][6:]},
        {"Authorization": "Bearer " + basic("user", "pass")["Authorization"][6:]},
    ):
        assert not check(wrong, {})


def test_basic_in_either_alphabet() -> None:
    """A password with an umlaut would keep the provider out, depending on how it writes it."""
    check = checks.basic(("user", "größe"))
    assert check(basic("user", "größe"), {})
    assert check(basic("user", "größe", "latin-1"), {})
    assert checks.basic(("user", "пароль"))(basic("user", "пароль"), {})


def test_bearer() -> None:
    """A user name without a password, which the provider sends as a Bearer token, would not be understood."""
    check = checks.bearer("token", "old")
    assert check({"Authorization": "Bearer token"}, {})
    assert check({"Authorization": "bearer old"}, {})
    assert not check({"Authorization": "Bearer tokens"}, {})
    assert not check({"Authorization": "Bearer "}, {})
    assert not check({"Authorization": "token"}, {})


def test_the_ways_of_another_provider() -> None:
    """The receiver would have to be changed for a provider with a secret in a header of its own, or in the address."""
    check = checks.any_of(checks.header("sb-signing-secret", "s1", "s2"), checks.query("key", "in-the-url"))
    assert check({"sb-signing-secret": "s2"}, {})
    assert check({"SB-Signing-Secret": "s1"}, {})
    assert check({}, {"key": "in-the-url"})
    assert not check({"sb-signing-secret": "in-the-url"}, {"key": "s1"})
    assert not check({}, {})


def test_no_empty_secret() -> None:
    """A variable that is not set would let everybody in."""
    attempts: list[Callable[[], object]] = [
        lambda: checks.basic(("user", "")),
        lambda: checks.basic(("", "pass")),
        lambda: checks.basic(("a:b", "pass")),
        checks.basic,
        lambda: checks.bearer(""),
        checks.bearer,
        lambda: checks.header("x", "a", ""),
        lambda: checks.query("x", ""),
        checks.any_of,
    ]
    for make in attempts:
        with pytest.raises(ConfigurationError):
            make()


def test_shows_no_secret() -> None:
    """A log of the configuration would give the secret away."""
    assert repr(checks.bearer("token")) == "Secret(header 'Authorization', 1 accepted)"
    assert not any("token" in str(value) for value in vars(checks.bearer("token")).values())


def test_compares_in_constant_time() -> None:
    """The time of an answer would tell how much of a guess is right."""
    tree = ast.parse(inspect.getsource(checks))
    names = [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    assert "compare_digest" in names


@given(st.dictionaries(st.text() | st.just("Authorization"), st.text()), st.dictionaries(st.text() | st.just("key"), st.text()))
def test_never_raises(headers: dict[str, str], query: dict[str, str]) -> None:
    """A header nobody has thought of would end in a 500."""
    check = checks.any_of(checks.basic(("user", "a password nobody guesses")), checks.query("key", "nor this one"))
    assert not check(headers, query)
