"""Every command of `st2` that makes sense without StackStorm's daemons, one family after the other."""

import hashlib
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.compat.st2.conftest import PASSWORD, St2
from tests.engine.installer.world import index_server, repository
from tests.engine.world import wait_until

ID = re.compile(r"\b[0-9a-f]{24}\b")


def execution_id(st2: St2, action: str, **parameters: str) -> str:
    """Of one that is over."""
    return str(st2.server.run(action, **parameters)["id"])


def test_login(st2: St2) -> None:
    assert "st2admin" in st2.ok("auth", "st2admin", "-p", PASSWORD).out
    token = st2.ok("auth", "st2admin", "-p", PASSWORD, "-l", "60", "-t").out.strip()
    assert re.fullmatch(r"[0-9a-f]{32}", token)
    assert "Logged in as st2admin" in st2.ok("login", "st2admin", "-p", PASSWORD).out
    assert "Logged in as st2admin" in st2.ok("login", "st2admin", "-p", PASSWORD, "-w").out
    assert 'Currently logged in as "st2admin"' in st2.ok("whoami", ST2_AUTH_TOKEN=token).out
    assert 'Currently logged in as "admin"' in st2.ok("whoami").out
    assert st2("auth", "st2admin", "-p", "wrong").code == 1


def test_apikey(st2: St2) -> None:
    key = st2.ok("apikey", "create", "-k", "-m", '{"used_by":"x"}').out.strip()
    assert len(key) > 30
    made = st2.ok("apikey", "create", "-u", "bob", "-j").json
    assert made["id"] in st2.ok("apikey", "list").out
    listed = st2.ok("apikey", "list", "-d", "--show-secrets", "-u", "bob").out
    assert "bob" in listed
    assert made["key"] not in listed
    assert "bob" in st2.ok("apikey", "get", made["id"]).out
    st2.ok("apikey", "disable", made["id"])
    assert "False" in st2.ok("apikey", "get", made["id"]).out
    st2.ok("apikey", "enable", made["id"])
    st2.ok("apikey", "delete", made["id"])
    assert st2("apikey", "get", made["id"]).code == 1


def test_a_key_of_stackstorm_is_taken_over_by_its_hash(st2: St2) -> None:
    clear = "YTJmNzU5NDg5MGQ5MmNkMmQ1MWYwN2M3"
    digest = hashlib.sha512(b"saltnpeper" + clear.encode()).hexdigest()
    key = {"id": "5f00000000000000000000bb", "user": "st2admin", "key_hash": digest, "enabled": True}
    st2.ok("apikey", "load", st2.file("ak.json", key))
    assert st2.server.get("/user", key=clear).json()["username"] == "st2admin"
    wrong = st2("apikey", "load", st2.file("wrong.json", {**key, "key_hash": "abc"}))
    assert "128 hexadecimal digits" in wrong.out


@pytest.mark.parametrize("words", [("cmd=echo hi",), ("echo hi",)])
def test_run_waits_for_the_end(st2: St2, words: tuple[str, ...]) -> None:
    done = st2.ok("run", "core.local", *words)
    assert "status: succeeded" in done.out
    assert "stdout: hi" in done.out


def test_run_prints_as_one_likes(st2: St2) -> None:
    assert st2.ok("run", "-j", "core.local", "echo hi").json["result"]["stdout"] == "hi"
    assert "stdout: hi" in st2.ok("run", "-y", "core.local", "echo hi").out
    assert '"stdout": "hi"' in st2.ok("run", "-d", "core.local", "echo hi").out
    assert st2.ok("run", "-k", "stdout", "core.local", "echo hi").out.strip() == "hi"
    assert "hi" in st2.ok("run", "--attr", "result.stdout", "--", "core.local", "echo hi").out


