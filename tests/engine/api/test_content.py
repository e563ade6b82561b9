"""What the content knows, over REST."""

from pathlib import Path

import pytest

from tests.engine.api.running import Running

LISTS = ("actions", "runnertypes", "actionalias", "packs", "rules", "sensortypes", "triggertypes", "policies")


@pytest.mark.parametrize("kind", [*LISTS, "config_schemas"])
def test_every_list_is_counted_and_each_entry_found_by_ref_and_id(server: Running, kind: str) -> None:
    answer = server.get(f"/{kind}/?limit=-1")
    found = answer.json()
    assert len(found) == int(answer.headers["X-Total-Count"])
    for one in found[:2]:
        name = one.get("ref") or one.get("name") or one["pack"]
        assert server.get(f"/{kind}/{name}").json() == one
        assert server.get(f"/{kind}/{one['id']}").json() == one
    assert server.get(f"/{kind}/no.such").status_code == 404


def test_an_action_has_stackstorms_fields(server: Running) -> None:
    action = server.get("/actions/probe.say").json()
    assert action["uid"] == "action:probe:say"
    assert action["runner_type"] == "local-shell-script"
    assert action["parameters"]["text"]["required"] is True
    assert set(action["parameters"]) == {"text", "times", "password"}
    assert len(action["id"]) == 24


def test_the_overview_has_the_parameters_of_the_runner_too(server: Running) -> None:
    parameters = server.get("/actions/views/overview/probe.slow").json()["parameters"]
    assert parameters["timeout"]["default"] == 60
    assert parameters["cmd"]["immutable"] is True
    assert parameters["cmd"]["type"] == "string"
    assert server.get("/actions/views/parameters/probe.slow").json() == {"parameters": parameters}
    listed = server.get("/actions/views/overview?pack=probe&name=slow").json()
    assert listed[0]["parameters"] == parameters


def test_the_text_of_an_entry_point_can_be_read(server: Running) -> None:
    assert 'echo "$1"' in server.get("/actions/views/entry_point/probe.say").text
    assert server.get("/actions/views/entry_point/core.noop").status_code == 404


def test_lists_are_filtered_sorted_and_paged(server: Running) -> None:
    names = [one["name"] for one in server.get("/actions?pack=probe").json()]
    assert names == sorted(names) == ["fail", "idle", "say", "slow"]
    assert [one["name"] for one in server.get("/actions?pack=probe&sort=-name").json()] == names[::-1]
    page = server.get("/actions?pack=probe&limit=2&offset=1")
    assert [one["name"] for one in page.json()] == names[1:3]
    assert (page.headers["X-Total-Count"], page.headers["X-Limit"]) == ("4", "2")
    assert [one["name"] for one in server.get("/actions?pack=probe&enabled=false").json()] == ["idle"]


def test_included_attributes_keep_what_names_the_entry(server: Running) -> None:
    found = server.get("/actions?pack=probe&name=say&include_attributes=ref,pack,description").json()
    assert set(found[0]) == {"id", "ref", "pack", "name", "description"}


def test_a_runner_is_found_by_name_as_a_list_of_one(server: Running) -> None:
    found = server.get("/runnertypes/?name=local-shell-cmd").json()
    assert len(found) == 1
    assert found[0]["runner_parameters"]["timeout"]["type"] == "integer"


def test_a_pack_has_its_facts(server: Running) -> None:
    pack = server.get("/packs/probe").json()
    assert (pack["ref"], pack["name"], pack["version"], pack["author"]) == (
        "probe",
        "probe",
        "1.2.3",
        "Tests",
    )


def test_broken_files_are_listed_with_place_and_reason(server: Running) -> None:
    found = server.get("/unavailable?pack=probe").json()
    assert [(one["kind"], one["name"]) for one in found] == [("action", "broken")]
    assert "broken.yaml:" in found[0]["where"]
    assert "no-such-runner" in found[0]["reason"]


def test_register_reads_everything_anew(server: Running) -> None:
    path: Path = server.folder / "packs" / "probe" / "actions" / "new.yaml"
    path.write_text("name: new\nrunner_type: noop\n", encoding="utf-8")
    try:
        counts = server.post("/packs/register", {}).json()
        assert counts["actions"] == len(server.get("/actions?limit=-1").json())
        assert server.get("/actions/probe.new").status_code == 200
    finally:
        path.unlink()
    server.post("/packs/register")
    assert server.get("/actions/probe.new").status_code == 404


def test_an_execution_whose_action_has_left_is_still_shown(server: Running) -> None:
    path: Path = server.folder / "packs" / "probe" / "actions" / "gone.yaml"
    path.write_text("name: gone\nrunner_type: noop\n", encoding="utf-8")
    server.post("/packs/register")
    made = server.run("probe.gone")["id"]
    path.unlink()
    server.post("/packs/register")
    assert server.get(f"/executions/{made}").json()["action"]["ref"] == "probe.gone"


def test_the_user_is_told_who_they_are(server: Running) -> None:
    user = server.get("/user").json()
    assert user["username"] == "admin"
    assert user["rbac"] == {"enabled": False, "roles": ["system_admin"], "is_admin": True}


def test_the_root_tells_the_version_and_leads_a_browser_to_the_chat(server: Running) -> None:
    assert "version" in server.get("/").json()
    answer = server.get("/", key="", headers={"Accept": "text/html"})
    assert answer.headers["Location"] == "/chat"


def test_health_and_readiness_answer(server: Running) -> None:
    assert server.get("/healthz", key="").json()["status"] == "ok"
    assert server.get("/readyz", key="").json()["status"] == "ok"
