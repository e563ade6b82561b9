"""The requests of what went wrong elsewhere, each refused here; the names say where it went wrong.

What other tests show already is in POINTERS; these must be there.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from engine.api.app import ENDPOINTS
from tests.durability.server import serving, write_files
from tests.engine.api.running import Running, running
from tests.engine.world import wait_until

ROOT = Path(__file__).resolve().parents[2]
POINTERS = {
    "CVE-2018-20345": ("tests/security/test_matrix.py", "test_keys_of_somebody_else_are_nobodys_to_name"),
    "CVE-2018-16848": (
        "tests/engine/test_yaml_reader.py",
        "test_a_small_bomb_is_refused_at_once_and_not_expanded",
    ),
    "CVE-2021-39132": ("tests/engine/test_yaml_reader.py", "test_object_tags_are_refused_with_their_line"),
    "CVE-2021-39133": ("tests/bot/adapters/test_web_security.py", "test_what_a_form_can_send_is_refused"),
    "CVE-2021-41111": ("tests/engine/api/test_key_scopes.py", "test_a_key_for_a_webhook_posts_there_only"),
    "CVE-2022-31044": (
        "tests/engine/store/test_seals.py",
        "test_without_its_key_a_database_with_secrets_is_not_opened",
    ),
    "CVE-2022-43706": (
        "tests/bot/adapters/test_web_browser.py",
        "test_what_data_says_stays_text_in_every_field",
    ),
    "CVE-2025-27516": ("tests/engine/expressions/test_sandbox.py", "test_a_probe_is_refused_soon"),
    "CVE-2026-27493": ("tests/engine/expressions/test_jinja.py", "test_rendered_data_is_not_rendered_again"),
    "CVE-2026-71463": ("tests/security/test_texts.py", "test_a_wrong_request_is_refused_in_words"),
    "GHSA-5679-7qrc-5m7j": (
        "tests/security/test_alias_matrix.py",
        "test_a_page_shows_executions_to_whom_a_role_does",
    ),
    "GHSA-phmw": (
        "tests/security/test_matrix.py",
        "test_a_route_answers_whom_a_role_allows_and_nobody_else",
    ),
    "GitLab 427154": (
        "tests/bot/adapters/slack/test_approvals.py",
        "test_somebody_of_another_workspace_is_refused",
    ),
    "SSH AutoAddPolicy": (
        "tests/engine/runners/test_remote.py",
        "test_an_unknown_host_is_refused_with_the_next_step",
    ),
}
ESCAPES = (
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ '%s'|attr('format')|attr('__globals__') }}",
    "{{ st2kv.system.treasure }}",
    "{{ st2kv.system.treasure | decrypt_kv }}",
    "{{ config_context.token }}",
    "{{ 7*7 }}",
    "<% 7*7 %>",
)
TREASURE = "canary-TREASURE-4f1a"
PRIVATE = "canary-PRIVATE-93e0"
HOOK_SECRET = "canary-HOOK-0b77"
FILES = {
    "packs/doors/pack.yaml": "{ref: doors, name: doors, description: Doors, version: 1.0.0, author: Tests}",
    "packs/doors/actions/say.yaml": """
        name: say
        runner_type: local-shell-script
        entry_point: say.sh
        parameters: {words: {type: string, required: true, position: 0}}
    """,
    "packs/doors/actions/say.sh": """
        #!/bin/sh
        printf '%s' "$1"
    """,
    "packs/doors/actions/mine.yaml": """
        name: mine
        runner_type: local-shell-cmd
        parameters:
          cmd: {immutable: true, default: "echo {{ st2kv.user.private }}"}
    """,
    "packs/doors/aliases/say.yaml": """
        name: say
        description: Says it
        action_ref: doors.say
        formats: ["utter {{words}}"]
        ack: {format: "saying {{ execution.parameters.words }}"}
    """,
    "packs/doors/rules/hook.yaml": """
        name: hook
        enabled: true
        trigger: {type: core.st2.webhook, parameters: {url: open}}
        action: {ref: doors.say, parameters: {words: "{{ trigger.body.words }}"}}
    """,
    "packs/doors/actions/ask.yaml": "{name: ask, runner_type: orquesta, entry_point: workflows/ask.yaml}",
    "packs/doors/actions/workflows/ask.yaml": """
        version: 1.0
        tasks:
          ask:
            action: core.ask
            input:
              schema: {type: object, properties: {word: {type: string}}}
            next:
              - do: say
                publish: word=<% result().response.word %>
          say:
            action: doors.say
            input: {words: "<% ctx().word %>"}
        output:
          - said: <% task(say).result.stdout %>
    """,
    "webhooks/signed.yaml": "{url: signed/hook, preset: github, secrets: [hook.secret]}",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Without roles on file: what is refused here needs none."""
    folder = tmp_path_factory.mktemp("cves")
    write_files(folder, FILES)
    with running(folder) as made:
        secret = {"secret": True, "scope": "system"}
        made.ask("PUT", "/keys/treasure", json={"name": "treasure", "value": TREASURE, **secret})
        made.ask("PUT", "/keys/hook.secret", json={"name": "hook.secret", "value": HOOK_SECRET, **secret})
        yield made


