"""The life of a project: get, create, update, test, submit, send, stop. Pure.

    Draft --test--> Testing --send--> Live --stop--> Testing
                    Testing --submit--> Scheduled --stop--> Testing

Sources: the Action and Project API pages. What they leave open, such as sending a project without a test, is a setting.
"""

from collections.abc import Callable
from typing import Any

from rumbleup_async.simulator.world.phones import digits
from rumbleup_async.simulator.world.project_queue import Project
from rumbleup_async.simulator.world.replies import Refusal, Reply, error, field, ok
from rumbleup_async.simulator.world.request_parsing import Params, truth
from rumbleup_async.simulator.world.world import World

from . import project_fields
from .project_object import ProjectObjects

__all__ = ["Projects"]

# On the pages each call has its own format of times; the letters are those of `times.FORMATS`.
_GET, _CREATE, _MOVE = "D", "F", "G"

_STARTED = ("Live", "Scheduled")


class Projects:
    """The endpoints of one project."""

    def __init__(self, world: World, objects: ProjectObjects, media_part: Callable[[str], str | None]) -> None:
        self._world = world
        self._objects = objects
        self._media_part = media_part

    def get(self, action: str, params: Params) -> Reply:  # noqa: ARG002
        """The project object."""
        return self._shown(self._project(action), _GET)

    def create(self, params: Params) -> Reply:
        """A new draft. `name` and `message` are required."""
        world = self._world
        for name in ("name", "message"):
            if name not in params and not (name == "message" and "msg" in params):
                raise field(f"{name}: is required")
        project = world.new_project()
        try:
            project_fields.apply(world, project, params, media_part=self._media_part("create"))
        except Refusal:
            del world.projects[project.action]
            raise
        return self._shown(project, _CREATE)

    def update(self, action: str, params: Params) -> Reply:
        """Change the fields that the request names."""
        project = self._project(action)
        project_fields.apply(self._world, project, params, media_part=self._media_part("update"))
        project.card.updated = self._world.clock()
        return self._shown(project, _CREATE)

    def test(self, action: str, params: Params) -> Reply:
        """Text the test phone. The text is kept in `world.tests`, because the truth holds only texts to contacts."""
        project = self._project(action)
        phone = digits(params.get("test_phone") or "")
        if phone is None:
            raise field("test_phone: " + ("not a valid phone number" if params.get("test_phone") else "is required"))
        message = params.get("message") or params.get("msg") or project.card.message
        if not isinstance(message, str):
            raise field("message: is not a text")
        project_fields.check_opt_out(message)
        project_fields.check_group(self._world, project.group)
        if project.card.status in _STARTED:
            raise Refusal(error(400, f"Project is {project.card.status}; stop it first"))
        now = self._world.clock()
        self._world.tests.append((project.action, phone, message, now))
        card = project.card
        card.test_phone = phone
        card.tested = card.tested or now
        return self._moved(project, "Testing")

    def submit(self, action: str, params: Params) -> Reply:
        """Hand the project over to the provider, who sends it in the outsource window."""
        project = self._project(action)
        if not truth(params.get("terms_agree")):
            raise field("terms_agree: is required")
        self._check_ready(project)
        minimum = self._world.settings.outsource_minimum
        if len(project.members) < minimum:
            raise Refusal(error(400, f"At least {minimum} contacts are needed for an outsourced project"))
        project.card.submitted = self._world.clock()
        return self._moved(project, "Scheduled")

    def send(self, action: str, params: Params) -> Reply:  # noqa: ARG002
        """Make the project live."""
        project = self._project(action)
        self._check_ready(project)
        project.card.went_live = self._world.clock()
        return self._moved(project, "Live")

    def stop(self, action: str, params: Params) -> Reply:  # noqa: ARG002
        """Put the project back into testing."""
        project = self._project(action)
        if project.card.status == "Draft":
            raise Refusal(error(400, "Project is a draft; there is nothing to stop"))
        return self._moved(project, "Testing")

    def _project(self, action: str) -> Project:
        project = self._world.projects.get(action)
        if project is None:
            raise Refusal(error(404, "No such project"))
        return project

    def _check_ready(self, project: Project) -> None:
        project_fields.check_opt_out(project.card.message)
        project_fields.check_group(self._world, project.group)
        if project.card.status == "Draft" and self._world.settings.test_first:
            raise Refusal(error(400, "Project must be tested first"))

    def _moved(self, project: Project, status: str) -> Reply:
        project.card.status = status
        project.card.updated = self._world.clock()
        project.live = status == "Live"
        return self._shown(project, _MOVE)

    def _shown(self, project: Project, letter: str) -> Reply:
        shown: dict[str, Any] = self._objects.show(project, letter)
        return ok(shown)
