"""What looks through that which tests leave behind finds a secret that is there."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.api.running import Running, running
from tests.left_behind.sites import Site, issued_keys, sites

VALUE = "a value that nobody may see"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("left")) as made:
        answer = made.ask("PUT", "/keys/hidden", json={"name": "hidden", "value": VALUE, "secret": True})
        assert answer.ok, answer.text
        made.run("probe.say", text="hello", password=VALUE[::-1])
        yield made


@pytest.fixture
def site(server: Running) -> Site:
    (found,) = sites(server.folder)
    return found


def test_it_knows_what_was_issued(site: Site) -> None:
    assert set(site.values) == {VALUE, VALUE[::-1]}
    assert len(site.digests) == 1


def test_it_finds_nothing_where_nothing_leaks(site: Site) -> None:
    assert list(site.found()) == []
    assert [find for file in site.files() for find in issued_keys(file, site.digests)] == []


@pytest.mark.parametrize(
    "form",
    [
        VALUE,
        VALUE.replace(" ", "%20"),
        base64.b64encode(VALUE.encode()).decode(),
        base64.b64encode(f"user:{VALUE}!".encode()).decode(),
        base64.b64encode(f"me:{VALUE}!".encode()).decode(),
    ],
)
def test_it_finds_a_value(site: Site, form: str) -> None:
    log = site.data.parent / "leaking.log"
    log.write_text(f"before {form} after", encoding="utf-8")
    try:
        assert [find.path for find in site.found()] == [log]
    finally:
        log.unlink()


def test_it_finds_a_key(site: Site, server: Running, tmp_path: Path) -> None:
    file = tmp_path / "shown.log"
    file.write_text(f"St2-Api-Key: {server.key}\n", encoding="utf-8")
    assert [find.path for find in issued_keys(file, site.digests)] == [file]