@pytest.fixture(scope="module")
def eve(server: Running) -> str:
    """The key of somebody who is nobody in particular."""
    return server.engine.access.create_key(user="eve", metadata={})[0]


@pytest.mark.parametrize("what", POINTERS)
def test_what_is_shown_elsewhere_is_there(what: str) -> None:
    file, name = POINTERS[what]
    assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "query", ["scope=user&user=admin", "scope=all&user=admin", "scope=all", "user=admin"]
)
def test_cve_2018_20345_the_keys_of_others_without_any_roles(server: Running, eve: str, query: str) -> None:
    mine = {"name": "of.admin", "scope": "user", "value": PRIVATE}
    assert server.ask("PUT", "/keys/of.admin", json=mine).ok
    for path in ("/keys", "/keys/of.admin"):
        assert PRIVATE not in server.get(f"{path}?{query}&decrypt=true", key=eve).text


@pytest.mark.parametrize("origin", ["null", "http://evil.example", "http://127.0.0.1.evil.example", "*"])
@pytest.mark.parametrize("path", ["/api/v1/actions", "/auth/v1/tokens", "/executions"])
def test_cve_2019_9580_no_origin_is_allowed_to_read(server: Running, path: str, origin: str) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    for method in ("OPTIONS", "GET"):
        answer = server.ask(method, path, headers=asked)
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


def test_cve_2021_28667_unicode_fills_no_log_where_the_locale_has_none(tmp_path: Path) -> None:
    words = "grüße \U0001f9ea \u202e \u0000x"[:-2]
    locale = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    with serving(tmp_path, files=FILES, settings={"log": {"level": "debug"}}, environment=locale) as site:
        execution = site.run("doors.say", words=words)
        assert execution["result"]["stdout"] == words
        assert site.answer(f"utter {words}")["status"] == "succeeded"
        site.ask("GET", "/executions/größe", headers={"User-Agent": "grüße".encode().decode("latin-1")})
        size = site.log_file.stat().st_size
        assert site.run("doors.say", words="still here")["status"] == "succeeded"
        assert size < 500_000
        assert "UnicodeEncodeError" not in site.log_text


def _check_is_data(text: str, shown: str) -> None:
    assert shown == text
    assert TREASURE not in shown


@pytest.mark.parametrize("text", ESCAPES)
def test_cve_2021_44657_no_escape_by_parameters_and_commands(server: Running, text: str) -> None:
    _check_is_data(text, server.run("doors.say", words=text)["result"]["stdout"])
    body = {"command": f"utter {text}", "user": text, "source_channel": text}
    answer = server.post("/aliasexecution/match_and_execute", body)
    assert answer.status_code == 201, answer.text
    (made,) = answer.json()["results"]
    assert made["message"] == f"saying {text}"
    _check_is_data(text, server.ended(made["execution"])["result"]["stdout"])


@pytest.mark.parametrize("text", ESCAPES)
def test_cve_2021_44657_no_escape_by_webhooks(server: Running, text: str) -> None:
    posted = server.post("/webhooks/open", {"words": text}, headers={"St2-Trace-Tag": "x"})
    assert posted.status_code == 202
    instance = posted.headers["X-Trigger-Instance"]
    found: list[Any] = []

    def has_run() -> bool:
        found[:] = server.get(f"/executions?trigger_instance={instance}").json()
        return bool(found)

    wait_until(has_run)
    _check_is_data(text, server.ended(found[0])["result"]["stdout"])


@pytest.mark.parametrize("text", ESCAPES[:5])
def test_cve_2026_27493_an_answer_is_evaluated_once(server: Running, text: str) -> None:
    execution = server.start("doors.ask")
    waiting: list[Any] = []

    def is_asked() -> bool:
        waiting[:] = server.get(f"/executions/{execution['id']}/children").json()
        return bool(waiting) and waiting[0]["status"] == "pending"

    wait_until(is_asked)
    answer = server.ask("PUT", f"/inquiries/{waiting[0]['id']}", json={"response": {"word": text}})
    assert answer.ok, answer.text
    _check_is_data(text, server.ended(execution)["result"]["output"]["said"])