def test_run_in_the_background(st2: St2) -> None:
    assert "st2 execution get" in st2.ok("run", "-a", "core.local", "date").out
    assert ID.search(st2.ok("run", "-a", "--trace-id", "5f00", "core.local", "date").out)
    assert ID.search(st2.ok("run", "-e", "-a", "core.local", "cmd=env").out)
    text = st2.file("cmd.txt", "echo from a file")
    assert ID.search(st2.ok("run", "-a", "core.local", f"@cmd={text}").out)
    made = st2.ok("run", "-a", "-u", "admin", "--trace-tag", "tt", "--delay", "1000", "core.local", "date")
    assert ID.search(made.out)


def test_run_as_somebody_else_is_refused(st2: St2) -> None:
    done = st2("run", "-a", "-u", "bob", "core.local", "date")
    assert done.code == 1
    assert "may not act as" in done.out


def test_run_of_a_workflow(st2: St2) -> None:
    words = ("who=me", "n=3", "items=1,2", "opts=a=1,b=2", "yes=true", "x=1.5")
    done = st2.ok("run", "cli.wf", *words)
    assert "status: succeeded" in done.out
    assert "t1" in done.out
    assert "hello me" in st2.ok("run", "--raw", "cli.wf", "who=me").out


def test_run_shows_help(st2: St2) -> None:
    assert "cmd" in st2.ok("run", "-h", "core.local").out


def test_run_of_nothing(st2: St2) -> None:
    done = st2("run", "nope.nope")
    assert done.code == 1
    assert "doesn't exist" in done.out


def test_run_and_follow(st2: St2) -> None:
    done = st2.ok("run", "--tail", "core.local", "echo quick")
    assert "quick" in done.out
    done = st2.ok("run", "--tail", "cli.count")
    assert "one\ntwo" in done.out
    assert "succeeded" in done.out
    done = st2.ok("run", "--tail", "cli.wf")
    assert "succeeded" in done.out


def test_execution_list(st2: St2) -> None:
    made = execution_id(st2, "core.local", cmd="date")
    assert made in st2.ok("execution", "list").out
    words = "-n 5 --action core.local --status succeeded --user admin -tg 2000-01-01T12:00:00.000Z"
    listed = st2.ok(
        "execution", "list", *words.split(), "-tl", "2099-01-01T12:00:00.000Z", "-s", "asc", "-l", "-j"
    )
    assert {one["action"]["ref"] for one in listed.json} == {"core.local"}
    assert made in st2.ok("execution", "list", "-n", "-1", "-a", "all").out
    none = st2.ok("execution", "list", "--trigger_instance", "5f00")
    assert not ID.search(none.out)


def test_execution_get(st2: St2) -> None:
    made, flow = execution_id(st2, "core.local", cmd="echo hi"), execution_id(st2, "cli.wf")
    assert "stdout: hi" in st2.ok("execution", "get", made).out
    assert "t1" in st2.ok("execution", "get", flow).out
    assert "t1" in st2.ok("execution", "get", flow, "--show-tasks", "--depth", "1").out
    assert "succeeded" in st2.ok("execution", "get", "-d", made).out
    assert st2.ok("execution", "get", "-j", made).json["status"] == "succeeded"
    assert "stdout" not in st2.ok("execution", "get", "-x", made).out
    assert st2.ok("execution", "get", "-k", "stdout", made).out.strip() == "hi"
    several = st2("execution", "get", made, flow, "nope")
    assert '"nope" is not found' in several.out


def test_execution_tail(st2: St2) -> None:
    made = execution_id(st2, "core.local", cmd="echo hi")
    done = st2.ok("execution", "tail", made)
    assert "hi\n" in done.out
    assert f"Execution {made} has completed (status=succeeded)." in done.out
    done = st2.ok("execution", "tail", "last", "--type", "stdout", "--include-metadata")
    assert "has completed" in done.out


def test_execution_cancel(st2: St2) -> None:
    made = st2.server.start("core.local", cmd="sleep 60")["id"]
    wait_until(lambda: st2.server.engine.execution(made).status == "running")
    assert "cancel" in st2.ok("execution", "cancel", made).out
    assert st2.server.ended({"id": made})["status"] == "canceled"


