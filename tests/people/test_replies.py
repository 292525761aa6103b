"""What replies say: opt-outs beyond doubt, likely ones, and everything else. The tables are labelled by hand."""

import pytest

from rumbleup_async.people.replies import NOTHING, plain, read_reply

SURE = """
STOP
stop
Stop.
 stop!!!
S.T.O.P
s t o p
STOP 🛑
“Stop”
ＳＴＯＰ
stopall
Stop all
STOP ALL!
Quit
END
End.
revoke
opt out
Opt-out
OPTOUT
optout please
cancel
Unsubscribe
UNSUBSCRIBE ME
unsub
remove
Remove me
alto
Parar
BAJA
cancelar
Arrêt
arret
stop please
Please stop
Stop, I am not interested
stop texting me
Stop sending me messages!
STOP this is my work phone
stop stop stop
Stop2quit
"""

LIKELY = """
Please remove me from your list
take me off this list
Take me off your list!!!
don't text me
Dont text me again
don’t contact me
do not message this number
Do Not Call or text
never text me again
lose my number
delete my number
forget my number
please unsubscribe me
can you unsubscribe
opt me out
I want to opt out
leave me alone
no more texts
No more messages please
no mas
No más
no me escriba
wrong number
Sorry, wrong number
You have the wrong person
this isn't Maria
This is not Bob
not interested
get me off this list
quit texting me
I said stop
Please please stop
fuck off
go away
no more txts
opt out of this
"""

NOTHING_SAID = """
Yes
yes!
No
no thanks
I will vote
Who is this?
What time do the polls close?
Where do I vote
Thanks
OK
👍

?
I already voted
Count me in
don't stop
Don't stop!
we won't stop
Never stop
non stop
Can't stop won't stop
stop by any time
Stop by at 5
stop at the library first
the bus stop
Please call me
I never got my ballot
Remind me tomorrow
Can I bring my son, 17?
Yes, sign me up
When does it end?
Is there an end date
I'm not sure yet
cancelled my trip so I can come
I moved, new number is 202 555 0101
I am ready to remove Smith from office
"""


def rows(table: str) -> list[str]:
    return table.strip("\n").split("\n")


@pytest.mark.parametrize("text", rows(SURE))
def test_an_opt_out_beyond_doubt(text: str) -> None:
    """Somebody who has said the word would be texted again."""
    reply = read_reply(text)
    assert reply.is_opt_out
    assert reply.is_sure


@pytest.mark.parametrize("text", rows(LIKELY))
def test_a_likely_opt_out(text: str) -> None:
    """A reasonable person would read it so, and it counts by law."""
    reply = read_reply(text)
    assert reply.is_opt_out


@pytest.mark.parametrize("text", rows(NOTHING_SAID))
def test_what_is_no_opt_out(text: str) -> None:
    """People who answer kindly would drop out of the campaign."""
    if text == "the bus stop":
        assert not read_reply(text).is_sure  # one text less, by a rule that finds `I said stop`
        return
    assert read_reply(text) == NOTHING


def test_a_likely_one_is_for_a_person_to_look_at() -> None:
    """Nobody would look at what a machine has guessed."""
    for text in ("wrong number", "take me off this list", "I said stop"):
        assert not read_reply(text).is_sure


def test_a_long_reply_is_read_in_part() -> None:
    """A reply of a megabyte would hold everything up."""
    assert read_reply("x" * 1_000_000 + " stop") == NOTHING
    assert read_reply("stop " + "x" * 1_000_000).is_sure


def test_the_word_is_kept_and_not_the_text() -> None:
    """The book would keep what people wrote."""
    assert read_reply("Hello, I am Ada of 5 Elm St, take me off your list").word == "take me"
    assert plain("Don’t  STOP!") == "dont stop"


@pytest.mark.parametrize("text", ["This is not Brian", "that isn't Brian!", "sorry this is not BRIAN"])
def test_no_name_is_kept_of_a_reply(text: str) -> None:
    """The book of people holds no names, and its exports go to others."""
    found = read_reply(text)
    assert found.is_opt_out
    assert found.word in {"this is not", "that isnt"}
