"""The provider, shared and reset for each test, and the stage on which the command is called."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.provider_process import Provider, providing
from tests.acceptance.shell import Shell
from tests.acceptance.stage import Stage


@pytest.fixture(scope="session")
def shared_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with providing(tmp_path_factory.mktemp("provider")) as provider:
        yield provider


@pytest.fixture
def provider(shared_provider: Provider) -> Provider:
    shared_provider.reset()
    return shared_provider


@pytest.fixture
def stage(tmp_path: Path, provider: Provider, shell: Shell) -> Iterator[Stage]:
    stage = Stage(tmp_path, provider, shell)
    yield stage
    stage.close()
    stage.must_be_checked()