def test_execution_pause_and_resume(st2: St2, tmp_path: Path) -> None:
    awaited = tmp_path / "go"
    made = ID.findall(st2.ok("run", "-a", "cli.slow_wf", f"file={awaited}").out)[0]
    again = st2.server.engine
    wait_until(lambda: again.execution(made).status == "running")
    assert "paus" in st2.ok("execution", "pause", made).out
    awaited.touch()
    wait_until(lambda: again.execution(made).status == "paused")
    assert made in st2.ok("execution", "resume", made).out
    assert st2.server.ended({"id": made})["status"] == "succeeded"


def test_execution_rerun(st2: St2) -> None:
    made, flow = execution_id(st2, "core.local", cmd="echo hi"), execution_id(st2, "cli.wf")
    assert "stdout: hi" in st2.ok("execution", "re-run", made).out
    assert ID.search(st2.ok("execution", "re-run", "-a", made, "cmd=echo other").out)
    assert ID.search(st2.ok("execution", "re-run", flow, "--tasks", "t1", "--no-reset", "t1", "-a").out)
    assert "succeeded" in st2.ok("execution", "re-run", flow).out
    st2.ok("execution", "re-run", "-h", made)


def test_action(st2: St2) -> None:
    assert "core.local" in st2.ok("action", "list").out
    assert {one["pack"] for one in st2.ok("action", "list", "-p", "core", "-a", "all", "-j").json} == {"core"}
    assert "core.local" in st2.ok("action", "get", "core.local").out
    assert ID.search(st2.ok("action", "execute", "core.local", "date").out)
    action = {
        "name": "newa",
        "pack": "default",
        "runner_type": "local-shell-cmd",
        "enabled": True,
        "description": "mine",
        "parameters": {"cmd": {"default": "echo mine", "immutable": True}},
    }
    assert "default.newa" in st2.ok("action", "create", st2.file("action.yaml", action)).out
    assert "stdout: mine" in st2.ok("run", "default.newa").out
    changed = st2.file("action2.yaml", {**action, "description": "changed"})
    assert "changed" in st2.ok("action", "update", "default.newa", changed).out
    assert "False" in st2.ok("action", "disable", "default.newa").out
    assert "is disabled" in st2("run", "default.newa").out
    assert "True" in st2.ok("action", "enable", "default.newa").out
    assert "default.new2" in st2.ok("action", "clone", "-f", "core.local", "default", "new2").out
    st2.ok("action", "clone", "-f", "default.newa", "default", "new2")
    st2.ok("action", "delete", "default.newa")
    st2.ok("action", "delete", "-r", "default.new2")
    assert st2("action", "get", "default.newa").code == 1


def test_an_action_of_a_file_is_switched(st2: St2) -> None:
    assert "False" in st2.ok("action", "disable", "cli.count").out
    assert "True" in st2.ok("action", "enable", "cli.count").out
    assert "is the file" in st2("action", "update", "cli.count", st2.file("a.yaml", {"name": "count"})).out
    assert "is a file" in st2("action", "delete", "cli.count").out


def test_action_alias(st2: St2) -> None:
    assert "cli.hello" in st2.ok("action-alias", "list").out
    assert "cli.hello" in st2.ok("action-alias", "get", "cli.hello").out
    assert "shout" in st2.ok("action-alias", "match", "shout echo hi").out
    assert ID.search(st2.ok("action-alias", "execute", "shout echo hi").out)
    refused = st2("action-alias", "execute", "-u", "bob", "shout echo hi")
    assert (refused.code, "may not act for 'bob'" in refused.out) == (1, True)
    assert "hi" in st2.ok("action-alias", "test", "shout echo hi").out
    alias = {
        "name": "newal",
        "pack": "default",
        "description": "mine",
        "action_ref": "core.local",
        "formats": ["whisper {{cmd}}"],
    }
    assert "newal" in st2.ok("action-alias", "create", st2.file("alias.yaml", alias)).out
    assert "newal" in st2.ok("action-alias", "match", "whisper date").out
    changed = st2.file("alias2.yaml", {**alias, "formats": ["murmur {{cmd}}"]})
    assert "murmur" in st2.ok("action-alias", "update", "default.newal", changed).out
    st2.ok("action-alias", "delete", "default.newal")
    assert st2("action-alias", "get", "default.newal").code == 1


