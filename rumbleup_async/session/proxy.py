"""Proxies: what may be one, what one says of itself, and those of the environment, which are not used.

Lives here: checks and words.

A proxy of the environment is not used unasked: it may see whom a program talks to, and a text that goes another way
than somebody thinks is a text nobody looks for.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from contextvars import ContextVar
from urllib.parse import urlsplit

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.loopback import is_loopback
from rumbleup_async.reasons import Code, Reason

chosen: ContextVar[str | None] = ContextVar("proxy", default=None)
"""The proxy that `from_env` uses where none is handed in: what the command was told by `--proxy`."""

AUTH = __name__.partition("_")[0].upper() + "_PROXY_AUTH"
"""The variable with a proxy's credentials, which has the name of this package and not of a provider."""

_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")


def check(proxy: str, base_url: str) -> str:
    """The address of a proxy, or ConfigurationError."""
    given: object = proxy
    try:
        parts = urlsplit(proxy) if isinstance(given, str) else None
        port = None if parts is None else parts.port
    except ValueError:
        parts, port = None, None
    if parts is not None and ("@" in parts.netloc or parts.username is not None):
        raise ConfigurationError(f"the proxy's URL must not contain a name or password; {AUTH} holds them, as NAME:PASSWORD")
    if parts is not None and parts.scheme.startswith("socks"):
        raise ConfigurationError("SOCKS proxies are not known; give an HTTP proxy, http://host:port")
    good = parts is not None and parts.scheme == "http" and parts.hostname and port != 0 and parts.path in {"", "/"}
    if parts is None or not good or not proxy.isascii() or not proxy.isprintable() or set(" ?#\\") & set(proxy):
        raise ConfigurationError("a proxy must look like http://host:port")
    if urlsplit(base_url).scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ConfigurationError("plain http does not go through a proxy on another machine: the key would be shown to it")
    return proxy.rstrip("/")


def credentials(auth: str) -> str:
    """The header of a proxy's credentials, which are given as NAME:PASSWORD;
    ConfigurationError for what cannot be meant."""
    name, colon, _ = auth.partition(":")
    if not (name and colon) or not auth.isprintable():
        raise ConfigurationError(f"the proxy's credentials ({AUTH}) must be NAME:PASSWORD")
    return "Basic " + base64.b64encode(auth.encode()).decode()


def unused(environ: Mapping[str, str] | None = None) -> str:
    """The variables that name a proxy, none of which is used, as the beginning of a sentence; "" for none."""
    environ = os.environ if environ is None else environ
    names = [name for upper in _VARIABLES for name in (upper, upper.lower()) if environ.get(name, "").strip()]
    return " and ".join(names) + (" are" if len(names) > 1 else " is" if names else "")


def hint(proxy: str | None, environ: Mapping[str, str] | None = None) -> str:
    """What to say where a connection fails: of the variables that are not used, or of the proxy that is."""
    if proxy is not None:
        return "the proxy's address"
    names = unused(environ)
    return f"the way there ({names} set and not used: give the proxy by --proxy)" if names else ""


def refusal(status: int) -> Reason:
    """What an answer of the proxy itself means. Nothing has left: the way to the server was never open."""
    match status:
        case 407:
            words = f"the proxy wants a name and a password (407); set {AUTH}"
        case 403:
            words = "the proxy does not let this through (403)"
        case 502 | 503 | 504:
            words = f"the proxy did not reach the server ({status})"
        case _:
            words = f"the proxy answered {status}"
    return Reason(Code.PROXY, words)
