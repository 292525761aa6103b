"""Columns that say who must not be texted: pointed out, and heeded where a rule names them."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from rumbleup_async.errors import ConfigurationError, ListError
from rumbleup_async.lists.consent import ConsentCheck, kind_of, read_consent_field, read_rules
from rumbleup_async.lists.contacts import from_iterable, open_list
from rumbleup_async.messaging import Contact, Result, Skipped, State
from rumbleup_async.runs.run import Run
from rumbleup_async.screening.template import field_name
from tests.engine.scripted import Provider, make_ledger, make_run

A, B, C, D = "2025550101", "2025550102", "2025550103", "2025550104"


def reasons(data: str, *rules: str) -> tuple[list[str], list[str]]:
    """What becomes of the rows of a list ("" for a contact), and what is said of its columns."""
    with open_list(io.BytesIO(data.encode()), consent=ConsentCheck(read_rules(rules))) as contacts:
        rows = ["" if isinstance(row, Contact) else row.reason for row in contacts]
        return rows, contacts.notes


@pytest.mark.parametrize(
    "name",
    [
        *(
            "opt_out",
            "Opt-Out",
            "OptOut",
            "Opted Out",
            "SMS Opt Out",
            "opt_out_date",
            "opted_out_at",
            "has_opted_out",
            "is_opted_out",
        ),
        *("do_not_text", "Do Not Contact", "DoNotCall", "do_not_sms", "Don't Text", "No SMS", "NoText", "DNC", "dnt", "DND"),
        *(
            "unsubscribed",
            "unsubscribed_at",
            "blacklisted",
            "Blocked",
            "suppressed",
            "STOP",
            "text_stop",
            "Deceased",
            "Phone Opt Out",
            "HasOptedOutOfSMS",
            "Wrong Number",
            "bad_phone",
            "Excluded",
        ),
    ],
)
def test_a_column_of_those_who_said_no_is_known(name: str) -> None:
    """Whoever opted out is texted, and sues."""
    assert kind_of(field_name(name)) == "out"


@pytest.mark.parametrize(
    "name", ["opt_in", "SMS Opt In", "sms_consent", "TextConsent", "opted_in", "subscribed", "OK to text", "can_text"]
)
def test_a_column_of_those_who_agreed_is_known(name: str) -> None:
    """Taken for its opposite it would leave out those who agreed and text the others."""
    assert kind_of(field_name(name)) == "in"


@pytest.mark.parametrize(
    "name",
    ["first_name", "city", "email_opt_out", "bus_stop", "option", "notes", "county", "donation", "contact_name", "stop_id", "x"],
)
def test_other_columns_are_no_such(name: str) -> None:
    """A note about every list is read by nobody."""
    assert kind_of(field_name(name)) == ""


def test_the_column_that_nobody_heeds_is_pointed_out() -> None:
    """The list says TRUE, and the person is texted without a word."""
    data = f"first_name,phone,opt_out,do_not_text\nAda,{A},,\nGrace,{B},TRUE,Y\nAlan,{C},false,x\n"
    rows, notes = reasons(data)
    assert rows == ["", "", ""]
    assert notes == [
        "the column opt_out says of 1 row not to text them, and they are texted; leave them out with --skip-if opt_out",
        "the column do_not_text says of 2 rows not to text them, and they are texted; leave them out with --skip-if do_not_text",
    ]


def test_opt_in_and_status_columns_are_pointed_out_too() -> None:
    """Not everybody keeps it the same way round."""
    data = f"phone,sms_opt_in,status\n{A},yes,active\n{B},FALSE,unsubscribed\n{C},,Opted Out\n{D},2026-01-05,\n"
    first, second = reasons(data)[1]
    assert first.startswith("the column sms_opt_in says of 1 row not to text them")
    assert first.endswith("--skip-if sms_opt_in=no")
    assert second.startswith("the column status says of 2 rows not to text them")
    assert second.endswith("--skip-if status=unsubscribed")
    assert reasons(f"phone,opt_out\n{A},no\n{B},0\n")[1] == []


YES = [
    "TRUE",
    "true",
    "T",
    "yes",
    "Y",
    "1",
    "x",
    "X",
    "on",
    "2026-01-05",
    "1.0",
    '"=""TRUE"""',
    "'yes",
    "STOP",
    "maybe",
    "?",
    "*",
    "\u2713",
    "ja",
]
NO = [
    "",
    " ",
    "FALSE",
    "false",
    "F",
    "no",
    "N",
    "0",
    "off",
    "NULL",
    "nan",
    "N/A",
    "None",
    "-",
    '"=""FALSE"""',
    "\\N",
    "opted in",
    "0.0",
]


