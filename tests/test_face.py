"""What people who write Python against the library meet first, and what it tells them when they slip."""

import io
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from rumbleup_async import (
    ConfigurationError,
    ListError,
    Response,
    RumbleUp,
    Run,
    ScriptedExchange,
    Sendblue,
    State,
    Timeouts,
)

TEXT = "Hi. STOP to opt out"
PHONE = "2025550101"


def client() -> RumbleUp:
    return RumbleUp("KEY:SECRET", exchange=ScriptedExchange(lambda request: Response(200, {}, b'{"logid": "rl_1"}')))


def fast(**more: Any) -> Run:
    return client().fast_mode(**{"action": 125, "text": TEXT, **more})


class Frame:
    """As much of a DataFrame as a list is looked at for: it goes over the names of its columns."""

    columns = ("phone", "name")

    def __getitem__(self, key: object) -> object:
        return [key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)


def used_up() -> Iterator[str]:
    rows = (phone for phone in [PHONE])
    assert list(rows) == [PHONE]
    return rows


async def rows() -> AsyncIterator[str]:
    yield PHONE


async def coroutine() -> list[str]:
    return [PHONE]


async def forgetful(run: Run, error: Exception | None = None) -> None:
    """What a user writes who forgets to await."""
    async with run:
        run.send([PHONE])
        if error is not None:
            raise error


def test_n11_a_state_is_written_as_its_word() -> None:
    """`print(result.state)` would say "2", and a CSV of results hold numbers that nobody knows."""
    assert [str(state) for state in State] == ["queued", "intent", "sent", "refused", "skipped", "not_sent", "unknown"]
    assert f"{State.NOT_SENT}" == State.NOT_SENT.word == "not_sent"
    assert State("sent") is State.SENT


async def test_n11_a_result_becomes_a_dict() -> None:
    """Each user would write the same seven lines to get results into a table or a JSON file."""
    async with fast() as run:
        results = [result.as_dict() async for result in run.send([PHONE, "12"])]
    assert {name: type(value) for name, value in results[0].items()} == {
        "row": int,
        "phone": str,
        "state": str,
        "reason": str,
        "code": str,
        "logid": str,
        "attempts": int,
        "time": int,
    }
    by_row = {result["row"]: result for result in results}
    assert (by_row[1]["state"], by_row[1]["reason"], by_row[1]["logid"]) == ("sent", "", "rl_1")
    assert by_row[2]["state"] == "skipped"
    assert by_row[2]["reason"]


async def test_n6_a_send_that_nobody_awaits_says_so() -> None:
    """`run.send(contacts)` without `await` would end well, and nobody would have been texted."""
    with pytest.warns(RuntimeWarning, match="neither awaited nor iterated over, so nothing was sent"):
        await forgetful(fast())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        async with fast() as run:
            await run.send([PHONE])
        async with fast() as run:
            async for _ in run.send([PHONE]):
                break
        async with fast():
            pass
        with pytest.raises(KeyError):  # what went wrong is said, and nothing beside it
            await forgetful(fast(), KeyError())


async def test_n6_a_send_that_nobody_awaits_closes_the_ledger_even_where_warnings_are_errors() -> None:
    """The ledger would stay locked for the rest of the process."""
    run = fast()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning):
            await forgetful(run)
    assert not run._setup.is_open


@pytest.mark.parametrize(
    ("contacts", "said"),
    [
        (lambda: None, "there is no list: neither was one handed to"),
        (Frame, "the list is a Frame, which goes over its columns; give its rows, as by"),
        (lambda: {"phone": PHONE}, r"not one dict; give a list of mappings: \[contact\]"),
        (lambda: PHONE, r"this one seems to be a phone; give a list of phones: \[phone\]"),
        (lambda: "+1 (202) 555-0101", "this one seems to be a phone"),
        (lambda: 2025550101, "a list is a path or an iterable of contacts, not one int"),
        (lambda: b"2025550101", "not one bytes"),
        (used_up, "a generator that was used up already: nobody would be texted; make it anew"),
        (lambda: rows, r"the list is a function; call it: run.send\(rows\(\)\)"),
        (coroutine, "the list is a coroutine; await it first"),
        (lambda: io.StringIO("phone\n2025550101\n"), "the list is an open file; give its path, or rows"),
        (lambda: [[PHONE]], "the first contact is a list; a contact is a mapping with a phone, or the phone itself"),
    ],
)
async def test_n6_what_is_no_list_is_refused_with_the_remedy(contacts: Callable[[], Any], said: str) -> None:
    """The run would end with nobody texted, and as if that were well."""
    with pytest.raises(ListError, match=said) as caught:
        async with fast() as run:
            await run.send(contacts())
    assert "5550101" not in str(caught.value).replace("-", "")


@pytest.mark.parametrize(
    ("contacts", "phone_field", "said"),
    [
        (
            [{"number": PHONE}],
            None,
            "no field of the contacts is called phone, cell or mobile; name the one that is with phone_field=",
        ),
        (
            [{"phone": PHONE}],
            "Mobil",
            "no contact has the field 'mobil' that phone_field names; the contacts have the columns phone",
        ),
    ],
)
async def test_contacts_without_any_phone_field_are_refused_with_the_remedy(
    contacts: list[dict[str, str]], phone_field: str | None, said: str
) -> None:
    """Everybody would be skipped, as if all was well; a file with such columns is refused."""
    with pytest.raises(ListError, match=said):
        async with fast(phone_field=phone_field) as run:
            await run.send(contacts)


