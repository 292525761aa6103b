"""The life of a project: created with a picture and a list, tried out, live, texted, counted, stopped.

    export RUMBLEUP_API_KEY=KEY:SECRET
    export RUMBLEUP_BASE_URL=http://127.0.0.1:8025/api      # from: rumbleup simulate
    python examples/project_life.py 2025550100

The argument is a phone of yours, for the test text. Without RUMBLEUP_BASE_URL the script talks to the real service: it
texts that phone and the contacts below, which costs money.
"""

import asyncio
import sys

from rumbleup_async import MaybeSentError, Project, RumbleUp, ServerFailed

CONTACTS = b"phone,first_name\n2025550101,Ada\n2025550102,Ben\n2025550103,Cleo\n"
TEXT = "Hi {}, the library votes on Tuesday. Will you come? Reply STOP to opt out"

# The smallest picture there is: one transparent pixel.
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)


async def live(rumbleup: RumbleUp, phone: str) -> Project:
    """A project that is ready to be texted: a draft, a test text to `phone`, live."""
    project = await rumbleup.projects.create(
        name="Library vote",
        message=TEXT.format("@first_name@"),
        media=PICTURE,  # a path or an open file would be read while it is sent
        group_file=CONTACTS,  # checked before it leaves
    )
    print(f"project {project.id} is {project.status}")
    project = await rumbleup.projects.test(project.id, test_phone=phone)
    print(f"the test text is on its way, the project is {project.status}")
    project = await rumbleup.projects.send(project.id)
    print(f"the project is {project.status}")
    return project


async def text(rumbleup: RumbleUp, action: str) -> None:
    """Text every contact that the project hands out."""
    while (contact := await rumbleup.messages.next(action=action)) is not None:
        words = TEXT.format(contact.first_name or "neighbour")
        try:
            message = await rumbleup.messages.send(phone=contact.phone, action=action, text=words, flags=["library"])
        except (MaybeSentError, ServerFailed):
            # It may have left. Sending it again could text a person twice, so it is left to the log below.
            print("one text may or may not have left")
            continue
        print(f"message {message.logid} is accepted")


async def main(phone: str) -> None:
    async with RumbleUp.from_env() as rumbleup:
        project = await live(rumbleup, phone)
        await text(rumbleup, project.id)

        for counted in await rumbleup.projects.stats(action=project.id, days=1):
            print(f"{counted.name}: {counted.sent} sent, {counted.delivered} delivered, {counted.replies} replies")
        async for message in rumbleup.messages.log(flags="library", page_size=100):
            print(f"log: {message.logid} {message.status or 'under way'}")

        project = await rumbleup.projects.stop(project.id)
        print(f"the project is {project.status}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python examples/project_life.py YOUR_PHONE")
    asyncio.run(main(sys.argv[1]))
