"""A provider in a process of its own, for the contests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.provider_process import Provider, providing


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Provider]:
    with providing(tmp_path) as provider:
        yield provider
