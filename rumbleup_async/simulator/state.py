"""The provider's world: contacts, projects, limits, and the texts that left.

Pure: no network, no faults; the clock is handed in. Imports msgspec, the standard library and, of
this folder, `directory`, `project_queue`, `settings` and `texts`.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from .directory import CID, GROUP, PROXY, Card, Directory
from .project_queue import Drawn, Project
from .settings import Settings
from .texts import Texts

__all__ = ["Contact", "World", "digits"]

SENDER = "u_simulator"
BLOCKING = ("dnd", "bad", "landline")  # tags for which a send is refused, in the order they are looked at

_DAY = 86_400.0


def digits(value: object) -> str | None:
    """A phone as this provider writes it: 10 digits, a leading 1 of eleven dropped; None if it is none."""
    text = value if isinstance(value, str) else str(value)
    if not (len(text) == 10 and text.isascii() and text.isdigit()):
        text = "".join(letter for letter in text if letter in "0123456789")
        if len(text) == 11 and text[0] == "1":
            text = text[1:]
    return text if len(text) == 10 else None


class Contact(msgspec.Struct, gc=False):
    """A contact of the account. `fields` is JSON, for a million dicts are not small; without it the phone is the name."""

    phone: str
    fields: bytes = b""
    groups: tuple[str, ...] = ()


class World:
    """Everything the provider knows. `texts` is the truth and the message log in one."""

    def __init__(self, settings: Settings, *, seed: int, keep_texts: bool, clock: Callable[[], float]) -> None:
        self.settings = settings
        self.clock = clock
        self.cid = settings.api_key.partition(":")[0] if settings.api_key.startswith("c_") else CID
        self.texts = Texts(seed=seed, keep_texts=keep_texts)
        self.directory = Directory(self.cid, clock())
        self.projects: dict[str, Project] = {}
        self.contacts: dict[str, Contact] = {}
        self.tags: dict[str, tuple[str, ...]] = {}
        self.updated: dict[str, float] = {}
        """Phone -> when the contact was last changed by a call or a reply."""
        self.on_contact: Callable[[str], object] | None = None
        """Called with the phone of each contact that changes so."""
        self.tests: list[tuple[str, str, str, float]] = []
        """Texts to test phones: action, phone, text, time. They are not texts to contacts, so not in the truth."""
        self.direct: dict[int, tuple[str, str | None]] = {}
        """Position of a text without a project -> the number and the campaign it was sent from."""
        self._sends: deque[float] = deque()
        self._day = -1
        self._texts_today = 0
        self._brands_today: defaultdict[str | None, int] = defaultdict(int)

    def add_project(self, action: str, *, live: bool = True, group: str = GROUP, proxy: str = PROXY) -> Project:
        """A project under this id; an existing one keeps its contacts and takes the new settings."""
        project = self.projects.get(action)
        if project is None:
            project = self.projects[action] = Project(action)
            project.card = Card(name=f"Project {action}", message="Hi @name@. STOP to opt out", created=self.clock())
            project.brand = self.directory.brand_of(project.campaign)
        self.directory.ensure_group(group)
        project.live, project.group, project.proxy = live, group, proxy
        project.card.status = "Live" if live else "Testing"
        return project

    def new_project(self) -> Project:
        """A draft under the next free id."""
        taken = (int(action) for action in self.projects if action.isascii() and action.isdigit())
        action = str(max(taken, default=0) + 1)
        project = self.projects[action] = Project(action, live=False, group="")
        project.campaign = None
        project.card.created = self.clock()
        return project

    def add_contacts(self, action: str, contacts: Iterable[Mapping[str, Any]]) -> int:
        """Import contacts into the project's queue in this order; returns how many were new to it.

        A phone is kept as it is written, so that a reader can be shown odd ones.
        """
        project = self.projects[action]
        before = len(project.members)
        for fields in contacts:
            phone = digits(fields["phone"]) or str(fields["phone"])
            held = self.contacts.get(phone)
            groups = () if held is None else held.groups
            if project.group not in groups:
                groups = (*groups, project.group)
            self.contacts[phone] = Contact(phone, msgspec.json.encode(fields), groups)
            self.queue_up(project, phone)
        return len(project.members) - before

    def touch(self, phone: str) -> None:
        """A contact has changed; whoever wants to know is told."""
        self.updated[phone] = self.clock()
        if self.on_contact is not None:
            self.on_contact(phone)

    def sync(self, phone: str, fields: Mapping[str, Any], group: str | None) -> bool:
        """Create a contact or change the named fields of one; with a group it joins it. Returns whether it is new."""
        held = self.contacts.get(phone)
        if held is None:
            self.contacts[phone] = Contact(phone, msgspec.json.encode(fields))
        else:
            before = msgspec.json.decode(held.fields) if held.fields else {"first_name": phone}
            held.fields = msgspec.json.encode(before | dict(fields))
        if group is not None:
            self.join(phone, group)
        self.touch(phone)
        return held is None

    def join(self, phone: str, group: str) -> None:
        """Put a contact into a group; it queues up in the projects that text this group."""
        held = self.contacts[phone]
        if group not in held.groups:
            held.groups = (*held.groups, group)
        for project in self.projects.values():
            if project.group == group:
                self.queue_up(project, phone)

    def use_group(self, project: Project, group: str) -> None:
        """The project texts this group from now on: its contacts queue up, in the order of the account."""
        if project.group != group:
            project.empty()
            project.group = group
        for phone in self.in_group(group):
            self.queue_up(project, phone)

    def in_group(self, group: str) -> Iterator[str]:
        """The phones of a group, in the order of the account."""
        return (phone for phone, held in self.contacts.items() if group in held.groups)

    def create_contact(self, phone: str, name: str | None, group: str) -> None:
        """What fast mode does for an unknown phone: without a name the phone becomes the first name."""
        if phone not in self.contacts:
            fields = msgspec.json.encode({"first_name": name}) if name else b""
            self.contacts[phone] = Contact(phone, fields, (group,))

    def contact(self, phone: str) -> dict[str, Any] | None:
        """A contact as the API shows it: `cid` and `phone` first, then its fields, `flags` if it has tags."""
        held = self.contacts.get(phone)
        if held is None:
            return None
        fields = msgspec.json.decode(held.fields) if held.fields else {"first_name": phone}
        shown = {"cid": self.cid, "phone": phone, "first_name": "", "last_name": "", **fields}
        if phone in self.tags:
            shown["flags"] = list(self.tags[phone])
        return shown

    def tag(self, phone: str, *tags: str) -> None:
        """Add tags to a phone; `dnd`, `bad` and `landline` block every send to it."""
        self.tags[phone] = tuple(dict.fromkeys((*self.tags.get(phone, ()), *tags)))

    def blocked_by(self, phone: str) -> str | None:
        """The tag that blocks this phone, if any."""
        tags = self.tags.get(phone)
        return next((tag for tag in BLOCKING if tag in tags), None) if tags else None

    def draw(self, project: Project) -> str | Drawn:
        """The next contact of a project, locked from now on."""
        return project.draw(self.clock(), self.settings.lock_seconds, self._passes_over)

    def admits(self, now: float) -> bool:
        """Whether the rate limit lets one more send in: in any window of a second at most `rate_limit` of them."""
        rate = self.settings.rate_limit
        if rate is None:
            return True
        allowed = max(1, int(rate))
        window = allowed / rate if rate > 0 else float("inf")
        sends = self._sends
        while sends and not sends[0] <= now < sends[0] + window:  # a clock set back empties the window, too
            sends.popleft()
        if len(sends) >= allowed:
            return False
        sends.append(now)
        return True

    def cap_reached(self, brand: str | None, now: float) -> bool:
        """Whether today's daily cap is used up: that of the settings, or that of the brand."""
        cap, caps = self.settings.daily_cap, self.directory.caps
        today = self._today(now)
        if cap is not None and today >= cap:
            return True
        return brand in caps and self._brands_today[brand] >= caps[brand]

    def take(
        self, project: Project, *, phone: str, text: str, flags: tuple[str, ...], group: str, now: float, tagged: bool
    ) -> int:
        """The one place where a text leaves: from here on it is in the truth. Returns its position."""
        self._texts_today = self._today(now) + 1
        self._brands_today[project.brand] += 1
        project.close(phone)
        return self.texts.append(phone=phone, action=project.action, text=text, flags=flags, group=group, time=now, tagged=tagged)

    def take_direct(self, *, phone: str, text: str, proxy: str, campaign: str | None, now: float) -> int:
        """The same for a text without a project."""
        self._texts_today = self._today(now) + 1
        self._brands_today[self.directory.brand_of(campaign)] += 1
        position = self.texts.append(phone=phone, action="", text=text, flags=(), group="", time=now)
        self.direct[position] = (proxy, campaign)
        return position

    def locks(self) -> Iterator[tuple[str, str, float]]:
        """Every lock that holds now: action, phone, when it ends (Unix seconds)."""
        now = self.clock()
        for project in self.projects.values():
            project.release_ended(now)
            for phone, end in project.locks.items():
                yield project.action, phone, end

    def queue_up(self, project: Project, phone: str) -> None:
        """Put a contact into a project's queue, unless the project has texted it already."""
        project.add(phone)
        texts = self.texts
        if any(texts.actions[position] == project.action for position in texts.of_phone(phone)):
            project.close(phone)  # texted before it was imported

    def _passes_over(self, phone: str) -> bool:
        return self.settings.next_skips_tagged and bool(self.tags) and self.blocked_by(phone) is not None

    def _today(self, now: float) -> int:
        day = int(now // _DAY)
        if day != self._day:
            self._day, self._texts_today = day, 0
            self._brands_today.clear()
        return self._texts_today
