"""What tells people how to opt out, and what only has the word."""

from __future__ import annotations

import pytest

from rumbleup_async.screening.opt_out import says_stop

GOOD = """
Hi Ada. STOP to opt out
Hi. Reply STOP to opt out
Hi Ada! STOP
VOTE TODAY AT THE LIBRARY, POLLS CLOSE AT EIGHT. REPLY STOP TO END
reply stop.
Stop2End
STOP=quit
STOP2QUIT
StopToEnd
Stop=End
Txt STOP 2 quit
Rply STOP 2 end
Reply "STOP" to unsubscribe
Reply 'STOP' to end
Reply \u201cSTOP\u201d to end
text STOP to quit, HELP for help
Text STOP to 12345 to opt out
To opt out, reply STOP
to opt-out reply stop
Opt out: STOP
Opt-out=STOP
Stop to Quit
STOP to stop
STOP OptOut
STOP -> end
STOP - opt out
(STOP to end)
[STOP=END]
STOP/HELP
HELP for help STOP to end
Reply HELP for help or STOP to cancel
Reply YES, NO or STOP
Reply Y for yes, N for no, STOP to end
Reply STOP at any time to opt out
Reply stop at any time to opt out
Reply STOP if you do not want these texts
You can opt out at any time by replying STOP
You can opt out by texting STOP
Send STOP to stop
Respond with STOP to be removed
Type STOP to unsubscribe
STOP to no longer receive texts
STOP to get off this list
STOP unsubscribes
STOP ALL to end
Stop-to-End
STOP to not hear from us
Reply stop if you don't want to hear from us
2 stop txt STOP
Not interested? STOP
Stop to opt out. Help for help
Txt 'STOP' 2 opt out
Opt out w/STOP
Responda STOP para cancelar
Responda ALTO/STOP para cancelar
Envíe STOP para salir
STOP=fin
Hola. STOP para no recibir más
Para cancelar: STOP
Répondez STOP pour vous désabonner
STOP pour arrêter
Trả lời STOP để hủy
回复STOP退订
Reponn STOP pou sispann
Paid for by Ada. Txt STOP=quit. Stop by our office!
""".strip().splitlines()

BAD = """
Stop by our office today!
STOP by our office today!
STOP BY OUR OFFICE TODAY!
Don't stop now!
Don\u2019t STOP.
We won't stop
WE WON'T STOP
CAN'T STOP WON'T STOP
Never stop fighting
Help us stop the bleeding
STOP the bleeding
Help us STOP Prop 8
Meet at the bus stop
Bus stop: exit at Main St
Next stop: the White House
non-stop
nonstop, unstoppable, stopped, stops
one-stop shop
Stop sign
Stop! Vote today
STOP! Vote today
let's stop climate change
Text us or stop by
Reply YES or stop by our office
Reply YES to help STOP the cuts
Call or text to stop the pipeline
Send a message to stop the cuts
Please stop by to vote
Write to Congress to stop this
Put a stop to end this
TIME TO STOP
Stop - end the war now
STOP REMOVING BOOKS
Reply: stop worrying
Reply YES. Stop waiting
Bus 2 stop
Hi. stop
STOP_
_STOP
STOP to _
\u017ftop
Hi
""".strip().splitlines()


@pytest.mark.parametrize("text", GOOD)
def test_usual_wordings_are_understood(text: str) -> None:
    """A campaign that tells people how to opt out would be refused."""
    assert says_stop(text)


@pytest.mark.parametrize("text", BAD)
def test_everyday_uses_of_the_word_are_none(text: str) -> None:
    """People would get a text that does not tell them how to opt out, because it says "stop" somewhere."""
    assert not says_stop(text)


@pytest.mark.parametrize(
    "text", ["x" * 1600, "STOP " * 300, "reply with the word " * 80 + "stop by", "opt out " * 150 + "stop x"]
)
def test_a_long_text_is_no_other_matter(text: str) -> None:
    """A text with a thousand words would hold up the whole list; it takes the time limit of a test then."""
    for _ in range(20):
        says_stop(text)