def test_an_alias_that_wants_no_answer_is_tried_too(st2: St2) -> None:
    assert "whispered" in st2.ok("action-alias", "test", "quietly echo whispered").out


def test_rule(st2: St2) -> None:
    assert "cli.on_hook" in st2.ok("rule", "list").out
    words = "--iftt -p cli -c core.local -g core.st2.webhook --enabled -n 2"
    assert "cli.on_hook" in st2.ok("rule", "list", *words.split()).out
    assert "cli.on_hook" not in st2.ok("rule", "list", "--disabled", "-j").out
    assert "cli.on_hook" in st2.ok("rule", "get", "cli.on_hook").out
    rule = {
        "name": "newr",
        "pack": "default",
        "enabled": True,
        "trigger": {"type": "core.st2.webhook", "parameters": {"url": "x"}},
        "criteria": {},
        "action": {"ref": "core.local", "parameters": {"cmd": "date"}},
    }
    assert "newr" in st2.ok("rule", "create", st2.file("rule.yaml", rule)).out
    changed = st2.file("rule2.yaml", {**rule, "description": "changed"})
    assert "changed" in st2.ok("rule", "update", "default.newr", changed).out
    assert "False" in st2.ok("rule", "disable", "default.newr").out
    assert "True" in st2.ok("rule", "enable", "default.newr").out
    st2.ok("rule", "delete", "default.newr")
    assert st2("rule", "get", "default.newr").code == 1


def test_what_rules_did(st2: St2) -> None:
    st2.server.post("/webhooks/sample", {"word": "hi"}, headers={"St2-Trace-Tag": "by-hook"})
    wait_until(lambda: "cli.on_hook" in st2.ok("rule-enforcement", "list").out)
    words = "--rule cli.on_hook -tg 2000-01-01T12:00:00.000Z -tl 2099-01-01T12:00:00.000Z -j"
    enforcement = st2.ok("rule-enforcement", "list", *words.split()).json[0]
    assert enforcement["rule"]["ref"] == "cli.on_hook"
    by_execution = st2.ok("rule-enforcement", "list", "--execution", enforcement["execution_id"], "-j").json
    assert [one["id"] for one in by_execution] == [enforcement["id"]]
    assert "cli.on_hook" in st2.ok("rule-enforcement", "get", enforcement["id"]).out
    instance = enforcement["trigger_instance_id"]
    assert instance in st2.ok("trigger-instance", "list").out
    assert enforcement["execution_id"] in st2.ok("execution", "list", "--trigger_instance", instance).out
    trigger = st2.ok("trigger-instance", "get", instance, "-j").json["trigger"]
    words = f"--trigger {trigger} --status processed -tg 2000-01-01T12:00:00.000Z -n 2"
    listed = st2.ok("trigger-instance", "list", *words.split(), "-tl", "2099-01-01T12:00:00.000Z")
    assert instance in listed.out
    assert "re-sent" in st2.ok("trigger-instance", "re-emit", instance).out
    # Of one trace the client shows all of it, and no list.
    trace = st2.ok("trace", "list", "-c", "by-hook", "-j").json["id"]
    assert trace in st2.ok("trace", "list").out
    found = st2.ok("trace", "list", "-e", enforcement["execution_id"], "-s", "asc", "-n", "2", "-j").json
    assert found["id"] == trace
    assert enforcement["execution_id"] in st2.ok("trace", "get", trace).out
    st2.ok("trace", "get", trace, "-e", enforcement["execution_id"])
    st2.ok("trace", "get", trace, "--show-executions", "-n")


