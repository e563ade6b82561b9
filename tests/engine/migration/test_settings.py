"""st2.conf and st2chatops.env become proposals; what may be a secret is named and not shown."""

from pathlib import Path

import pytest

from engine.errors import BadInput
from engine.migration.st2_conf import Proposal
from engine.settings import Settings
from tests.engine.migration.old_box import box, site, survey

CONF = """\
[api]
host = 0.0.0.0
port = 9101

[auth]
mode = standalone
backend = ldap
backend_kwargs = {"bind_password": "hush-ldap", "host": "ldap.example.org", "id_attr": "cn", "debug": "x"}
token_ttl = 3600
api_url = https://st2.example.org/api

[system_user]
user = stanley
ssh_key_file = /home/stanley/.ssh/stanley_rsa

[messaging]
url = amqp://guest:hush-amqp@127.0.0.1:5672/

[garbagecollector]
action_executions_ttl = 30

[webui]
# webui_base_url = https://not.used
"""
CHATOPS = """\
# st2chatops.env
export HUBOT_ADAPTER=slack
export HUBOT_NAME="crow"
export HUBOT_ALIAS='?'
export HUBOT_SLACK_TOKEN=xoxb-hush
export ST2_API_KEY=${ST2_API_KEY:-hush}
export PATH=$(touch /tmp/never)
"""


def proposals(tmp_path: Path, conf: str = CONF, chatops: str = CHATOPS) -> tuple[list[Proposal], Settings]:
    old = box(tmp_path / "old", {"etc/st2/st2.conf": conf, "etc/st2/st2chatops.env": chatops})
    here = site(tmp_path / "new")
    return survey(old, here).proposals, here


def test_what_has_a_place_here_is_proposed_with_its_value(tmp_path: Path) -> None:
    found, _ = proposals(tmp_path)
    assert {one.key: one.ours for one in found if one.ours is not None} == {
        "server.host": "0.0.0.0",
        "server.public_url": "https://st2.example.org/api",
        "auth.token_life_s": 3600,
        "retention.executions_days": 30,
        "actions.user": "stanley",
        "ssh.key_file": "/home/stanley/.ssh/stanley_rsa",
        "chat.names": ["crow"],
        "chat.prefix": "?",
        "ldap.host": "ldap.example.org",
        "ldap.id_attr": "cn",
    }


def test_every_proposal_is_a_setting_that_there_is(tmp_path: Path) -> None:
    found, here = proposals(tmp_path)
    for one in found:
        if one.key:
            section, _, key = one.key.partition(".")
            assert hasattr(getattr(here, section), key), one


def test_secrets_are_named_and_never_shown(tmp_path: Path) -> None:
    found, _ = proposals(tmp_path)
    assert "hush" not in str(found)
    named = {one.was for one in found}
    assert {
        "HUBOT_SLACK_TOKEN",
        "ST2_API_KEY",
        "messaging.url",
        "auth.backend",
        "backend_kwargs.bind_password",
    } <= named


def test_defaults_of_stackstorm_and_comments_are_nothing_to_say(tmp_path: Path) -> None:
    found, _ = proposals(tmp_path)
    assert {"api.port", "auth.mode", "webui.webui_base_url"}.isdisjoint({one.was for one in found})


def test_times_of_the_garbage_collector_become_days_of_retention(tmp_path: Path) -> None:
    conf = (
        "[garbagecollector]\naction_executions_ttl = 30\ntrigger_instances_ttl = 14\n"
        "workflow_executions_ttl = 9\ntask_executions_ttl = 8\ntraces_ttl = 7\nrule_enforcements_ttl = None\n"
    )
    found, _ = proposals(tmp_path, conf=conf, chatops="")
    assert {one.key: one.ours for one in found if one.key} == {
        "retention.executions_days": 30,
        "retention.events_days": 14,
        "retention.workflows_days": 9,
    }
    assert [one.was for one in found if not one.key] == ["garbagecollector.traces_ttl"]


def test_origins_are_proposed_without_the_star(tmp_path: Path) -> None:
    conf = "[api]\nallow_origin = https://st2.example.org, *\n"
    (told,) = proposals(tmp_path, conf=conf, chatops="")[0]
    assert (told.key, told.ours) == ("server.allow_origins", ["https://st2.example.org"])


def test_a_file_that_is_no_st2_conf_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"cannot be read as st2\.conf"):
        proposals(tmp_path, conf="hello\n")
