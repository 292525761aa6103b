"""The seeded choice of faults: which request fails, by rate or by phone. Pure.

The choice for a send depends on the seed, the phone and the number of its attempts so far, and on nothing else. So a
run can be repeated with the same faults, whatever the order of its requests.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import accumulate

from .fault_kinds import ALIASES, ENDPOINTS, KINDS, TAG_KINDS, Kind, parse, resolve

__all__ = ["ALIASES", "ENDPOINTS", "KINDS", "Faults", "Kind", "parse", "resolve"]


class Faults:
    """Chooses the fault of each request. Faults that are set for a phone come before the rates."""

    def __init__(self, seed: int, rates: Mapping[str, float] | Iterable[str] = ()) -> None:
        self.seed = seed
        self.active = False
        self._attempts: dict[tuple[str, str], int] = {}
        self._plans: dict[tuple[str, str], tuple[list[Kind | None], bool]] = {}
        self.set_rates(rates)

    def set_rates(self, rates: Mapping[str, float] | Iterable[str]) -> None:
        """Replace all rates. ValueError if the rates of one endpoint add up to more than 1."""
        if not isinstance(rates, Mapping):
            rates = parse(rates)
        by_endpoint: dict[str, list[tuple[Kind, float]]] = {endpoint: [] for endpoint in ENDPOINTS}
        for name, rate in sorted(rates.items()):
            endpoint, kind = resolve(name)
            if not 0 <= rate <= 1:
                raise ValueError(f"fault {name!r}: the rate is a part of 1, from 0 to 1")
            by_endpoint[endpoint].append((kind, rate))
        tag_rates = [(kind.name, rate) for kind, rate in by_endpoint["log"] if kind.name in TAG_KINDS]
        table: dict[str, tuple[list[float], list[Kind]]] = {}
        for endpoint, all_rows in by_endpoint.items():
            rows = [row for row in all_rows if row[0].name not in TAG_KINDS]
            edges = list(accumulate(rate for _, rate in rows))
            if edges and edges[-1] > 1 + 1e-9:
                raise ValueError(f"the fault rates of {endpoint!r} add up to more than 1")
            if rows:
                table[endpoint] = (edges, [kind for kind, _ in rows])
        self.rates = dict(rates)
        self._table = table
        self._tag_rates = tag_rates
        self._refresh()

    def set_phone(self, phone: str, faults: str | Sequence[str | None] | None) -> None:
        """Set the faults of a phone: one name for every attempt, a list for its next attempts in turn, or None for no faults."""
        for endpoint in ENDPOINTS:
            self._plans.pop((endpoint, phone), None)
        if faults is not None:
            for name in [faults] if isinstance(faults, str) else faults:
                endpoint, kind = ("send", None) if name is None else resolve(name)
                if endpoint == "next" and kind is not None and not kind.left:
                    raise ValueError(f"fault {name!r}: the phone is known only after the work; give it a rate instead")
                plan, _ = self._plans.setdefault((endpoint, phone), ([], isinstance(faults, str)))
                plan.append(kind)
        self._refresh()

    def choose(self, endpoint: str, key: str) -> Kind | None:
        """The fault of the next request with this key, if it has one. The key of a send is its phone."""
        attempt = self._attempts.get((endpoint, key), 0) + 1
        self._attempts[endpoint, key] = attempt
        plan = self._plans.get((endpoint, key))
        if plan is not None:
            return _step(plan)
        rows = self._table.get(endpoint)
        if rows is None:
            return None
        edges, kinds = rows
        place = bisect_right(edges, self._random(f"{endpoint} {key} {attempt}"))
        return kinds[place] if place < len(kinds) else None

    def planned(self, endpoint: str, phone: str) -> Kind | None:
        """The fault that is set for a phone which is known only after the work, as in `message/next`."""
        plan = self._plans.get((endpoint, phone))
        return None if plan is None else _step(plan)

    def tag_fault(self, phone: str, nth: int) -> str:
        """The kind of TAG_KINDS for the text that leaves now, which is the nth to this phone; "" for none."""
        kind = self.planned("log", phone)
        if kind is not None and kind.name in TAG_KINDS:
            return kind.name
        random = self._random(f"tags {phone} {nth}") if self._tag_rates else 1.0
        for name, rate in self._tag_rates:
            if random < rate:
                return name
            random -= rate
        return ""

    def _random(self, of: str) -> float:
        hashed = blake2b(f"{self.seed} {of}".encode(), digest_size=7).digest()
        return int.from_bytes(hashed, "big") / (1 << 56)

    def _refresh(self) -> None:
        self.active = bool(self._table or self._plans or self._tag_rates)


def _step(plan: tuple[list[Kind | None], bool]) -> Kind | None:
    kinds, always = plan
    if always:
        return kinds[0]
    return kinds.pop(0) if kinds else None