def test_trigger(st2: St2) -> None:
    assert "core.st2.webhook" in st2.ok("trigger", "list").out
    assert "core.st2.webhook" in st2.ok("trigger", "list", "-p", "core").out
    assert "core.st2.webhook" in st2.ok("trigger", "get", "core.st2.webhook").out
    kind = {"name": "newt", "pack": "default", "description": "d"}
    assert "newt" in st2.ok("trigger", "create", st2.file("tt.yaml", kind)).out
    changed = st2.file("tt2.yaml", {**kind, "description": "changed"})
    assert "changed" in st2.ok("trigger", "update", "default.newt", changed).out
    st2.ok("trigger", "delete", "default.newt")
    assert "sample" in st2.ok("trigger", "getspecs", "core.st2.webhook", "-j").out


def test_sensor(st2: St2) -> None:
    assert "cli.Look" in st2.ok("sensor", "list").out
    assert "cli.Look" in st2.ok("sensor", "list", "-p", "cli").out
    assert "cli.Look" in st2.ok("sensor", "get", "cli.Look").out
    assert "True" in st2.ok("sensor", "enable", "cli.Look").out
    assert "False" in st2.ok("sensor", "disable", "cli.Look").out


def test_pack(st2: St2) -> None:
    assert "cli" in st2.ok("pack", "list").out
    assert "For the commands of st2" in st2.ok("pack", "get", "cli").out
    assert "actions" in st2.ok("pack", "register").out
    st2.ok("pack", "register", "core", "cli", "--types", "actions", "aliases")


