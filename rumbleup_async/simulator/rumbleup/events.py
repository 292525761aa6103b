"""What the account's webhooks are told: receipts, replies, changed contacts, finished reports. Pure.

Source: the webhooks page.
"""

from typing import Any

from rumbleup_async.simulator.world.deliveries import Deliveries
from rumbleup_async.simulator.world.inbound import Inbound, Reply
from rumbleup_async.simulator.world.webhook_queue import Webhooks
from rumbleup_async.simulator.world.world import World

from .contacts import Contacts
from .message_object import MessageObjects
from .reports import Report, Reports

__all__ = ["Events"]

_NOT_IN_EVENTS = ("sender", "tcr_cid", "group", "price")


class Events:
    """Turns what happens in the world into events."""

    def __init__(self, world: World, webhooks: Webhooks, objects: MessageObjects, contacts: Contacts, reports: Reports) -> None:
        self._world = world
        self._webhooks = webhooks
        self._objects = objects
        self._contacts = contacts
        self._reports = reports

    def observe(self, deliveries: Deliveries, inbound: Inbound) -> None:
        """Listen to the world and to the reports from now on."""
        deliveries.on_receipt = self._receipt
        inbound.on_reply = self._reply
        self._world.on_contact = self._contact
        self._reports.on_done = self._report

    def _receipt(self, position: int) -> None:
        if self._webhooks.hooks:
            row = self._objects.text(position, "B")
            self._webhooks.tell("DELIVERY_RECEIPT", self._message(row, row["phone"]))

    def _reply(self, reply: Reply) -> None:
        if self._webhooks.hooks:
            row = self._message(self._objects.reply(reply, "B"), reply.phone)
            row.pop("status", None)
            source = (self._world.contact(reply.phone) or {}).get("source", "")
            self._webhooks.tell("MESSAGE_RECEIVED", row | {"contact_source": source})

    def _contact(self, phone: str) -> None:
        if self._webhooks.hooks:
            self._webhooks.tell("CONTACT_UPDATED", self._contacts.show(phone))

    def _report(self, report: Report) -> None:
        if self._webhooks.hooks:
            self._webhooks.tell("REPORT_CREATED", self._reports.show(report))

    def _message(self, row: dict[str, Any], phone: str) -> dict[str, Any]:
        contact = self._contacts.show(phone)
        row = {name: value for name, value in row.items() if name not in _NOT_IN_EVENTS}
        return {"cid": self._world.cid, "name": contact["name"], **row, "contact_flags": contact["flags"]}
