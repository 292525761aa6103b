"""The account's contacts and their groups: `contact/*` and `group/get`. Pure.

The contacts pages document only the contact object and that these calls exist. The filters, the name of the uploaded
part and the replies are those that integrators use.
"""

from collections.abc import Callable
from typing import Any

from rumbleup_async.simulator.world import times
from rumbleup_async.simulator.world.inbound import Inbound
from rumbleup_async.simulator.world.phones import digits
from rumbleup_async.simulator.world.replies import Refusal, Reply, error, field, ok
from rumbleup_async.simulator.world.request_parsing import Params, Upload, listed
from rumbleup_async.simulator.world.times import Stamp
from rumbleup_async.simulator.world.world import World

from . import contact_files, paging

__all__ = ["Contacts"]

_NOT_FIELDS = frozenset(
    {"cid", "phone", "rupid", "flags", "group", "action", "reaction", "create_time", "update_time", "sent_time"}
)


class Contacts:
    """The endpoints of contacts and groups."""

    def __init__(self, world: World, inbound: Inbound, stamp: Stamp) -> None:
        self._world = world
        self._inbound = inbound
        self._stamp = stamp

    def select(self, params: Params) -> Reply:
        """The contacts that pass all filters: group, action, flags, noflags, q, since."""
        tests = self._tests(params)
        rows = [phone for phone in self._world.contacts if all(test(phone) for test in tests)]
        return paging.page(rows, params, self._world.settings.page_size, self.show)

    def sync(self, params: Params) -> Reply:
        """Create or change one contact, and add it to the groups and the projects' queues that are named."""
        world = self._world
        phone = digits(params.get("phone") or "")
        if phone is None:
            raise field("phone: " + ("not a valid phone number" if params.get("phone") else "is required"))
        groups, actions = listed(params.get("group")), listed(params.get("action"))
        for gid in groups:
            if gid not in world.account_data.groups:
                raise field("group: no such group")
        for action in actions:
            if action not in world.projects:
                raise field("action: no such project")
        if flags := listed(params.get("flags")):
            world.tag(phone, *flags)
        world.sync(phone, {name: value for name, value in params.items() if name not in _NOT_FIELDS})
        for gid in groups:
            world.join(phone, gid)
        for action in actions:
            world.queue_up(world.projects[action], phone)
        return ok(self.show(phone))

    def import_list(self, params: Params) -> Reply:
        """Make a group of an uploaded CSV."""
        part = next((name for name, value in params.items() if isinstance(value, Upload)), "csv")
        gid = contact_files.load(self._world, params.get(part), part)
        name = params.get("name")
        if isinstance(name, str) and name.strip():
            self._world.account_data.groups[gid].name = name.strip()
        return self.group(gid, {})

    def group(self, gid: str, params: Params) -> Reply:  # noqa: ARG002
        """One group, with the number of its contacts."""
        group = self._world.account_data.groups.get(gid)
        count = sum(1 for _ in self._world.in_group(gid))
        if group is None and not count:
            raise Refusal(error(404, "No such group"))
        if group is None:  # the group was only named by a text in fast mode
            group = self._world.account_data.ensure_group(gid)
        return ok(
            {
                "cid": self._world.cid,
                "gid": gid,
                "group": gid,
                "name": group.name,
                "status": group.status,
                "count": count,
                "create_time": self._stamp.write("A", group.created),
            }
        )

    def download(self, params: Params) -> Reply:
        """The contacts of the group `gid` as CSV."""
        gid = str(params.get("gid") or params.get("group") or "")
        if not gid:
            raise field("gid: is required")
        if gid not in self._world.account_data.groups:
            raise Refusal(error(404, "No such group"))
        rows = (self.show(phone) for phone in self._world.in_group(gid))
        return contact_files.csv_reply(rows, (*contact_files.COLUMNS, "group", "flags"))

    def show(self, phone: str) -> dict[str, Any]:
        """The contact object, with groups, projects and times."""
        world = self._world
        positions = world.texts.of_phone(phone)
        shown = (world.contact(phone) or {"cid": world.cid, "phone": phone}) | {
            "rupid": phone,
            "group": list(world.contacts[phone].groups) if phone in world.contacts else [],
            "action": list(dict.fromkeys(action for place in positions if (action := world.texts.actions[place]))),
            "reaction": list(dict.fromkeys(reply.action for reply in self._inbound.replies if reply.phone == phone)),
            "create_time": self._stamp.write("A", world.account_data.now),
            "update_time": self._stamp.write("A", world.updated.get(phone, world.account_data.now)),
            "flags": list(world.tags.get(phone, ())),
        }
        shown.setdefault("name", f"{shown.get('first_name', '')} {shown.get('last_name', '')}".strip())
        if positions:
            shown["sent_time"] = self._stamp.write("A", world.texts.times[positions[-1]])
        return shown

    def _tests(self, params: Params) -> list[Callable[[str], bool]]:
        world = self._world
        tests: list[Callable[[str], bool]] = []
        if groups := set(listed(params.get("group"))):
            tests.append(lambda phone: not groups.isdisjoint(world.contacts[phone].groups))
        if actions := set(listed(params.get("actions")) or listed(params.get("action"))):
            members = set().union(*(world.projects[action].members for action in actions if action in world.projects))
            tests.append(
                lambda phone: (
                    phone in members or any(world.texts.actions[place] in actions for place in world.texts.of_phone(phone))
                )
            )
        if flags := set(listed(params.get("flags"))):
            tests.append(lambda phone: not flags.isdisjoint(world.tags.get(phone, ())))
        if noflags := set(listed(params.get("noflags"))):
            tests.append(lambda phone: noflags.isdisjoint(world.tags.get(phone, ())))
        if q := str(params.get("q") or "").lower():
            tests.append(lambda phone: any(q in str(value).lower() for value in (world.contact(phone) or {}).values()))
        if params.get("since") not in (None, ""):
            since = times.read(str(params["since"]))
            if since is None:
                raise field("since: is not a time")
            tests.append(lambda phone: world.updated.get(phone, world.account_data.now) >= since)
        return tests
