"""Characters that no database takes are wrong requests, on every kind of database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.settings.server import StoreSettings
from tests.databases import postgresql_database
from tests.engine.api.running import Running, running

NUL = "%00"
SURROGATE = "%ED%A0%80"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("characters")
    url = "" if request.param == "sqlite" else request.getfixturevalue("a_postgresql")
    store = StoreSettings(data=folder / "data", url=url)
    with running(folder, sections={"store": store}) as made:
        made.run("core.noop")
        yield made


@pytest.fixture(scope="module")
def a_postgresql(postgresql: str) -> Iterator[str]:
    with postgresql_database(postgresql) as url:
        yield url


PATHS = [
    "/executions?user=a{}b",
    "/executions?action={}&status={}",
    "/executions?id={}",
    "/executions?rule={}",
    "/executions?parent={}",
    "/executions?trigger={}",
    "/executions/{}",
    "/executions/a{}b/output",
    "/traces?trace_tag={}",
    "/traces/{}",
    "/stories/{}",
    "/triggerinstances?trigger={}",
    "/triggerinstances/{}",
    "/ruleenforcements?rule_ref={}&execution={}",
    "/ruleenforcements/{}",
    "/keys?prefix={}&user={}",
    "/keys?name={}&id={}",
    "/keys/{}",
    "/audit?user={}&object={}&kind={}",
    "/audit?request={}&trace={}",
    "/alerts/{}",
    "/alerts?channel={}",
    "/webhookdeliveries?url={}",
    "/webhookdeliveries/{}",
    "/inquiries/{}",
    "/apikeys/{}",
    "/apikeys?user={}",
    "/callbacks?state={}",
    "/schedules/{}",
    "/actions/{}",
    "/rights/check?what={}&user={}&channel={}",
    "/rights/denials?user={}",
    "/history/executions?action={}&before=2020-01-01T00:00:00Z",
    "/rbac/role_assignments?user={}",
    "/packs/views/file/core/{}",
    "/stream?end_execution_id={}",
    "/webhooks/{}",
]


@pytest.mark.parametrize("character", [NUL, SURROGATE])
@pytest.mark.parametrize("path", PATHS)
def test_it_is_no_fault_of_ours(server: Running, path: str, character: str) -> None:
    answer = server.get(path.replace("{}", character), stream=path.startswith("/stream"))
    answer.close()
    assert answer.status_code < 500


BODIES = [
    ("/executions", {"action": "core.echo", "parameters": {"message": "a\0b"}}),
    ("/executions", {"action": "core.noop", "context": {"trace_context": {"trace_tag": "a\0b"}}}),
    ("/executions", {"action": "core.noop", "context": {"trace_context": {"id_": "a\0b"}}}),
    ("/executions", {"action": "a\0b"}),
    ("/webhooks/st2", {"trigger": "core.st2.webhook", "payload": {"a": "\0"}}),
    ("/apikeys", {"metadata": {"a": "\0"}}),
    ("/apikeys", {"user": "a\0b"}),
    ("/schedules", {"when": "every 2 hours", "action": "core.echo", "parameters": {"message": "\0"}}),
    ("/schedules", {"when": "every 2 hours \0", "action": "core.noop", "channel": "\0"}),
    ("/triggertypes", {"name": "n", "pack": "probe", "description": "\0"}),
    (
        "/rules",
        {
            "name": "n",
            "trigger": {"type": "core.st2.webhook", "parameters": {"url": "\0"}},
            "action": {"ref": "core.noop"},
        },
    ),
    ("/accounts", {"account": "slack.T1.U\0", "user": "a\0"}),
    ("/accounts/codes", {"account": "a\0b"}),
    (
        "/aliasexecution",
        {
            "name": "say",
            "format": "say {{text}}",
            "command": "say a\0b",
            "user": "u\0",
            "source_channel": "c\0",
        },
    ),
    ("/actionalias/match", {"command": "a\0b"}),
    ("/tokens/validate", {"token": "\0"}),
    ("/packs/register", {"packs": ["\0"]}),
    ("/packs/index/search", {"query": "\0"}),
]


@pytest.mark.parametrize(("path", "body"), BODIES)
def test_in_a_body_neither(server: Running, path: str, body: object) -> None:
    assert server.post(path, body).status_code < 500


def test_in_headers_neither(server: Running) -> None:
    for name in ("Idempotency-Key", "St2-Trace-Tag", "X-Request-ID", "Last-Event-ID"):
        headers = {name: "a\x80b"}
        answer = server.post("/executions", {"action": "core.noop"}, headers=headers)
        assert answer.status_code < 500
