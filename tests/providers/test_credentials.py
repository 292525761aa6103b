"""Keys and addresses with something around them are told before any request is made, and nothing of them is shown."""

from collections.abc import Callable

import pytest

from rumbleup_async import RumbleUp, ScriptedExchange, Sendblue
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.session.exchange import Response

WRONG = [
    ('"{}"', "begins with a quote"),
    ("'{}'", "begins with a quote"),
    ("\u201c{}\u201d", "begins with a quote"),
    ("\u2018{}\u2019", "begins with a quote"),
    ("\u00ab{}\u00bb", "begins with a quote"),
    ("`{}`", "begins with a quote"),
    ('{}"', "ends with a quote"),
    ("{}\u2019", "ends with a quote"),
    ("hun'{}", "quote in it"),
    ("RUMBLEUP_API_KEY={}", "name of a variable"),
    ("export RUMBLEUP_API_KEY={}", "name of a variable"),
    ("SENDBLUE_API_SECRET = {}", "name of a variable"),
    ("Bearer {}", "header"),
    ("basic {}", "header"),
    ("Authorization: Basic {}", "header"),
    ("{} # production", "comment"),
]


@pytest.mark.parametrize(("around", "said"), WRONG)
def test_what_came_along_with_a_key_is_named(around: str, said: str) -> None:
    """`docker --env-file` keeps the quotes, and the 401 that follows says that the key is mistyped, deleted or another's."""
    key, word = around.format("hunter2:sesame"), around.format("sesame")
    makers: list[Callable[[], object]] = [
        lambda: RumbleUp(key),
        lambda: RumbleUp.from_env({"RUMBLEUP_API_KEY": key}),
        lambda: Sendblue("KEY", word),
        lambda: Sendblue(word, "SECRET"),
        lambda: Sendblue.from_env({"SENDBLUE_API_KEY": "KEY", "SENDBLUE_API_SECRET": word}),
        lambda: Sendblue.from_env({"SENDBLUE_API_KEY": word, "SENDBLUE_API_SECRET": "SECRET"}),
    ]
    for make in makers:
        with pytest.raises(ConfigurationError, match=said) as raised:
            make()
        assert "hunter2" not in str(raised.value)
        assert "sesame" not in str(raised.value)


@pytest.mark.parametrize("around", ['"{}"', "'{}'", "\u201c{}\u201d", "{}'", "RUMBLEUP_BASE_URL={}"])
def test_what_came_along_with_an_address_is_named(around: str) -> None:
    """The same for an address."""
    address = around.format("http://127.0.0.1:9/api")
    for make in (
        lambda: RumbleUp.from_env({"RUMBLEUP_API_KEY": "K:S", "RUMBLEUP_BASE_URL": address}),
        lambda: Sendblue.from_env({"SENDBLUE_API_KEY": "K", "SENDBLUE_API_SECRET": "S", "SENDBLUE_BASE_URL": address}),
        lambda: RumbleUp("K:S", base_url=address),
    ):
        with pytest.raises(ConfigurationError, match=r"quote|variable|look like"):
            make()


@pytest.mark.parametrize("key", ["KEY:SECRET", "c_1:a=b", "k-1_2:s/+=", "BASICK:bearer", "a#b:c#d"])
async def test_a_key_that_is_one_is_taken(key: str) -> None:
    """Somebody's real key would be refused for its letters."""
    exchange = ScriptedExchange(lambda _: Response(200, {}, b'{"cid":"c_1"}'))
    async with RumbleUp(key, exchange=exchange) as client:
        assert (await client.account.get()).cid == "c_1"
