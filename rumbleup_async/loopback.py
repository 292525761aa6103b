"""Whether a host is this very machine.

Lives here: the one answer that connections, ledgers and rules go by. Pure.
"""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether traffic to this host name or address stays on this machine. Other ways of writing an address, such as `127.1`,
    are not taken for one."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
