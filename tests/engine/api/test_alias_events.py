"""Aliases that come, change and go are told on the stream."""

from pathlib import Path

import pytest

from tests.engine.api.running import Running
from tests.engine.api.streaming import Event, Listener, listening

QUERY = "events=st2.actionalias__*"
FILE = "name: {name}\naction_ref: probe.say\nformats:\n  - '{name} {{{{text}}}}'\n"


def told(stream: Listener, change: str, name: str) -> Event:
    return stream.wait(
        lambda event: event.name == f"st2.actionalias__{change}" and event.data["name"] == name
    )


def path_of(server: Running, name: str) -> Path:
    return server.folder / "packs" / "probe" / "aliases" / f"{name}.yaml"


def test_an_alias_of_the_api_is_told_when_it_is_made_changed_and_removed(server: Running) -> None:
    body = {"name": "told", "pack": "probe", "action_ref": "probe.say", "formats": ["told {{text}}"]}
    with listening(server, QUERY) as stream:
        made = server.post("/actionalias", body).json()
        assert told(stream, "create", "told").data["id"] == made["id"]
        server.ask("PUT", f"/actionalias/{made['id']}", json={**made, "description": "other words"})
        told(stream, "update", "told")
        server.ask("DELETE", f"/actionalias/{made['id']}")
        gone = told(stream, "delete", "told").data
    assert (gone["id"], gone["ref"]) == (made["id"], "probe.told")


def test_an_alias_of_a_file_is_told_when_content_is_reloaded(server: Running) -> None:
    path = path_of(server, "filed")
    with listening(server, QUERY) as stream:
        path.write_text(FILE.format(name="filed"))
        server.engine.reload()
        assert told(stream, "create", "filed").data["action_ref"] == "probe.say"
        path.write_text(FILE.format(name="filed") + "description: new\n")
        server.engine.reload()
        assert told(stream, "update", "filed").data["description"] == "new"
        path.unlink()
        server.engine.reload()
        told(stream, "delete", "filed")


def test_a_reload_that_changes_no_alias_is_no_news(server: Running) -> None:
    path = path_of(server, "after")
    try:
        with listening(server, QUERY) as stream:
            server.engine.reload()
            path.write_text(FILE.format(name="after"))
            server.engine.reload()
            told(stream, "create", "after")
            assert [event.data["name"] for event in stream.events] == ["after"]
    finally:
        path.unlink()
        server.engine.reload()


@pytest.mark.parametrize("query", ["", "events=st2.execution__*"])
def test_who_does_not_ask_for_aliases_hears_nothing_of_them(server: Running, query: str) -> None:
    path = path_of(server, "unheard")
    try:
        with listening(server, query) as stream:
            path.write_text(FILE.format(name="unheard"))
            server.engine.reload()
            made = server.start("probe.say", text="x")
            stream.wait(lambda event: event.data.get("id") == made["id"])
            assert not [event for event in stream.events if "actionalias" in event.name]
    finally:
        path.unlink()
        server.engine.reload()


def test_what_was_missed_of_aliases_is_told_to_who_comes_back(server: Running) -> None:
    path = path_of(server, "missed")
    with listening(server, QUERY) as stream:
        path.write_text(FILE.format(name="missed"))
        server.engine.reload()
        seen = told(stream, "create", "missed").id
    path.unlink()
    server.engine.reload()
    with listening(server, QUERY, headers={"Last-Event-ID": seen}) as stream:
        assert told(stream, "delete", "missed").data["pack"] == "probe"
