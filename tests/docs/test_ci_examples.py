"""The examples for CI systems: read as these read them, and their shell steps really run against a server."""

import re
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from tests.conftest import missing
from tests.durability.server import write_files
from tests.engine.api.running import Running, running
from tests.engine.world import wait_until
from tests.gates import FLOW, Decider

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "ci"
CROWCTL = str(EXAMPLES / "crowctl")
LIMIT_S = 90


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("examples")
    write_files(folder, FLOW)
    with running(folder) as made:
        yield made


@pytest.fixture
def job(gated: Running, tmp_path: Path) -> dict[str, str]:
    """The variables of a job; `stormcrow` is ours, and `pip` installs nothing."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, line in {
        "stormcrow": f'exec {sys.executable} -m bot.cli "$@"',
        "python3": f'echo "$@" >> {tmp_path}/installed\n'
        'if [ "$2" = venv ]; then mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; fi',
    }.items():
        (tools / name).write_text(f"#!/bin/sh\n{line}\n")
        (tools / name).chmod(0o755)
    return {
        "PATH": f"{tools}:/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "RUNNER_TEMP": str(tmp_path / "runner"),
        "GITHUB_PATH": str(tmp_path / "path"),
        "STORMCROW_URL": gated.url,
        "STORMCROW_API_KEY": gated.key,
    }


def run(words: list[str], job: Mapping[str, str], folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        words, env=job, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )


def yaml_of(name: str) -> Any:
    return yaml.safe_load((EXAMPLES / name).read_text(encoding="utf-8"))


def need(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            missing(program)


# GitHub


def steps_of_action() -> list[dict[str, Any]]:
    action = yaml_of("github/stormcrow-run/action.yml")
    assert action["runs"]["using"] == "composite"
    steps: list[dict[str, Any]] = action["runs"]["steps"]
    assert all(step["shell"] == "bash" for step in steps)
    return steps


def run_action(job: Mapping[str, str], folder: Path, **given: str) -> "subprocess.CompletedProcess[str]":
    """Its steps, as GitHub runs bash, with these in the place of what the step's `env` reads."""
    for step in steps_of_action():
        done = run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            {**job, "VERSION": "", **given},
            folder,
        )
        if done.returncode:
            break
    return done


def test_the_workflow_uses_the_action_as_it_is() -> None:
    inputs = yaml_of("github/stormcrow-run/action.yml")["inputs"]
    workflow = yaml_of("github/deploy.yml")
    assert workflow["permissions"]["id-token"] == "write"
    (uses,) = [
        step
        for step in workflow["jobs"]["gate"]["steps"]
        if str(step.get("uses", "")).endswith("stormcrow-run")
    ]
    assert set(uses["with"]) <= set(inputs)
    assert {name for name, one in inputs.items() if one.get("required")} <= set(uses["with"])


