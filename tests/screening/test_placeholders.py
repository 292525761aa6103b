"""What was meant for another program and would be read as it stands."""

from __future__ import annotations

import pytest

from rumbleup_async.errors import TemplateError
from rumbleup_async.messaging import Contact, Planned, Skipped
from rumbleup_async.screening.escapes import escapes
from rumbleup_async.screening.names import spelling
from rumbleup_async.screening.placeholders import find, first
from rumbleup_async.screening.screen import Screen
from rumbleup_async.screening.template import Template

# Separated by spaces at first sight, so each on its own line.
FOREIGN = """
{{first_name}}
{{ first_name | x }}
{{{first_name}}}
{{contact.first_name}}
{{Contact:FirstName}}
{{recipient.first_name}}
{{params.FNAME}}
{{lead.First Name:default=there}}
{{user['first_name']}}
{{ first_name or "x" }}
{{!Contact.FirstName}}
{{#if first_name}}
{{/if}}
[First Name]
[[first_name]]
[FIRSTNAME]
[Name]
[NAME HERE]
[Your Name]
[first-name]
[First Name | there]
[first_name,fallback=there]
[LINK]
[Phone Number]
%first_name%
%%first_name%%
%FIRST_NAME|there%
%recipient.first_name%
%FNAME
%(first_name)s
#NAME#
##FirstName##
*|FNAME|*
*|FNAME:there|*
*|MERGE1|*
$Firstname
$FNAME$
$contact.first_name
${first_name}
$(first_name)
<first_name>
<First Name>
<<first_name>>
<%= first_name %>
<?= $first_name ?>
\u00abfirst_name\u00bb
\u2039first_name\u203a
\u3010name\u3011
@first_name@
@@first_name
@FirstName
@{first_name}
#{first_name}
%{first_name}
:first_name
::first_name::
~first_name~
~city~
__first_name__
|first_name|
((first_name))
(first name)
(name)
!first_name!
!city!
_city_
-city-
+city+
-first_name-
{{custom_field_1}}
[Pr\u00e9nom]
[Org Name]
^first_name^
=city=
FNAME
first_name
FirstName
""".strip().splitlines()

HARMLESS = """
Reply [1] for yes
20% off today, 30% tomorrow
Save 5% (yes, 5%)
#VOTE
#VoteAda now
#city
$25 and $30
$AAPL
I <3 city life > all
Call us (phone) or write (email)
A (great) city
#first, follow @last and @ada_lovelace, email ada@example.org
https://x.org/?first_name=Ada&email=a
https://x.org/name/first_name#name
bit.ly/first_name
Time: 5:30 City: Paris
our town - city - state
first-name basis
in-state-tuition
*Vote* today _now_
Q&A; done, AT&T, R&B
Your NAME here, VOTE EMAIL, CITY HALL
iPhone, eMail us
50% city 20% state
[Ward 7] Hi
[Ada for Congress]
{smile}
:) :D ;)
#1 city #2
city/state/zip and first/last name
state-of-the-art
(555) 202-0101
http://example.org/user:name@host
https://x.org/%20name%20
Paid for by Ada_PAC
""".strip().splitlines()


@pytest.mark.parametrize("sentence", ["Hi {}, vote today. STOP to opt out", "{} vote", "Hello {}"])
@pytest.mark.parametrize("sign", FOREIGN)
def test_fields_of_other_programs_are_found(sign: str, sentence: str) -> None:
    """Everybody on the list would read `Hi [First Name]`."""
    assert first(sentence.replace("{}", sign)) is not None


@pytest.mark.parametrize("text", HARMLESS)
def test_what_people_write_is_left_alone(text: str) -> None:
    """A campaign would have to be written anew, or sent with all the guards off."""
    assert first(text) is None


@pytest.mark.parametrize(
    "text", ["Follow #VoteAda #TX07", "-state of emergency-", "~Ada~", "it is -- as said -- over", "a | b | c"]
)
def test_everyday_signs_draw_no_note(text: str) -> None:
    """Whoever reads ten notes that mean nothing does not read the eleventh."""
    assert find(text) == []


def test_the_columns_of_the_list_count_too() -> None:
    """`[Kittens]` is a word until the list has a column of that name."""
    assert first("Hi [Kittens] of $kittens") is None
    assert [one.shown for one in find("[Kittens], %kittens%", {"kittens"})] == ["[Kittens]", "%kittens%"]
    assert first("(polling_hut)", {"polling_hut"}) is not None
    assert first("PollingHut", {"polling_hut"}) is not None
    assert first("LinkedIn, eMail, #VOTE", {"linkedin", "email", "vote"}) is None


@pytest.mark.parametrize(
    "text",
    [
        "a\\nb", "a\\tb", "a\\r\\nb", "a\\\\nb", "Hi\\!", "don\\'t", '\\"hi\\"', "\\u2019", "<br>", "<BR />", "<p>x</p>",
        "<b>x</b>", "<a href='x'>y</a>", "[br]", "&nbsp;", "&amp;", "&#39;", "&rsquo;", "x%0Ay", "%0D%0A",
        "Hi%20Ada", "%E2%80%99",
        "https://x.org/?a=1&amp;b=2",
    ],
)  # fmt: skip
def test_what_should_have_become_something_else_is_found(text: str) -> None:
    """People would read a backslash and an n where a line was to end."""
    assert escapes(text)


