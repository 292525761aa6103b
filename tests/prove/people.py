"""Lists of people as they come: good rows, duplicates, numbers that are none, empty fields, people who must not be texted.

Who of them is to get which text is worked out here by the way a row was made, not by the code that is proved.
"""

import json
import random
from typing import NamedTuple

TEMPLATE = "Hi {first_name}, vote on Tuesday. STOP to opt out"
_NAMES = ("Ada", "Grace", "Edsger", "Barbara", "Tony", "Radia", "Leslie", "Frances")
_WRITTEN = ("{}", "+{}", "001{}", "+1{}", "011 1 {}", "{} x5", "1{}.0", "0{}", "tel:+1{}", "+1+{}", "home {}")


class Listed(NamedTuple):
    """A list, and what should become of it."""

    rows: list[dict[str, str]]
    planned: dict[str, str]
    """The text of each phone that is to be texted."""
    suppressed: frozenset[str]
    handed_out: dict[str, bytes]
    """The same people as message/next hands them out, by phone; without those that only a list can hold."""

    @property
    def opted_out(self) -> list[str]:
        """Those who must not be texted, as the lists of others write them: each in another way."""
        return [_WRITTEN[number % len(_WRITTEN)].format(phone) for number, phone in enumerate(sorted(self.suppressed))]


def make_list(draw: random.Random, size: int, *, is_handed_out: bool) -> Listed:
    """A list of `size` rows, or as many people to be handed out."""
    rows: list[dict[str, str]] = []
    planned: dict[str, str] = {}
    suppressed: set[str] = set()
    handed_out: dict[str, bytes] = {}
    flaws = draw.choice((0.0, 0.02, 0.1))
    area = draw.choice(("202", "312", "415", "614"))
    for number in range(size):
        phone = f"{area}{320 + number // 10_000}{number % 10_000:04d}"
        name = _NAMES[number % 8]
        flaw = draw.random()
        if flaw < flaws:
            flaw /= flaws
            if flaw < 0.4 and rows:
                rows.append(dict(draw.choice(rows)))
                continue
            if flaw < 0.5:
                rows.append({"phone": "12", "first_name": name})
                continue
            if flaw < 0.7:
                name = ""
            else:
                suppressed.add(phone)
        rows.append({"phone": phone, "first_name": name})
        if is_handed_out:
            handed_out[phone] = json.dumps({"phone": phone, "first_name": name, "rupid": phone}).encode()
        if name and phone not in suppressed:
            planned[phone] = f"Hi {name}, vote on Tuesday. STOP to opt out"
    return Listed(rows, planned, frozenset(suppressed), handed_out)