async def test_a_contact_without_a_phone_among_others_is_skipped() -> None:
    """One bad row would end the run."""
    async with fast() as run:
        summary = await run.send([{"name": "Ada"}, {"phone": PHONE}])
    assert (summary.sent, summary.skipped) == (1, 1)


async def test_lists_of_every_kind_are_still_taken() -> None:
    """A remedy would be asked for where nothing is wrong."""
    for contacts in ([PHONE], iter([PHONE]), (phone for phone in [PHONE]), rows(), [{"phone": PHONE}], (), {PHONE}):
        async with fast() as run:
            assert (await run.send(contacts)).total == (0 if contacts == () else 1)


@pytest.mark.parametrize(
    ("slip", "said"),
    [
        (
            lambda: fast(text=None),
            "text is the message to send, as a string, or a function of the contact that returns it, not None",
        ),
        (lambda: fast(action=None), "action is the id of the project to send into"),
        (lambda: fast(action=1.5), "action is the id of the project to send into"),
        (lambda: fast(flags="urgent"), "flags is a list of tags, not one word"),
        (lambda: fast(suppress="optouts.csv"), "suppress takes the numbers themselves, .*; of a file, read them first"),
        (lambda: fast(suppress=None), "suppress is a list, not None; leave it out where there is nothing to say"),
        (lambda: fast(skip_if=None), "skip_if is a list, not None"),
        (lambda: fast(must_say=5), "must_say is a list, not one int"),
        (lambda: fast(phone_field=0), "phone_field is a name, or several in their order, not one int"),
        (lambda: fast(options={"rate": 5}), r"options is a RunOptions, such as RunOptions\(rate=50\), not one dict"),
        (
            lambda: client().concurrent_mode(action=125, text=TEXT, locks=30),  # type: ignore[arg-type]
            r"locks is a Locks, such as Locks\(patience=10\), or a mapping",
        ),
        (
            lambda: client().concurrent_mode(action=125, text=TEXT, texters=0),
            "texters must be a whole number of at least 1, not 0",
        ),
        (lambda: RumbleUp(None), "the API key is a string, not NoneType; where an environment variable is"),  # type: ignore[arg-type]
        (lambda: RumbleUp("KEY"), "the API key must be the pair KEY:SECRET; the portal shows it under"),
        (lambda: RumbleUp("KEY:SECRET", timeouts=30), r"timeouts is a Timeouts, such as Timeouts\(read=30\)"),  # type: ignore[arg-type]
        (lambda: RumbleUp("KEY:SECRET", connections=0), "connections must be a whole number of at least 1"),
        (lambda: RumbleUp("KEY:SECRET", base_url="rumbleup.com"), "the base URL must look like https://host/api"),
        (lambda: Sendblue(None, "SECRET"), "api_key is a string, not NoneType"),  # type: ignore[arg-type]
        (
            lambda: Sendblue("KEY", "SECRET").fast_mode(from_numbers="+12025550199", text=TEXT),
            "from_numbers is a list of numbers",
        ),
        (
            lambda: Sendblue("KEY", "SECRET").fast_mode(from_numbers=["+12025550199"], text=TEXT, limits=1),  # type: ignore[arg-type]
            r"limits is a LineLimits, such as LineLimits\(per_second=1\), or a mapping of its fields, not one int",
        ),
    ],
)
def test_n7_a_wrong_argument_names_the_remedy(slip: Callable[[], Any], said: str) -> None:
    """An AttributeError from somewhere inside would name a line of ours in place of the mistake."""
    with pytest.raises(ConfigurationError, match=said):
        slip()


async def test_a_run_is_entered_once() -> None:
    """The second time would begin beside the first, over books that are closed already."""
    run = fast()
    async with run:
        with pytest.raises(RuntimeError, match="a run is entered once; make another one by fast_mode"):
            async with run:
                pass
        assert (await run.send([PHONE])).sent == 1
        with pytest.raises(RuntimeError, match="a run sends one list; open another run for another list"):
            run.send([PHONE])
    with pytest.raises(RuntimeError, match="a run is entered once"):
        async with run:
            pass


async def test_a_run_works_only_within_its_context() -> None:
    """A run that is not open would fail somewhere inside, or text over books that are closed."""
    run = fast()
    for use in (lambda: run.plan, lambda: run.summary, lambda: run.is_concurrent):
        with pytest.raises(RuntimeError, match=r"enter the run first: async with \.\.\. as run"):
            use()
    with pytest.raises(RuntimeError, match="a run sends only within its context"):
        await run.send([PHONE])
    with pytest.raises(RuntimeError, match="a run looks into the log within its context"):
        await run.reconcile()
    async with fast() as run:
        with pytest.raises(TypeError, match=r"such as stop\('enough'\), not NoneType"):
            run.stop(None)  # type: ignore[arg-type]
    assert Timeouts().read > 0