@pytest.mark.parametrize("text", ESCAPES[:3])
def test_cve_2025_27516_a_rule_that_somebody_wrote_does_not_get_out(server: Running, text: str) -> None:
    rule = {
        "name": "escape",
        "pack": "doors",
        "enabled": True,
        "trigger": {"type": "core.st2.webhook", "parameters": {"url": "escape"}},
        "action": {"ref": "doors.say", "parameters": {"words": text}},
    }
    made = server.post("/rules", rule)
    assert made.status_code in (201, 400)
    if made.ok:
        assert server.post("/webhooks/escape", {}).status_code == 202
        wait_until(lambda: bool(server.get("/ruleenforcements?rule_ref=doors.escape").json()))
        enforced = server.get("/ruleenforcements?rule_ref=doors.escape").json()[-1]
        assert not enforced.get("execution_id")
        server.ask("DELETE", "/rules/doors.escape")
    assert "uid=" not in made.text
    assert "subprocess" not in made.text


def test_cve_2022_44009_a_template_reads_the_keys_of_whoever_runs_it(server: Running, eve: str) -> None:
    mine = {"name": "private", "scope": "user", "value": PRIVATE}
    assert server.ask("PUT", "/keys/private", json=mine).ok
    assert PRIVATE in server.run("doors.mine")["result"]["stdout"]
    by_eve = server.ask("POST", "/executions", json={"action": "doors.mine"}, key=eve)
    assert PRIVATE not in by_eve.text
    assert by_eve.status_code == 400 or PRIVATE not in json.dumps(server.ended(by_eve.json()))


@pytest.mark.parametrize("user", ["admin", "stormcrow", "someone"])
def test_cve_2026_85513_nobody_runs_as_somebody_else(server: Running, eve: str, user: str) -> None:
    execution = server.run("core.noop")
    asked = [
        ("POST", "/executions", {"action": "core.noop", "user": user}),
        ("POST", f"/executions/{execution['id']}/re_run", {"user": user}),
        ("POST", "/schedules", {"when": "in 1 hour", "action": "core.noop", "user": user}),
        ("POST", "/apikeys", {"user": user}),
    ]
    for method, path, body in asked:
        assert server.ask(method, path, json=body, key=eve).status_code == 403, path
    said = {"command": "utter hello", "user": user, "source_channel": "ops", "context": {"user": user}}
    (made,) = server.ask("POST", "/aliasexecution/match_and_execute", json=said, key=eve).json()["results"]
    assert made["execution"]["context"]["user"] == "eve"


def test_cve_2022_43706_what_people_write_is_never_a_page(server: Running) -> None:
    evil = "<img src=x onerror=alert(1)><script>alert(1)</script>"
    server.ask("PUT", "/keys/evil", json={"name": "evil", "value": evil})
    execution = server.run("doors.say", words=evil)
    paths = (
        "/keys/evil",
        f"/executions/{execution['id']}",
        f"/executions/{execution['id']}/output",
        f"/executions/{execution['id']}/result",
        f"/executions/{evil}",
        f"/actions/{evil}",
    )
    for path in paths:
        answer = server.get(path, headers={"Accept": "text/html"})
        assert answer.headers["Content-Type"].partition(";")[0] in ("application/json", "text/plain")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/html"],
)
def test_cve_2021_39133_a_form_of_another_site_starts_nothing(server: Running, kind: str) -> None:
    body = json.dumps({"action": "core.noop"})
    signed_in = {"Content-Type": kind, "Cookie": f"auth-token={server.key}; x-auth-token={server.key}"}
    assert server.ask("POST", "/executions", data=body, headers=signed_in, key="").status_code == 401
    assert server.ask("POST", "/executions", data=body, headers={"Content-Type": kind}).status_code == 415


POSTED_ONLY = sorted(
    {one.path for one in ENDPOINTS if "{" not in one.path}
    - {one.path for one in ENDPOINTS if one.method == "GET"}
    # There a GET is one of /packs/{ref_or_id}, /actionalias/{ref_or_id} and the like.
    - {"/packs/install", "/packs/uninstall", "/packs/register", "/actionalias/match", "/rules/backtest"}
)


