"""Chat commands over REST."""

import pytest

from tests.engine.api.running import Running


def test_a_text_is_matched(server: Running) -> None:
    found = server.post("/actionalias/match", {"command": "say hello you"}).json()
    assert found["actionalias"]["ref"] == "probe.say"
    assert found["representation"] == "say {{text}}"


def test_a_text_that_fits_nothing_is_refused(server: Running) -> None:
    answer = server.post("/actionalias/match", {"command": "zzz yyy"})
    assert answer.status_code == 400
    assert server.post("/actionalias/match", {}).status_code == 400


def test_representations_are_always_told_as_a_list(server: Running) -> None:
    """Hubot takes a text for a list of letters, and then knows a command for each of them."""
    formats = [{"display": "greet <who>", "representation": "greet {{text}}"}, "hail {{text}}"]
    alias = {"name": "greet", "pack": "default", "action_ref": "probe.say", "formats": formats}
    assert server.post("/actionalias", alias).status_code == 201
    told = server.get("/actionalias/default.greet").json()["formats"]
    assert told == [{"display": "greet <who>", "representation": ["greet {{text}}"]}, "hail {{text}}"]
    server.ask("DELETE", "/actionalias/default.greet")


def test_matching_and_running_is_one_request(server: Running) -> None:
    body = {"command": "say hello", "user": "", "source_channel": "cli"}
    answer = server.post("/aliasexecution/match_and_execute", body)
    assert answer.status_code == 201
    result = answer.json()["results"][0]
    assert result["actionalias"]["ref"] == "probe.say"
    assert "saying it" in result["message"]
    ended = server.get(f"/executions/{result['execution']['id']}?wait=60").json()
    assert ended["result"]["stdout"] == "hello"


def test_hubot_names_the_alias_and_its_format(server: Running) -> None:
    body = {
        "name": "say",
        "format": "say {{text}}",
        "command": "say hello",
        "user": "Shell",
        "source_channel": "Shell",
        "source_context": {"room": "Shell"},
        "notification_route": "hubot",
    }
    answer = server.post("/aliasexecution", body)
    assert answer.status_code == 201
    execution = answer.json()["execution"]
    assert execution["context"]["api_user"] == "Shell"
    assert execution["context"]["user"] == "admin"
    assert execution["context"]["source_channel"] == "Shell"
    told = execution["liveaction"]["notify"]["on-complete"]
    assert told["routes"] == ["hubot"]
    assert told["data"] == {"user": "Shell", "source_channel": "Shell", "source_context": {"room": "Shell"}}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"name": "nobody"}, 404),
        ({"format": "shout {{text}}"}, 400),
        ({"command": "whisper"}, 400),
        ({"source_channel": None}, 400),
    ],
)
def test_a_wrong_alias_execution_is_refused(server: Running, change: dict[str, str], status: int) -> None:
    body = {"name": "say", "format": "say {{text}}", "command": "say x", "user": "u", "source_channel": "c"}
    assert server.post("/aliasexecution", {**body, **change}).status_code == status


def test_template_text_in_a_command_stays_text(server: Running) -> None:
    body = {"command": "say {{ 7 * 7 }}", "user": "u", "source_channel": "c"}
    made = server.post("/aliasexecution/match_and_execute", body).json()["results"][0]["execution"]["id"]
    assert server.get(f"/executions/{made}?wait=60").json()["result"]["stdout"] == "{{ 7 * 7 }}"


def test_formats_with_a_named_group_are_listed_last(server: Running) -> None:
    formats = [str(one["formats"]) for one in server.get("/actionalias?limit=-1&offset=0").json()]
    groups = ["(?P<" in text for text in formats]
    assert any(groups)
    assert groups == sorted(groups)


def test_help_counts_all_and_shows_a_part(server: Running) -> None:
    found = server.get("/actionalias/help?pack=probe").json()
    assert found["available"] == len(found["helpstrings"])
    assert {"pack": "probe", "display": "say {{text}}", "description": "Says what you say"} in found[
        "helpstrings"
    ]
    assert server.get("/actionalias/help?filter=SAY&limit=1").json()["helpstrings"][0]["display"]
    assert server.get("/actionalias/help?filter=(").status_code == 400
