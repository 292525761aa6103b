"""The routes of the RumbleUp API as data: method, path and purpose. Pure.

`GET|POST` means that the pages name or show both methods. `{id}` stands for the last part of a path. Projects have two
addresses, `/api/project/` and `/api/action/`, which mean the same (Project API page).
"""

from typing import NamedTuple

__all__ = ["READS", "ROUTES", "Route"]

_ID = "/{id}"


class Route(NamedTuple):
    """One endpoint of the API."""

    method: str
    path: str
    sentence: str

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that the endpoint takes."""
        return tuple(self.method.split("|"))

    @property
    def endpoint(self) -> str:
        """The endpoint's name, which is the path without `/api/` and without the id: `project/get`."""
        return self.path.removeprefix("/api/").removesuffix(_ID)

    @property
    def by_id(self) -> bool:
        """Whether the last part of the path is an id."""
        return self.path.endswith(_ID)


def _projects(resource: str) -> list[Route]:
    return [
        Route("GET|POST", f"/api/{resource}/get/{{id}}", "One project with its counters."),
        Route("POST", f"/api/{resource}/create", "A new project, as a draft."),
        Route("POST", f"/api/{resource}/update/{{id}}", "Change fields of a project."),
        Route("POST", f"/api/{resource}/test/{{id}}", "Text the test phone; the project is then in testing."),
        Route("POST", f"/api/{resource}/submit/{{id}}", "Hand an outsourced project over to the provider."),
        Route("POST", f"/api/{resource}/send/{{id}}", "Go live: from now on its contacts may be texted."),
        Route("POST", f"/api/{resource}/stop/{{id}}", "Back to testing."),
        Route("GET|POST", f"/api/{resource}/stats", "Projects of a time window, as CSV, JSON or XML."),
    ]


ROUTES: tuple[Route, ...] = (
    Route("GET|POST", "/api/message/next", "The next contact of a project, locked for its caller."),
    Route("POST", "/api/message/send", "One text to one contact of a live project."),
    Route("GET|POST", "/api/message/log/select", "The message log, filtered and in pages."),
    *_projects("project"),
    *_projects("action"),
    Route("GET|POST", "/api/tcr/campaign/select", "Registered campaigns with their numbers."),
    Route("GET|POST", "/api/tcr/brand/select", "Registered brands."),
    Route("GET|POST", "/api/account/get", "The account, or one of its sub-accounts."),
    Route("GET|POST", "/api/account/select", "The account and its sub-accounts."),
    Route("POST", "/api/account/create/subaccount", "A new sub-account."),
    Route("GET|POST", "/api/contact/select", "Contacts, filtered and in pages."),
    Route("POST", "/api/contact/sync", "Create or change one contact."),
    Route("POST", "/api/contact/import", "A CSV of contacts becomes a group."),
    Route("GET|POST", "/api/group/get/{id}", "One group."),
    Route("POST", "/api/contact/download", "The contacts of a group as CSV."),
    Route("GET|POST", "/api/proxy/select", "Sending numbers."),
    Route("POST", "/api/proxy/send", "One text without a project."),
    Route("POST", "/api/report/create", "Have a report made."),
    Route("GET|POST", "/api/report/list", "The reports."),
    Route("GET|POST", "/api/report/get/{id}", "One report with its files."),
    Route("GET|POST", "/api/report/download/{id}", "A file of a report."),
    Route("GET|POST", "/api/report/delete/{id}", "Forget a report."),
)
"""Every route, in the order of the documentation."""

READS = frozenset(route.endpoint for route in ROUTES if "GET" in route.methods) - {"message/next", "report/delete"}
"""The endpoints that only read."""
