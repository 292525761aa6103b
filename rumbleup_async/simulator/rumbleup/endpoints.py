"""Which handler works on which endpoint of the RumbleUp API. Pure.

A new resource is a file like `projects`, its rows in `routes.ROUTES`, and its handlers here.
"""

from collections.abc import Callable

from rumbleup_async.simulator.world.deliveries import Deliveries
from rumbleup_async.simulator.world.inbound import Inbound
from rumbleup_async.simulator.world.replies import Reply
from rumbleup_async.simulator.world.request_parsing import Params
from rumbleup_async.simulator.world.times import Stamp
from rumbleup_async.simulator.world.world import World

from .accounts import Accounts
from .contacts import Contacts
from .message_object import MessageObjects
from .project_object import ProjectObjects
from .projects import Projects
from .proxies import Proxies
from .reports import Reports
from .stats import Stats
from .tcr import Registry

__all__ = ["ByIdHandler", "Handler", "Resources"]

Handler = Callable[[Params], Reply]
ByIdHandler = Callable[[str, Params], Reply]


class Resources:
    """The resources of the control plane. `by_id` has the endpoints whose path ends with an id."""

    def __init__(
        self,
        world: World,
        deliveries: Deliveries,
        inbound: Inbound,
        objects: MessageObjects,
        media_part: Callable[[str], str | None],
        stamp: Stamp,
    ) -> None:
        project_objects = ProjectObjects(world, deliveries, inbound, stamp)
        projects = Projects(world, project_objects, media_part)
        stats = Stats(world, project_objects)
        registry = Registry(world, stamp)
        accounts = Accounts(world, stamp)
        proxies = Proxies(world, objects, stamp)
        self.contacts = Contacts(world, inbound, stamp)
        self.reports = Reports(world, objects, stamp)
        self.plain: dict[str, Handler] = {
            "account/get": accounts.get,
            "account/select": accounts.select,
            "account/create/subaccount": accounts.create,
            "contact/select": self.contacts.select,
            "contact/sync": self.contacts.sync,
            "contact/import": self.contacts.import_list,
            "contact/download": self.contacts.download,
            "proxy/select": proxies.select,
            "proxy/send": proxies.send,
            "report/create": self.reports.create,
            "report/list": self.reports.select,
            "tcr/campaign/select": registry.campaigns,
            "tcr/brand/select": registry.brands,
        }
        self.by_id: dict[str, ByIdHandler] = {
            "group/get": self.contacts.group,
            "report/get": self.reports.get,
            "report/download": self.reports.download,
            "report/delete": self.reports.delete,
        }
        for name in ("project", "action"):
            self.plain |= {f"{name}/create": projects.create, f"{name}/stats": stats.stats}
            self.by_id |= {
                f"{name}/get": projects.get,
                f"{name}/update": projects.update,
                f"{name}/test": projects.test,
                f"{name}/submit": projects.submit,
                f"{name}/send": projects.send,
                f"{name}/stop": projects.stop,
            }
