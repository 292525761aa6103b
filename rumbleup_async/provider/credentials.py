"""Keys and addresses as people paste them: what came along with them is named, so that no request is made with it.

Lives here: checks that show nothing of what they check.

`docker --env-file` keeps quotes, shells and word processors add them, and a line of a settings file has a name before the key.
"""

from __future__ import annotations

import re

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.patterns import when_used

_QUOTES = "\"'`\u00b4\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2039\u203a\u00ab\u00bb\u2032\u2033\uff02\uff07"
_NAMED = when_used(r"\s*(?:export\s+|set\s+|\$env:)?[A-Za-z][A-Za-z0-9]*_[A-Za-z0-9_]+\s*=", re.IGNORECASE)
_SCHEME = when_used(r"\s*(?:authorization\s*:\s*)?(?:basic|bearer)[\s:]", re.IGNORECASE)
_HEADER = when_used(r"\s*authorization\s*:", re.IGNORECASE)
_COMMENT = when_used(r"\s#")


def check(value: object, what: str) -> None:
    """ConfigurationError for a key that has something around it that no key has. `what`: how the key is called."""
    if not isinstance(value, str):
        raise ConfigurationError(
            f"{what} is a string, not {type(value).__name__}; where an environment variable is missing, os.environ.get gives None"
        )
    if trouble := _trouble(value) or _within(value):
        raise ConfigurationError(f"{what} {trouble}")


def check_address(value: object, what: str) -> None:
    """The same for an address."""
    if isinstance(value, str) and (trouble := _trouble(value)):
        raise ConfigurationError(f"{what} {trouble}")


def _trouble(value: str) -> str:
    text = value.strip()
    if text[:1] in _QUOTES and text:
        return "begins with a quote; give it without quotes (docker --env-file keeps them)"
    if text[-1:] in _QUOTES and text:
        return "ends with a quote; give it without quotes"
    if _NAMED.match(text):
        return "begins with the name of a variable and an equals sign; give only what stands behind them"
    if _COMMENT.search(text):
        return "has a comment behind it (#); leave the comment out"
    return ""


def _within(value: str) -> str:
    if any(mark in value for mark in _QUOTES):
        return "has a quote in it, which no key has; copy it again from where the provider shows it"
    if _SCHEME.match(value) or _HEADER.match(value):
        return "begins with the word of a header (Basic, Bearer); give only the key itself"
    return ""
