"""After all other tests: what they left behind holds no secret in clear that was issued meanwhile.

`make test` runs it last, with the folder of that run:
pytest tests/left_behind/left_behind.py --left-behind FOLDER
"""

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.left_behind.sites import Find, Site, issued_keys, sites


@pytest.fixture(scope="module")
def folder(request: pytest.FixtureRequest) -> Path:
    named = request.config.getoption("--left-behind")
    if not named:
        pytest.fail("which folder? --left-behind FOLDER, the --basetemp of the run before")
    return Path(named)


@pytest.fixture(scope="module")
def left(folder: Path) -> list[Site]:
    return sites(folder)


def told(finds: Iterable[Find], folder: Path) -> list[str]:
    return sorted(f"{find.path.relative_to(folder)}: {find.what}" for find in finds)


def test_secrets_were_issued(left: list[Site]) -> None:
    assert sum(len(site.digests) for site in left) > 100
    assert sum(len(site.values) for site in left) > 20


def test_no_value_stands_in_what_its_server_wrote_or_answered(left: list[Site], folder: Path) -> None:
    assert told((find for site in left for find in site.found()), folder) == []


def test_no_key_and_no_token_stands_in_any_file(left: list[Site], folder: Path) -> None:
    issued = frozenset().union(*(site.digests for site in left))
    files = (file for site in left for file in site.files())
    assert told((find for file in files for find in issued_keys(file, issued)), folder) == []


def test_no_process_was_started_with_a_secret(left: list[Site], folder: Path) -> None:
    issued = frozenset().union(*(site.digests for site in left))
    lists = list(folder.rglob("process-lists.txt"))
    assert lists
    assert told((find for file in lists for find in issued_keys(file, issued)), folder) == []