@pytest.mark.parametrize(
    "text",
    [
        "¯\\_(ツ)_/¯", "\\o/", "50%off", "100%FREE", "AT&T", "Q&A; x", "R&B;", "I <3 u", "a<b", "https://x.org/a%20b", "5%20",
        "x.org/a%20b?c=%0A", "sms:+12025550101?body=Hi%20a", "<Ada>", "save 20%! 30%",
    ],
)  # fmt: skip
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    """A link or a joke would stop a campaign."""
    assert escapes(text) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hi {{first_name}}. STOP", "{{first_name}} at position 4, which looks like a merge field of another program"),
        ("Hi {{first_name}}. STOP", "write {first_name} instead; --literal"),
        ("Hi {first_name}, [First Name]. STOP", "[First Name] at position 18"),
        ("{{x}} [City]. STOP", "[City] at position 7"),
        ("Hi ${first_name}. STOP", "${first_name} at position 4"),
        ("Hi $!{first_name}. STOP", "$!{first_name} at position 4"),
        ("Hi %{first_name}%. STOP", "%{first_name}% at position 4"),
        ("Hi {first_name|[First Name]}. STOP", "the fallback [First Name]"),
        (
            "One\\nTwo {city}. STOP",
            "\\n at position 4, which would be sent as it is, as 2 characters; for a line break",
        ),
        ("{city|a<br>b}. STOP", "<br> at position 8"),
        ("Hi @first_name@. STOP", "write {first_name} instead"),
        ("Hi $Firstname. STOP", "write {first_name} instead"),
        ("Hi *|LNAME|*. STOP", "write {last_name} instead"),
        ("Hi {{custom_field_1}}. STOP", "write {custom_field_1} instead"),
    ],
)
def test_a_template_with_one_is_refused_and_told_how_it_is_spelled_here(text: str, said: str) -> None:
    """A million people would read it; `literal` is how to say that it is meant."""
    with pytest.raises(TemplateError) as raised:
        Template(text)
    assert said in str(raised.value)
    Template(text, literal=True)


def test_money_and_numbers_keep_their_signs() -> None:
    """`Chip in ${amount}` is how campaigns ask; the sign belongs to the amount."""
    template = Template("Chip in ${amount} of {n}% at #{ward}, @{handle} @{location}")
    assert template.fields == ("amount", "n", "ward", "handle", "location")
    assert template.foreign_notes()[0] == "#{ward} at position 30 is sent as it is"
    for text in ("@{city}", "#{city}", "${city}", "%{n}", "[{name}]", "<{name}>", "[[{n}]]"):
        with pytest.raises(TemplateError, match="merge field of another program"):
            Template(f"Hi {text}")


def test_a_column_is_known_only_with_the_list() -> None:
    """`[Kittens]` would go out as it is, because the text was looked at before the list was."""
    screen = Screen("Hi [Kittens]. STOP to opt out")
    with pytest.raises(TemplateError, match=r"write \{kittens\} instead"):
        screen.learn(["phone", "Kittens"])


@pytest.mark.parametrize(
    "value",
    [
        "{{first_name}}", "*|FNAME|*", "[First Name]", "%first_name%", "first_name", "$Name", "{first_name}", "a<br>b", "a\\nb",
        "Smith &amp; Sons",
    ],
)  # fmt: skip
def test_a_value_with_one_is_not_texted(value: str) -> None:
    """An export that was itself a failed merge would greet a person as `*|FNAME|*`."""
    row = Contact(2, "2025550101", {"first_name": value})
    skipped = Screen("Hi {first_name}. STOP to opt out")(row)
    assert isinstance(skipped, Skipped)
    assert skipped.reason.startswith("unreadable row: the value of first_name holds ")
    planned = Screen("Hi {first_name}. STOP to opt out", literal=True)(row)
    assert isinstance(planned, Planned)
    assert value in planned.text


@pytest.mark.parametrize(
    "value",
    [
        "Mary-Ann O'Brien", "St. John", "12 Main St #4", "ada@example.org", "https://x.org/a_b?first_name=x", "J. (Jack)", "A/B",
        "5:30 pm", "A & B", "Paris, TX", "$25",
    ],
)  # fmt: skip
def test_usual_values_are_texted(value: str) -> None:
    """People would be left out for their name or their street."""
    assert isinstance(Screen("Hi {x}. STOP to opt out")(Contact(2, "2025550101", {"x": value})), Planned)


@pytest.mark.parametrize(
    "text", ["{" * 800, "[a" * 800, "&" * 1600, "*a" * 700, "#ab " * 400, "<" * 1600, "$a." * 500, "a_b " * 400]
)
def test_a_nasty_text_takes_no_time(text: str) -> None:
    """One row could hold up a list of a million; it takes the time limit of a test then."""
    for _ in range(20):
        find(text)
        escapes(text)


@pytest.mark.parametrize(
    ("name", "columns", "expected"),
    [
        ("fname", (), "first_name"),
        ("fname", ("phone", "first_name"), "first_name"),
        ("first_name", ("phone", "firstname"), "firstname"),
        ("firstname", ("first", "fname"), "first"),
        ("fname", ("first_name", "fname"), "fname"),
        ("first_name", ("first", "firstname"), "firstname"),
        ("postal_code", ("zip5",), "zip5"),
        ("kittens", ("phone",), "kittens"),
    ],
)
def test_the_remedy_names_the_column_of_the_list(name: str, columns: tuple[str, ...], expected: str) -> None:
    """Whoever follows it would be refused once more, with another remedy."""
    assert spelling(name, columns) == expected
