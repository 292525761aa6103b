"""Which server and which account a ledger belongs to.

Lives here: how an address and a key are told from others without asking anybody, and what a person can do where they
differ.

A rehearsal on this machine and the real campaign have the same list, text and project: only the address tells them apart. Two
accounts have different logs: what one has sent, the log of the other does not show.
"""

from __future__ import annotations

import hashlib
import ipaddress
import posixpath
import re
import socket
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

import msgspec

from rumbleup_async.errors import LedgerMismatch
from rumbleup_async.loopback import is_loopback
from rumbleup_async.messaging import Identity

_THIS_MACHINE = "localhost"
_NAMES = frozenset({"localhost", "localhost.localdomain", "localhost4", "localhost6", "ip6-localhost", "ip6-loopback"})
_PORTS = {"https": 443, "http": 80}
_numeric = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}").fullmatch


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has said of a ledger that its checks cannot know.

    `same_account`: the key is another one of the same account. `same_server`: the address is a new one of the same server.
    `original`: this file is the one to go on with, wherever a copy of it stands. `log_lost`: its write-ahead log is lost for
    good, so whoever was queued counts as unknown.
    """

    same_account: bool = False
    same_server: bool = False
    original: bool = False
    log_lost: bool = False


def identity_of(provider: str, base_url: str, public: str, aliases: Mapping[str, str] | None = None) -> Identity:
    """Of the address and the key's public half, which is kept as a short hash. `aliases`: other names of the server's host."""
    account = hashlib.sha256(f"{provider}:{public}".encode()).hexdigest()[:16]
    return Identity(provider=provider, server=server(base_url, aliases), account=account)


def server(base_url: str, aliases: Mapping[str, str] | None = None) -> str:
    """An address in the one form in which it is kept: `https://host:443/api`."""
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError:
        return ""
    scheme = parts.scheme.lower()
    host = _host(parts.hostname or "")
    host = (aliases or {}).get(host, host)
    path = posixpath.normpath("/" + quote(unquote(parts.path), safe="/:@!$&'()*+,;=~").lstrip("/"))
    where = f"[{host}]" if ":" in host else host
    return f"{scheme}://{where}:{port or _PORTS.get(scheme, 0)}{'' if path == '/' else path}"


def _host(name: str) -> str:
    host = name.lower().rstrip(".")
    if host in _NAMES or host.endswith(".localhost"):
        return _THIS_MACHINE
    address = _address(host)
    if address is None:
        try:
            return host.encode("idna").decode()
        except UnicodeError:
            return host
    if address.is_unspecified or address in _LOOPBACKS:
        return _THIS_MACHINE
    return str(address)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host is, in any way of writing that a resolver takes: `127.1`, `0x7f.1`, `2130706433`, `::1`."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        if not _numeric(host):
            return None
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host))
        except OSError:
            return None
    if isinstance(found, ipaddress.IPv6Address):
        return found.ipv4_mapped or ipaddress.IPv6Address(int(found))
    return found


_LOOPBACKS = frozenset({ipaddress.IPv4Address("127.0.0.1"), ipaddress.IPv6Address("::1")})


def is_here(address: str) -> bool:
    """Whether a server, as `server` writes it, is on this machine."""
    return is_loopback(urlsplit(address).hostname or "")


def check(stored: Identity, now: Identity, consent: Consent, where: str) -> None:
    """LedgerMismatch, with what a person can do, unless a run of the one identity may be gone on with by the other."""
    if stored.provider != now.provider:
        raise LedgerMismatch(f"{where} belongs to a run over {stored.provider}")
    problems = []
    if stored.server != now.server:
        to = f"{where} belongs to a run against {_shown(stored.server)}, and this command would go to {_shown(now.server)}"
        if is_here(stored.server) is not is_here(now.server):
            raise LedgerMismatch(
                f"{to}: what was rehearsed on this machine and what is sent to the provider never share a ledger; "
                "set the address back, or use another ledger"
            )
        if not consent.same_server:
            problems.append(
                f"{to}; set the address back, or, if it is a new address of the same server, add --same-server (in Python "
                "same_server=True)"
            )
    if stored.account != now.account and not consent.same_account:
        problems.append(
            f"{where if not problems else 'it also'} belongs to a run with another API key; use that key, or, if this is another "
            "key of the same account, add --same-account (in Python same_account=True)"
        )
    if problems:
        raise LedgerMismatch(f"{'; '.join(problems)}; a run of another account or server needs another ledger")


def adopted(where: str, now: Identity) -> str:
    """What is said of a ledger that did not know where it belongs."""
    return f"{where} did not say which server and account it belongs to; from now on it is {_shown(now.server)} and this API key"


def _shown(address: str) -> str:
    parts = urlsplit(address)
    default = _PORTS.get(parts.scheme)
    return address.replace(f":{default}", "", 1) if default is not None and parts.port == default else address
