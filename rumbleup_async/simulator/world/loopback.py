"""Which addresses are on this machine. Pure.

The simulator listens on loopback only and posts to loopback only.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

__all__ = ["is_loopback", "is_loopback_url"]


def is_loopback(host: str) -> bool:
    """Whether the host is `localhost` or a loopback IP address."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def is_loopback_url(url: str) -> bool:
    """Whether the URL's host is on this machine."""
    return is_loopback(urlsplit(url).hostname or "")
