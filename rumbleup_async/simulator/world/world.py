"""The provider's world: contacts, projects, limits, and the texts that left. Pure; the clock is handed in."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from .account_data import CID, GROUP, PROXY, AccountData, Card
from .limits import Limits
from .phones import digits
from .project_queue import NobodyReason, Project
from .settings import Settings
from .texts import Texts

__all__ = ["Contact", "World"]

_BLOCKING = ("dnd", "bad", "landline")
"""Tags for which every send is refused, in the order in which they are looked at."""


class Contact(msgspec.Struct, gc=False):
    """A contact of the account.

    `fields` is JSON, because a million dicts need too much memory. Without fields the phone is the first name.
    """

    phone: str
    fields: bytes = b""
    groups: tuple[str, ...] = ()


class World:
    """Everything the provider knows. `texts` is both the truth and the source of the message log."""

    def __init__(self, settings: Settings, *, seed: int, keep_texts: bool, clock: Callable[[], float]) -> None:
        self.settings = settings
        self.clock = clock
        self.cid = settings.api_key.partition(":")[0] if settings.api_key.startswith("c_") else CID
        self.texts = Texts(seed=seed, keep_texts=keep_texts)
        self.account_data = AccountData(self.cid, clock())
        self.limits = Limits(settings, self.account_data)
        self.projects: dict[str, Project] = {}
        self.contacts: dict[str, Contact] = {}
        self.tags: dict[str, tuple[str, ...]] = {}
        self.updated: dict[str, float] = {}
        """Phone -> when a call or a reply last changed the contact (Unix seconds)."""
        self.on_contact: Callable[[str], object] | None = None
        """Called with the phone of each contact that a call or a reply changes."""
        self.tests: list[tuple[str, str, str, float]] = []
        """Texts to test phones: action, phone, text, time. They are not in the truth, which holds texts to contacts."""
        self.direct: dict[int, tuple[str, str | None]] = {}
        """Position of a text without a project -> its number and its campaign."""

    def add_project(self, action: str, *, live: bool = True, group: str = GROUP, proxy: str = PROXY) -> Project:
        """The project with this id. One that exists keeps its contacts and takes the new settings."""
        project = self.projects.get(action)
        if project is None:
            project = self.projects[action] = Project(action)
            project.card = Card(name=f"Project {action}", message="Hi @name@. STOP to opt out", created=self.clock())
            project.brand = self.account_data.brand_of(project.campaign)
        self.account_data.ensure_group(group)
        project.live, project.group, project.proxy = live, group, proxy
        project.card.status = "Live" if live else "Testing"
        return project

    def new_project(self) -> Project:
        """A new draft with the next free id."""
        taken = (int(action) for action in self.projects if action.isascii() and action.isdigit())
        action = str(max(taken, default=0) + 1)
        project = self.projects[action] = Project(action, live=False, group="")
        project.campaign = None
        project.card.created = self.clock()
        return project

    def add_contacts(self, action: str, contacts: Iterable[Mapping[str, Any]]) -> int:
        """Import contacts into the project's queue in this order. Returns how many of them were new to the project.

        A value that is no phone number is kept as it is, so that a client can be tested with odd phones.
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
        """Record that a contact has changed, and tell the observer."""
        self.updated[phone] = self.clock()
        if self.on_contact is not None:
            self.on_contact(phone)

    def sync(self, phone: str, fields: Mapping[str, Any], group: str | None = None) -> None:
        """Create a contact, or change the named fields of an existing one, and add it to the group if one is given."""
        held = self.contacts.get(phone)
        if held is None:
            self.contacts[phone] = Contact(phone, msgspec.json.encode(fields))
        else:
            before = msgspec.json.decode(held.fields) if held.fields else {"first_name": phone}
            held.fields = msgspec.json.encode(before | dict(fields))
        if group is not None:
            self.join(phone, group)
        self.touch(phone)

    def join(self, phone: str, group: str) -> None:
        """Add a contact to a group, and to the queue of each project that texts this group."""
        held = self.contacts[phone]
        if group not in held.groups:
            held.groups = (*held.groups, group)
        for project in self.projects.values():
            if project.group == group:
                self.queue_up(project, phone)

    def use_group(self, project: Project, group: str) -> None:
        """Make the project text this group. The group's contacts enter the queue in the order of the account."""
        if project.group != group:
            project.empty()
            project.group = group
        for phone in self.in_group(group):
            self.queue_up(project, phone)

    def in_group(self, group: str) -> Iterator[str]:
        """The phones of a group, in the order of the account."""
        return (phone for phone, held in self.contacts.items() if group in held.groups)

    def create_contact(self, phone: str, name: str | None, group: str) -> None:
        """Create the contact if it is unknown, as fast mode does. Without a name the phone becomes the first name."""
        if phone not in self.contacts:
            fields = msgspec.json.encode({"first_name": name}) if name else b""
            self.contacts[phone] = Contact(phone, fields, (group,))

    def contact(self, phone: str) -> dict[str, Any] | None:
        """A contact as the API shows it: `cid`, `phone`, its fields, and `flags` if it has tags. None if there is no contact."""
        held = self.contacts.get(phone)
        if held is None:
            return None
        fields = msgspec.json.decode(held.fields) if held.fields else {"first_name": phone}
        shown = {"cid": self.cid, "phone": phone, "first_name": "", "last_name": "", **fields}
        if phone in self.tags:
            shown["flags"] = list(self.tags[phone])
        return shown

    def tag(self, phone: str, *tags: str) -> None:
        """Add tags to a phone. The tags `dnd`, `bad` and `landline` block every send to it."""
        self.tags[phone] = tuple(dict.fromkeys((*self.tags.get(phone, ()), *tags)))

    def blocked_by(self, phone: str) -> str | None:
        """The tag that blocks sends to this phone, if it has one."""
        tags = self.tags.get(phone)
        return next((tag for tag in _BLOCKING if tag in tags), None) if tags else None

    def lock_next(self, project: Project) -> str | NobodyReason:
        """Lock the project's next contact and return its phone."""
        return project.lock_next(self.clock(), self.settings.lock_seconds, self._passes_over)

    def take(
        self, project: Project, *, phone: str, text: str, flags: tuple[str, ...], group: str, now: float, tagged: bool
    ) -> int:
        """Let a text to a contact of a project leave: it is in the truth from now on. Returns its position."""
        self.limits.count_text(project.brand, now)
        project.close(phone)
        return self.texts.append(phone=phone, action=project.action, text=text, flags=flags, group=group, time=now, tagged=tagged)

    def take_direct(self, *, phone: str, text: str, proxy: str, campaign: str | None, now: float) -> int:
        """Let a text without a project leave. Returns its position."""
        self.limits.count_text(self.account_data.brand_of(campaign), now)
        position = self.texts.append(phone=phone, action="", text=text, flags=(), group="", time=now)
        self.direct[position] = (proxy, campaign)
        return position

    def locks(self) -> Iterator[tuple[str, str, float]]:
        """Every lock that holds now: action, phone, and when the lock ends (Unix seconds)."""
        now = self.clock()
        for project in self.projects.values():
            project.release_ended(now)
            for phone, end in project.locks.items():
                yield project.action, phone, end

    def queue_up(self, project: Project, phone: str) -> None:
        """Add a contact to a project's queue. A contact that the project has texted before is closed at once."""
        project.add(phone)
        texts = self.texts
        if any(texts.actions[position] == project.action for position in texts.of_phone(phone)):
            project.close(phone)

    def _passes_over(self, phone: str) -> bool:
        return self.settings.next_skips_tagged and bool(self.tags) and self.blocked_by(phone) is not None