@pytest.mark.parametrize("cell", YES)
def test_whoever_says_yes_or_something_in_doubt_is_left_out(cell: str) -> None:
    """A mark that the program does not know would text a person who said no."""
    assert reasons(f"phone,opt_out\n{A},{cell}\n", "opt_out")[0] == ["skip-if opt_out"]


@pytest.mark.parametrize("cell", NO)
def test_whoever_says_no_is_texted(cell: str) -> None:
    """FALSE in every row would leave out the whole list."""
    assert reasons(f"phone,opt_out\n{A},{cell}\n", "Opt-Out")[0] == [""]


@pytest.mark.parametrize(
    ("rule", "cell", "expected"),
    [
        ("sms_opt_in=FALSE", "FALSE", True),
        ("sms_opt_in=no", "0", True),
        ("sms_opt_in=no", "", True),
        ("sms_opt_in=no", "who knows", True),
        ("sms_opt_in=no", "Yes", False),
        ("sms_opt_in=no", "2026-01-05", False),
        ("sms_opt_in=", "", True),
        ("status=unsubscribed", "Unsubscribed", True),
        ("status=unsubscribed", "active", False),
        ("tier=1", "1", True),
        ("tier=1", "3", False),
        ("tier=0", "0", True),
        ("tier=0", "3", False),
        ("opt_out=yes", "TRUE", True),
        ("opt_out=yes", "2026-01-05", True),
        ("opt_out=yes", "no", False),
        ("status==unsubscribed", "unsubscribed", True),
        ("status=<none>", "<none>", True),
        ("Do Not Text=yes", "y", True),
    ],
)
def test_a_rule_may_name_the_value(rule: str, cell: str, expected: bool) -> None:
    """A column of those who agreed, or of how somebody stands, could not be used."""
    name = rule.partition("=")[0]
    assert reasons(f"phone,{name},x\n{A},{cell},1\n", rule)[0] == [f"skip-if {rule}" if expected else ""]


@pytest.mark.parametrize(
    "rule", ["sms_opt_in", "consent", "", "=", "=yes", "--", "state!=NY", "state <>= NY", "age>=18", "age<=18", "state=~N.*"]
)
def test_a_rule_that_cannot_be_meant_is_refused(rule: str) -> None:
    """`--skip-if consent` would leave out everybody who agreed and text everybody who did not; as would `state!=NY` read as
    `state=NY`."""
    with pytest.raises(ConfigurationError, match="skip-if"):
        read_rules([rule])


@pytest.mark.parametrize("data", [f"phone,opt_out\n{A},x\n", f"phone\n{A}\n", f'{{"phone": "{A}", "opt_out": true}}\n', f"{A}\n"])
def test_a_column_that_is_not_there_is_an_error(data: str) -> None:
    """A misspelt name would text everybody who opted out."""
    with pytest.raises(ListError, match="no column 'optout' for skip-if"):
        reasons(data, "optout")


def test_json_lines_are_heeded_and_pointed_out() -> None:
    """`true` in an export of a program is the same no."""
    data = (
        f'{{"phone": "{A}", "opt_out": true}}\n{{"phone": "{B}", "opt_out": false}}\n{{"phone": "{C}", "opt_out": null}}\n'
        f'{{"phone": "{D}"}}\n'
    )
    assert reasons(data, "opt_out")[0] == ["skip-if opt_out", "", "", ""]
    assert reasons(data)[1] == [
        "the column opt_out says of 1 row not to text them, and they are texted; leave them out with --skip-if opt_out"
    ]


def test_short_rows_and_rows_with_blank_ends() -> None:
    """The slower way through the rows would forget the rule."""
    data = f"phone,opt_out,city,,\n{A},yes\n{B},yes,DC,,\n{C}\n"
    assert reasons(data, "opt_out")[0] == ["skip-if opt_out", "skip-if opt_out", ""]


