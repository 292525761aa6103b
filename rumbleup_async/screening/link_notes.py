"""What is worth knowing of the links in a text before it leaves.

Lives here: words. Pure.

Carriers filter the domains that shorteners share among all their users:
https://support.prokeep.com/support/solutions/articles/33000248919
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from rumbleup_async.screening.links import links

_SHARED = """
bit.ly bitly.com tinyurl.com t.co goo.gl ow.ly is.gd v.gd buff.ly rebrand.ly cutt.ly shorturl.at tiny.cc tiny.one rb.gy t.ly
bl.ink lnkd.in s.id soo.gd adf.ly bit.do mcaf.ee clck.ru shorte.st qr.ae u.to x.co po.st su.pr urlz.fr dub.sh short.gy tny.im
snip.ly shorturl.com tr.im budurl.com clicky.me hyperurl.co lc.chat urls.fr
"""
SHORTENERS: Final = frozenset(_SHARED.split())
"""Domains that lend their short links to everybody."""

_host = re.compile(r"(?:https?:/{1,2})?(?:[^/?#@\s]*@)?(?:www\.)?(?P<host>[\w.-]+)", re.IGNORECASE).match
_END: Final = ".,;:!?)]'\"\u2019\u201d"


def written(view: str, piece: Callable[[int, int], str]) -> list[str]:
    """The links of a text, each once, without the sentence's own signs behind them. `piece(start, end)`: as it was written."""
    found: list[str] = []
    for start, end in links(view):
        found.append(piece(start, start + len(view[start:end].rstrip(_END))))
    return list(dict.fromkeys(found))


def notes_of(addresses: list[str]) -> list[str]:
    """Which links there are, and what is to be said of some of them."""
    if not addresses:
        return []
    notes = [f"{'the text links to' if len(addresses) == 1 else 'the text has these links:'} {', '.join(addresses)}"]
    for address in addresses:
        found = _host(address)
        host = found["host"].lower().rstrip(".") if found else ""
        if host in SHORTENERS:
            notes.append(f"{address}: carriers filter links of shorteners that everybody uses; write a link of your own domain")
        if address.lower().startswith("http:"):
            notes.append(f"{address}: browsers warn of a link without https; write https:// if the site has it")
    return notes
