"""Which keys the RumbleUp API accepts. Pure. Source: the API overview page."""

from base64 import b64decode, b64encode

from rumbleup_async.simulator.world.settings import Settings

__all__ = ["Credentials"]


class Credentials:
    """Checks Authorization headers against the settings `api_key` and `any_key`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._key: str | None = None
        self._accepted: frozenset[str] = frozenset()

    def accept(self, authorization: str | None) -> bool:
        """Whether a request with this Authorization header is let in."""
        key = self._settings.api_key
        if key != self._key:
            basic = b64encode(key.encode()).decode()
            legacy = key.startswith("c_")
            self._accepted = frozenset({f"Basic {basic}"} if legacy else {f"Basic {basic}", f"Bearer {key}"})
            self._key = key
        if authorization in self._accepted:
            return True
        scheme, _, credentials = (authorization or "").partition(" ")
        scheme, credentials = scheme.capitalize(), credentials.strip()
        return f"{scheme} {credentials}" in self._accepted or (self._settings.any_key and _is_well_formed(scheme, credentials))


def _is_well_formed(scheme: str, credentials: str) -> bool:
    """Whether this is a pair of two parts. A legacy key, which begins with `c_`, is for Basic only."""
    if scheme == "Basic":
        try:
            credentials = b64decode(credentials, validate=True).decode()
        except ValueError:
            return False
    elif scheme != "Bearer" or credentials.startswith("c_"):
        return False
    user, colon, secret = credentials.partition(":")
    return bool(user and colon and secret)
