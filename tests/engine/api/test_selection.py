"""Which attributes of a document are shown, and which documents of a list."""

from collections.abc import Iterator

import pytest

from tests.engine.api.running import Running, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("selection")) as made:
        made.run("probe.say", text="one")
        yield made


def test_a_path_goes_through_a_list_of_objects(server: Running) -> None:
    shown = server.get("/executions/last?include_attributes=log.status").json()
    assert set(shown) == {"id", "log"}
    assert shown["log"][0] == {"status": "requested"}
    assert shown["log"][-1] == {"status": "succeeded"}


def test_two_paths_into_the_same_list_give_both(server: Running) -> None:
    shown = server.get("/executions/last?include_attributes=log.status,log.timestamp,log.nothing").json()
    assert all(set(entry) == {"status", "timestamp"} for entry in shown["log"])


def test_a_path_into_a_list_of_texts_gives_nothing_of_them(server: Running) -> None:
    shown = server.get("/packs/core?include_attributes=keywords.word").json()
    assert shown["keywords"] == []
    whole = server.get("/packs/core").json()["keywords"]
    assert server.get("/packs/core?include_attributes=keywords,keywords.word").json()["keywords"] == whole


@pytest.mark.parametrize("path", ["/actions", "/rules", "/packs", "/triggertypes"])
def test_what_names_a_document_cannot_be_left_out(server: Running, path: str) -> None:
    shown = server.get(f"{path}?exclude_attributes=id,ref,pack,name,description").json()
    for one in shown:
        assert {"id", "ref", "name"} <= set(one)
        assert "description" not in one


def test_part_of_an_attribute_is_left_out(server: Running) -> None:
    shown = server.get("/actions/probe.say?exclude_attributes=parameters.text.description").json()
    assert "description" not in shown["parameters"]["text"]
    assert shown["parameters"]["text"]["type"] == "string"


@pytest.mark.parametrize(
    ("path", "names"),
    [("/runnertypes", "noop,inquirer"), ("/policytypes", "retry,concurrency"), ("/actions", "say,slow")],
)
def test_content_is_found_by_several_names(server: Running, path: str, names: str) -> None:
    found = server.get(f"{path}?name={names},nobody").json()
    assert {one["name"] for one in found} == set(names.split(","))