@pytest.mark.parametrize("path", POSTED_ONLY)
def test_cve_2021_39133_what_changes_something_is_not_done_by_a_link(server: Running, path: str) -> None:
    """A method in the query, or in a header, makes no other request of a GET."""
    answer = server.get(f"{path}?_method=POST", headers={"X-HTTP-Method-Override": "POST"})
    assert answer.status_code in (404, 405)


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "application/json", "text/plain"])
def test_cve_2026_21858_a_body_names_no_file_of_ours(server: Running, kind: str) -> None:
    body = json.dumps({"files": {"f": {"filepath": "/etc/passwd", "path": "/etc/passwd"}}, "words": "x"})
    answer = server.ask("POST", "/webhooks/open", data=body, headers={"Content-Type": kind})
    assert "root:" not in answer.text
    assert (
        server.ask("POST", "/webhooks/signed/hook", data=body, headers={"Content-Type": kind}).status_code
        == 401
    )


def _signed(body: bytes) -> dict[str, str]:
    digest = hmac.new(HOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={digest}", "X-GitHub-Event": "push"}


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/signed/hook",
        "/webhooks/signed/hook/",
        "/webhooks//signed/hook",
        "/webhooks/signed%2Fhook",
        "/webhooks/%73igned/hook",
        "/webhooks/SIGNED/HOOK",
        "/webhooks/open/../signed/hook",
        "/webhooks/open/%2e%2e/signed/hook",
        "/webhooks/signed/hook;x=1",
        "/webhooks/signed/hook%00",
        "/api/v1/webhooks/signed/hook",
    ],
)
def test_cve_2026_110852_a_path_alone_opens_no_webhook(server: Running, path: str) -> None:
    prepared = requests.Request("POST", server.url, data=b"{}").prepare()
    # As it stands: the library would tidy it up.
    prepared.url = server.url + path
    prepared.headers["Content-Type"] = "application/json"
    with requests.Session() as session:
        unsigned = session.send(prepared, timeout=20, allow_redirects=False)
        assert unsigned.status_code in (400, 401, 404)
        # The key of a person is no signature of the sender.
        prepared.headers["St2-Api-Key"] = server.key
        with_key = session.send(prepared, timeout=20, allow_redirects=False)
    assert with_key.status_code in (400, 401, 403, 404)
    assert "X-Trigger-Instance" not in with_key.headers


def test_cve_2026_21894_only_the_very_bytes_that_were_signed_count(server: Running) -> None:
    body = b'{"a": 1}'
    kind = {"Content-Type": "application/json"}
    sent = {"data": body, "headers": {**_signed(body), **kind}}
    assert server.ask("POST", "/webhooks/signed/hook", key="", **sent).status_code == 202
    changed = {"data": b'{"a": 2}', "headers": {**_signed(body), **kind}}
    assert server.ask("POST", "/webhooks/signed/hook", key="", **changed).status_code == 401


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(9)
)


@pytest.mark.parametrize("text", [BOMB, "version: !!python/object/apply:os.system [id]", "version: [" * 5000])
def test_cve_2018_16848_and_2021_39132_hostile_yaml_is_refused(server: Running, text: str) -> None:
    answer = server.ask("POST", "/workflows/inspect", data=text, headers={"Content-Type": "text/plain"})
    assert answer.status_code in (200, 400)
    assert len(answer.content) < 100_000
    assert "uid=" not in answer.text


@pytest.mark.parametrize("name", ["proxy_command", "ProxyCommand", "bastion_command"])
def test_cve_2026_93858_no_parameter_is_a_command_for_this_host(
    server: Running, tmp_path: Path, name: str
) -> None:
    trace = tmp_path / "ran"
    parameters = {"hosts": "127.0.0.1", "cmd": "true", name: f"touch {trace}"}
    answer = server.post("/executions", {"action": "core.remote", "parameters": parameters})
    assert answer.status_code == 400
    for hosts in (
        f"127.0.0.1 -oProxyCommand='touch {trace}'",
        f"$(touch {trace})",
        f"-oProxyCommand=touch {trace}",
    ):
        body = {"action": "core.remote", "parameters": {"hosts": hosts, "cmd": "true", "timeout": 3}}
        started = server.post("/executions", body)
        if started.ok:
            assert server.ended(started.json())["status"] != "succeeded"
    assert not trace.exists()


def test_cve_2022_29186_no_password_comes_with_it(server: Running) -> None:
    for name, word in (("st2admin", "Ch@ngeMe"), ("admin", "admin"), ("testu", "testp"), ("admin", "")):
        answer = requests.post(f"{server.url}/auth/v1/tokens", auth=(name, word), timeout=20)
        assert answer.status_code in (401, 429)