def test_pack_index(st2: St2, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = st2.server.engine.settings
    entry = {"name": "slack", "description": "Chat", "version": "1.0.0", "author": "x", "ref": "slack"}
    with index_server({"slack": entry}) as url:
        packs = replace(settings.packs, index_urls=[url])
        monkeypatch.setattr(st2.server.engine, "settings", replace(settings, packs=packs))
        assert "Chat" in st2.ok("pack", "show", "slack").out
        assert "slack" in st2.ok("pack", "search", "slack").out


def test_pack_install_and_remove(st2: St2, tmp_path: Path) -> None:
    addresses = [repository(tmp_path / name, name, "1.0.0") for name in ("rain", "snow")]
    done = st2.ok("pack", "install", addresses[0])
    assert "rain" in done.out
    assert "rain" in st2.ok("pack", "install", addresses[0], "--force", "--skip-dependencies", "-j").out
    assert "snow" in st2.ok("pack", "install", *addresses).out
    for name in ("rain", "snow"):
        st2.ok("pack", "remove", name)
        assert st2("pack", "get", name).code == 1


def test_key(st2: St2) -> None:
    assert "red" in st2.ok("key", "set", "color", "red").out
    assert "color" in st2.ok("key", "list").out
    assert "red" in st2.ok("key", "get", "color").out
    st2.ok("key", "set", "-e", "-l", "60", "-s", "user", "-u", "bob", "color", "blue")
    listed = st2.ok("key", "list", "-d", "-s", "user", "-u", "bob", "-n", "5", "--prefix", "col", "-j").json
    assert [one["value"] for one in listed] == ["blue"]
    st2.ok("key", "set", "-s", "user", "mine", "x")
    assert "x" in st2.ok("key", "get", "-d", "-s", "user", "mine").out
    keys = [
        {"name": "a", "value": "1", "scope": "system"},
        {"name": "b", "value": {"x": 1}, "scope": "user", "user": "bob", "secret": True, "ttl": 60},
    ]
    st2.ok("key", "load", "-c", st2.file("kv.json", keys))
    st2.ok("key", "delete", "-s", "user", "-u", "bob", "color")
    st2.ok("key", "delete", "color")
    st2.ok("key", "set", "colour", "green")
    st2.ok("key", "delete_by_prefix", "-p", "col")
    assert st2("key", "get", "colour").code == 1


def test_a_value_that_is_encrypted_already(st2: St2) -> None:
    st2.ok("key", "set", "-e", "hidden", "canary")
    sealed = st2.ok("key", "get", "hidden", "-j").json["value"]
    st2.ok("key", "set", "--encrypted", "hidden", sealed)
    assert "canary" in st2.ok("key", "get", "-d", "hidden").out


def test_inquiry(st2: St2) -> None:
    made = st2.server.post("/executions", {"action": "core.ask"}).json()["id"]
    wait_until(lambda: st2.server.engine.execution(made).status == "pending")
    assert made in st2.ok("inquiry", "list").out
    assert made in st2.ok("inquiry", "get", made).out
    assert "Response accepted" in st2.ok("inquiry", "respond", "-r", '{"continue":true}', made).out
    assert st2.server.ended({"id": made})["status"] == "succeeded"


def test_policy(st2: St2) -> None:
    assert "cli.one" in st2.ok("policy", "list").out
    assert (
        "cli.one" in st2.ok("policy", "list", "-p", "cli", "-r", "cli.count", "-pt", "action.concurrency").out
    )
    assert "cli.one" in st2.ok("policy", "get", "cli.one").out
    policy = {
        "name": "newp",
        "pack": "default",
        "resource_ref": "cli.wf",
        "policy_type": "action.concurrency",
        "parameters": {"threshold": 9},
    }
    assert "newp" in st2.ok("policy", "create", st2.file("pol.yaml", policy)).out
    changed = st2.file("pol2.yaml", {**policy, "parameters": {"threshold": 8}})
    assert "8" in st2.ok("policy", "update", "default.newp", changed).out
    st2.ok("policy", "delete", "default.newp")
    assert "concurrency" in st2.ok("policy-type", "list").out
    assert "concurrency" in st2.ok("policy-type", "list", "-r", "action").out
    assert "threshold" in st2.ok("policy-type", "get", "action.concurrency").out


def test_webhook_and_timer(st2: St2) -> None:
    assert "sample" in st2.ok("webhook", "list").out
    assert "sample" in st2.ok("webhook", "get", "sample").out
    listed = st2.ok("timer", "list", "-j").json
    assert len(st2.ok("timer", "list", "-ty", "core.st2.IntervalTimer", "-j").json) == len(listed) == 1
    ref = st2.server.get("/timers").json()[0]["ref"]
    assert "core.st2.IntervalTimer" in st2.ok("timer", "get", ref).out


def test_runner(st2: St2) -> None:
    assert "local-shell-cmd" in st2.ok("runner", "list").out
    assert "cmd" in st2.ok("runner", "get", "local-shell-cmd").out
    assert "False" in st2.ok("runner", "disable", "noop").out
    assert "is disabled" in st2("run", "core.noop").out
    assert "True" in st2.ok("runner", "enable", "noop").out
    st2.ok("run", "core.noop")


def test_workflow_inspect(st2: St2) -> None:
    good = st2.file("good.yaml", "version: 1.0\ntasks:\n  t1:\n    action: core.noop\n")
    assert "No errors found" in st2.ok("workflow", "inspect", "--file", good).out
    bad = st2.file(
        "bad.yaml", "version: 1.0\ntasks:\n  t1:\n    action: core.noop\n    next:\n      - do: t9\n"
    )
    assert "t9" in st2("workflow", "inspect", "--file", bad).out


def test_service_registry(st2: St2) -> None:
    assert "api" in st2.ok("service-registry", "group", "list").out
    assert "api" in st2.ok("service-registry", "member", "list").out
    assert "api" in st2.ok("service-registry", "member", "list", "--group-id", "api").out


def test_role(st2: St2) -> None:
    assert "admin" in st2.ok("role", "list").out
    listed = st2.ok("role", "list", "-s", "-j").json
    assert {"system_admin", "admin", "observer"} <= {one["name"] for one in listed}
    assert "observer" in st2.ok("role", "get", "observer").out
    given = st2.ok("role-assignment", "list", "-u", "st2admin", "-j").json
    assert (
        "observer"
        in st2.ok("role-assignment", "get", given[0]["id"] if isinstance(given, list) else given["id"]).out
    )
    st2.ok("role-assignment", "list", "-r", "admin", "-u", "st2admin", "-s", "x", "--remote")