@pytest.mark.parametrize("file", ["github/deploy.yml", "github/stormcrow-run/action.yml"])
def test_no_script_holds_a_value_of_github(file: str) -> None:
    def scripts(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            yield from (text for name, text in value.items() if name == "run")
            for inner in value.values():
                yield from scripts(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from scripts(inner)

    found = list(scripts(yaml_of(file)))
    assert found
    assert not any("${{" in script for script in found)


def test_the_action_waits_for_the_approval_and_gives_its_outputs(
    gated: Running, job: dict[str, str], tmp_path: Path
) -> None:
    given = {
        "ACTION": "release.gate",
        "PARAMETERS": "sha=abc 123\n\nenv=prod\n",
        "TIMEOUT": "80s",
        "KEY": "org/app-9-gate",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }
    with Decider(gated, "approve"):
        done = run_action(job, tmp_path, **given)
    assert done.returncode == 0, done.stdout + done.stderr
    own = tmp_path / "runner" / "stormcrow"
    installed = (tmp_path / "installed").read_text().splitlines()
    assert installed == [f"-m venv {own}", "-m pip install --quiet stormcrow"]
    assert (tmp_path / "path").read_text() == f"{own}/bin\n"
    outputs = (tmp_path / "output").read_text()
    declared = yaml_of("github/stormcrow-run/action.yml")["outputs"]
    for one in declared.values():
        (name,) = re.findall(r"steps\.run\.outputs\.([\w-]+)", one["value"])
        assert f"\n{name}<<" in f"\n{outputs}"
    assert "release.gate succeeded" in (tmp_path / "summary").read_text()
    assert gated.get("/executions?action=release.gate&limit=1").json()[0]["parameters"]["sha"] == "abc 123"


def test_an_action_that_begins_like_an_option_is_none(job: dict[str, str], tmp_path: Path) -> None:
    given = {"ACTION": "--no-wait", "PARAMETERS": "--url=http://127.0.0.1:9", "TIMEOUT": "9s", "KEY": "k"}
    done = run_action(job, tmp_path, **given)
    assert done.returncode == 2
    assert "--no-wait" in done.stdout


# GitLab and Jenkins


def test_the_job_of_gitlab_reports_a_rejection(gated: Running, job: dict[str, str], tmp_path: Path) -> None:
    template = yaml_of("gitlab-ci.yml")
    assert template[".stormcrow"]["id_tokens"]["STORMCROW_ID_TOKEN"]["aud"] == "$STORMCROW_URL"
    (script,) = template["deploy"]["script"]
    # Here the server knows no issuer: the key stands for the token.
    script = script.replace("--oidc ", "")
    variables = {
        **template[".stormcrow"]["variables"],
        "CI_PIPELINE_ID": "31",
        "CI_JOB_NAME": "deploy",
        "CI_COMMIT_SHA": "abc",
    }
    with Decider(gated, "reject", "freeze"):
        done = run(["sh", "-ec", script], {**job, **variables}, tmp_path)
    assert done.returncode == 5, done.stderr
    cases = [one.get("name") for one in ET.parse(tmp_path / "stormcrow.xml").iter("testcase")]
    assert cases == ["build", "approve"]


def test_the_step_of_jenkins_runs(gated: Running, job: dict[str, str], tmp_path: Path) -> None:
    (script,) = re.findall(r"sh '''\n(.*?)'''", (EXAMPLES / "Jenkinsfile").read_text(), re.DOTALL)
    with Decider(gated, "approve"):
        variables = {"BUILD_TAG": "jenkins-app-18", "GIT_COMMIT": "abc"}
        done = run(["sh", "-xec", textwrap.dedent(script)], {**job, **variables}, tmp_path)
    assert done.returncode == 0, done.stderr
    # `sh -x`, as Jenkins has it, shows no key.
    assert gated.key not in done.stderr
    assert ET.parse(tmp_path / "stormcrow.xml").getroot().get("failures") == "0"


# curl


def crowctl(job: Mapping[str, str], folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    need("curl", "jq")
    return run(["sh", CROWCTL, *words], job, folder)


def test_the_scripts_are_sound(tmp_path: Path) -> None:
    need("shellcheck")
    scripts = [CROWCTL]
    for number, step in enumerate(steps_of_action()):
        file = tmp_path / f"step{number}.sh"
        file.write_text(f"#!/bin/bash\n{step['run']}")
        scripts.append(str(file))
    done = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["core.local", "cmd=echo hello; echo you >&2"], 0),
        (["core.local", "cmd=exit 3"], 1),
        (["core.local", "cmd=sleep 20", "timeout=1"], 3),
        (["core.locul", "cmd=true"], 2),
        (["core.local", "true"], 2),
    ],
)
def test_curl_and_jq_are_enough(job: dict[str, str], tmp_path: Path, words: list[str], code: int) -> None:
    done = crowctl(job, tmp_path, *words)
    assert done.returncode == code, done.stderr
    if code == 0:
        assert sorted(done.stdout.split()) == ["hello", "you"]
    assert not list(tmp_path.glob("tmp.*"))


def test_curl_alone_tells_what_the_server_has_against_it(job: dict[str, str], tmp_path: Path) -> None:
    done = crowctl(job, tmp_path, "core.locul", "cmd=true")
    assert "Did you mean core.local?" in done.stderr


def test_curl_alone_waits_no_longer_than_it_may(gated: Running, job: dict[str, str], tmp_path: Path) -> None:
    done = crowctl({**job, "CROWCTL_TIMEOUT_S": "2"}, tmp_path, "core.local", "cmd=sleep 63", "timeout=90")
    assert done.returncode == 6, done.stderr
    found = gated.get("/executions?action=core.local&limit=20").json()
    (mine,) = [one for one in found if one["parameters"]["cmd"] == "sleep 63"]
    gated.ask("DELETE", f"/executions/{mine['id']}")


def test_curl_alone_tells_a_rejection(gated: Running, job: dict[str, str], tmp_path: Path) -> None:
    with Decider(gated, "reject", "freeze"):
        done = crowctl(job, tmp_path, "release.gate", "sha=a=b c")
    assert done.returncode == 5, done.stderr
    assert "Rejected by admin: freeze" in done.stderr
    assert gated.get("/executions?action=release.gate&limit=1").json()[0]["parameters"]["sha"] == "a=b c"


def test_a_script_that_is_ended_cancels_the_action(
    gated: Running, job: dict[str, str], tmp_path: Path
) -> None:
    need("curl", "jq")
    process = subprocess.Popen(
        ["sh", CROWCTL, "probe.slow", "seconds=60"],
        env={**job, "CROWCTL_KEY": "ended"},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "first\n"
    # Neither its own arguments nor those of curl hold the key.
    commands = [
        (one / "cmdline").read_bytes()
        for one in Path("/proc").iterdir()
        if one.name.isdigit() and (one / "cmdline").exists()
    ]
    assert any(b"output?follow=1" in one for one in commands)
    assert not any(gated.key.encode() in one for one in commands)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=LIMIT_S)
    assert process.returncode == 4

    def is_canceled() -> bool:
        found = gated.get("/executions?action=probe.slow&limit=1").json()
        return bool(found[0]["status"] == "canceled")

    wait_until(is_canceled, timeout_s=60)


def test_a_script_that_comes_again_with_its_key_starts_nothing_twice(
    job: dict[str, str], tmp_path: Path
) -> None:
    again = {**job, "CROWCTL_KEY": "pipeline-7"}
    first, second = (crowctl(again, tmp_path, "core.local", "cmd=date +%N") for _ in range(2))
    assert first.returncode == second.returncode == 0, second.stderr
    assert first.stdout == second.stdout
