"""Who may post events: checks of a secret that both sides know.

Lives here: checks, all of the form `check(headers, query) -> bool`.

No provider signs its requests. A secret that travels with each request is the only proof, so give the address to the
provider with https. Every check accepts several secrets, so that a secret can be changed without losing an event:
accept both, change it at the provider, remove the old one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from typing import Literal

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.webhooks.ports import Check


class Secret:
    """Checks whether a header or a parameter of the URL has one of the accepted values.

    The comparison takes the same time for every value: both sides are hashed with a key of this process, and all accepted
    values are compared. A `repr` shows no value. ConfigurationError for an empty secret, or none.
    """

    def __init__(self, place: Literal["header", "query"], name: str, accepted: Iterable[str | bytes], scheme: str = "") -> None:
        values = [value.encode() if isinstance(value, str) else value for value in accepted]
        if not values or not all(values):
            raise ConfigurationError(f"the check of the {place} {name!r} needs a secret, and it must not be empty")
        self._place = place
        self._name = name
        self._scheme = scheme
        self._salt = secrets.token_bytes(32)
        self._accepted = [self._digest(value) for value in values]

    def __call__(self, headers: Mapping[str, str], query: Mapping[str, str]) -> bool:
        given = _header(headers, self._name) if self._place == "header" else query.get(self._name, "")
        if self._scheme:
            scheme, _, given = given.partition(" ")
            if scheme.lower() != self._scheme:
                return False
        digest = self._digest(given.strip().encode("utf-8", "surrogateescape"))
        matches = [hmac.compare_digest(digest, accepted) for accepted in self._accepted]
        return any(matches)

    def _digest(self, value: bytes) -> bytes:
        return hashlib.blake2b(value, key=self._salt, digest_size=32).digest()

    def __repr__(self) -> str:
        return f"Secret({self._place} {self._name!r}, {len(self._accepted)} accepted)"


def basic(*pairs: tuple[str, str]) -> Secret:
    """Check for `Authorization: Basic …` with one of these pairs of user and password."""
    for user, password in pairs:
        if not user or not password or ":" in user:
            raise ConfigurationError("Basic needs a user without a colon, and a password")
    # No page says how a provider encodes a password. For ASCII both encodings are the same.
    texts = [f"{user}:{password}" for user, password in pairs]
    forms = {text.encode() for text in texts} | {text.encode("latin-1") for text in texts if _is_latin(text)}
    return Secret("header", "Authorization", sorted(base64.b64encode(form) for form in forms), "basic")


def bearer(*tokens: str) -> Secret:
    """Check for `Authorization: Bearer …` with one of these tokens.

    RumbleUp sends the user name as the token if no password is set.
    """
    return Secret("header", "Authorization", tokens, "bearer")


def header(name: str, *values: str) -> Secret:
    """Check for a header with one of these values, such as `sb-signing-secret`."""
    return Secret("header", name, values)


def query(name: str, *values: str) -> Secret:
    """Check for a parameter of the URL with one of these values.

    Prefer a header where the provider sends one: proxies write URLs to their logs.
    """
    return Secret("query", name, values)


def any_of(*checks: Check) -> Check:
    """Check whether one of these checks accepts the request. All are asked, so that the time does not show which one did."""
    if not checks:
        raise ConfigurationError("any_of needs a check")

    def check(headers: Mapping[str, str], query: Mapping[str, str]) -> bool:
        return any([one(headers, query) for one in checks])  # noqa: C419 - a list: all of them

    return check


def _header(headers: Mapping[str, str], name: str) -> str:
    found = headers.get(name)
    if found is not None:
        return found
    return next((value for key, value in headers.items() if key.lower() == name.lower()), "")


def _is_latin(text: str) -> bool:
    return all(ord(letter) < 256 for letter in text)