async def later(items: list[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("form", ["path", "list", "async", "json"])
@pytest.mark.parametrize("prefix", ["", "+1"])
def test_a_run_leaves_them_out_in_every_row_they_have(kind: str, form: str, prefix: str, tmp_path: Path) -> None:
    """Somebody who stands in the list twice, and said no in one of the rows, would be texted by the other."""
    provider = Provider()
    rows = [(A, ""), (B, "yes"), (f"({B[:3]}) {B[3:6]}-{B[6:]}", ""), (C, "no"), (C, "no"), ("555-01", "yes")]
    if form in ("path", "json"):
        rows.insert(0, (B, ""))  # what comes before the no is left out where the whole list is read first
    data = "phone,opt_out\n" + "".join(f"{phone},{out}\n" for phone, out in rows)
    mappings: list[Any] = list(csv.DictReader(io.StringIO(data)))
    path = tmp_path / "list"
    path.write_text(data if form == "path" else "".join(f'{{"phone": "{phone}", "opt_out": "{out}"}}\n' for phone, out in rows))

    async def main() -> list[Result]:
        details = {"phone_prefix": prefix} if prefix else {}
        async with make_run(provider, ledger=make_ledger(kind, tmp_path), skip_if=["opt_out"], details=details) as run:
            contacts: Any = {"path": path, "json": path, "list": mappings, "async": later(mappings)}[form]
            return [result async for result in run.send(contacts)]

    results = asyncio.run(main())
    assert sorted(call.phone for call in provider.calls) == [prefix + A, prefix + C]
    skipped = [result.phone for result in results if result.reason == "skip-if opt_out"]
    assert skipped.count(prefix + B) == 2  # the third is a duplicate of the first, or barred by it
    assert "555-01" in skipped
    assert sum(result.state is State.SKIPPED for result in results) == len(rows) - 2


def test_another_rule_is_another_run(tmp_path: Path) -> None:
    """A ledger that was begun with a rule would go on without it."""
    from rumbleup_async.errors import LedgerMismatch

    path = tmp_path / "list.csv"
    path.write_text(f"phone,opt_out\n{A},\n{B},yes\n{C},\n")

    async def begin(*rules: str) -> None:
        run: Run = make_run(Provider(), ledger=make_ledger("sqlite", tmp_path), skip_if=rules, limit=1)
        async with run:
            await run.send(path)

    asyncio.run(begin("opt_out"))
    with pytest.raises(LedgerMismatch, match="skip_if"):
        asyncio.run(begin())
    asyncio.run(begin("opt_out"))


class Frame:
    """Goes over the names of its columns, as a DataFrame of pandas and of polars does."""

    columns = ("phone", "first_name")

    def __iter__(self) -> Any:
        return iter(self.columns)

    def keys(self) -> Any:
        return self.columns

    def __getitem__(self, key: str) -> list[str]:
        return [A]


class Polars(Frame):
    def to_dicts(self) -> list[dict[str, str]]:
        return [{"phone": A}]


class Arrow:
    """Does not go over anything."""

    columns = ([A],)

    def __getitem__(self, key: str) -> list[str]:
        return [A]

    def to_pylist(self) -> list[dict[str, str]]:
        return [{"phone": A}]


@pytest.mark.parametrize(
    ("table", "remedy"),
    [
        (Frame(), 'df.to_dict\\("records"\\)'),
        (Polars(), "df.to_dicts\\(\\)"),
        (Arrow(), "table.to_pylist\\(\\)"),
        ({"phone": [A], "name": ["Ann"]}, "a mapping of columns; give a list of its rows"),
        ({"phone": A}, "not one dict"),
    ],
)
def test_a_table_is_refused_with_what_makes_rows_of_it(table: Any, remedy: str) -> None:
    """Its column names would be the contacts: two are skipped, nobody is texted, and no error."""

    async def main() -> None:
        async with make_run(Provider()) as run:
            await run.send(table)

    with pytest.raises(ListError, match=remedy):
        asyncio.run(main())
    if not isinstance(table, dict):
        with pytest.raises(ListError, match=remedy):
            from_iterable(table)


def test_a_series_of_phones_is_a_list() -> None:
    """A column alone goes over its phones."""

    class Series:
        def __iter__(self) -> Any:
            return iter([A, B])

        def keys(self) -> Any:
            return [0, 1]

    assert list(from_iterable(Series())) == [Contact(1, A, {}), Contact(2, B, {})]
    assert list(from_iterable({A: 1}.keys())) == [Contact(1, A, {})]
    assert isinstance(next(iter(from_iterable([{"phone": [A]}]))), Contact | Skipped)


# ---- the column of those who agreed ----


def agreed(data: str, column: str, *rules: str, prefix: str = "") -> tuple[list[str], ConsentCheck]:
    """What becomes of the rows of a list whose consent stands in a column."""
    check = ConsentCheck(read_rules(rules), prefix, read_consent_field(column))
    with open_list(io.BytesIO(data.encode()), consent=check) as contacts:
        return ["" if isinstance(row, Contact) else row.reason for row in contacts], check


@pytest.mark.parametrize(
    "value",
    ["yes", "x", "1", "2025-03-04", "web form, 3 May", "Ada's paper card", "opted in", "double_opt_in", "North fair", "TRUE"],
)
def test_a_consent_lets_a_row_be_texted(value: str) -> None:
    """Half of those who agreed are left out."""
    assert agreed(f'phone,how\n{A},"{value}"\n', "How")[0] == [""]


NO_CONSENT = [
    "",
    " ",
    "NULL",
    "n/a",
    "-",
    "#N/A",
    "unknown",
    "0000-00-00",
    "0",
    "no",
    "FALSE",
    "No consent",
    "not yet",
    "revoked",
]
NO_CONSENT += [
    "revoked 2025-01-01",
    "declined",
    "opted out",
    "Unsubscribed",
    "STOP",
    "?",
    "pending",
    "withdrawn",
    "none",
    "opt-out",
    "do not text",
    "expired",
]


@pytest.mark.parametrize("value", NO_CONSENT)
def test_without_consent_a_row_is_skipped(value: str) -> None:
    """Nobody can show that the person agreed; each text costs up to 1,500 dollars."""
    assert agreed(f'phone,how,name\n{A},"{value}",Ada\n', "how")[0] == ["no consent"]


def test_a_row_that_says_nothing_is_left_out_alone_and_a_no_counts_for_the_phone() -> None:
    """A household's phone: one of them never answered, another has said no."""
    rows, check = agreed(f"phone,consent\n{A},\n{A},yes\n{B},no\n{B},yes\n", "consent")
    assert rows == ["no consent", "", "no consent", ""]
    assert list(check.barred) == [B]  # whose other rows are left out once all are read
    assert {str(reason) for reason in check.barred.values()} == {"no consent"}


def test_short_rows_and_objects_without_the_column_have_no_consent() -> None:
    """What is not there is no consent."""
    assert agreed(f"phone,name,consent\n{A},Ada\n{B},Bob,yes\n", "consent")[0] == ["no consent", ""]
    lines = f'{{"phone": "{A}", "consent": true}}\n{{"phone": "{B}"}}\n{{"phone": "{C}", "consent": null}}\n'
    assert agreed(lines, "consent")[0] == ["", "no consent", "no consent"]
    assert agreed(f'{{"phone": "{A}", "consent": "yes", "Consent": "no"}}\n', "consent")[0] == ["no consent"]


def test_a_column_that_is_not_there_is_named_with_those_that_are() -> None:
    """A misspelt name leaves everybody out, or nobody."""
    with pytest.raises(
        ListError, match=r"no column 'consnt' for consent-field; did you mean 'consent'\? it has the columns phone"
    ):
        agreed(f"phone,consent\n{A},yes\n", "consnt")
    with pytest.raises(ListError, match="several columns are called 'consent'"):
        agreed(f"phone,consent,Consent\n{A},yes,no\n", "consent")
    with pytest.raises(ListError, match="no column 'consent'"):
        agreed(f"{A}\n{B}\n", "consent")
    with pytest.raises(ConfigurationError, match="skip-if opt_out"):
        read_consent_field("Opt Out")
    with pytest.raises(ConfigurationError, match="names no column"):
        read_consent_field("  ")
    with pytest.raises(ConfigurationError, match="is the column of the phone"):
        read_consent_field("Cell Phone")


def test_a_rule_goes_before_consent() -> None:
    """Both apply; the reason is the one that the person has given."""
    assert agreed(f"phone,consent,moved\n{A},yes,x\n{B},,x\n", "consent", "moved")[0] == ["skip-if moved", "skip-if moved"]


@pytest.mark.parametrize("form", ["list", "async"])
def test_consent_of_contacts_from_python(form: str) -> None:
    """A mapping without the key, and a bare phone behind mappings."""
    provider = Provider()
    rows: list[Any] = [{"phone": A, "consent": "web"}, {"phone": B}, {"phone": C, "consent": ""}, D]

    async def main() -> list[Result]:
        async with make_run(provider, consent_field="Consent") as run:
            contacts: Any = rows if form == "list" else later(rows)
            return [result async for result in run.send(contacts)]

    results = {result.phone: result for result in asyncio.run(main())}
    assert [call.phone for call in provider.calls] == [A]
    assert {phone: one.reason for phone, one in results.items() if phone != A} == dict.fromkeys((B, C, D), "no consent")
