"""`output_schema`: what does not fit fails its action, if the site wants that; secrets are always hidden."""

import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.output_schemas import Outputs
from engine.runners.base import RunResult
from engine.service import Engine, ExecutionRequest
from engine.specs.action import ActionSpec
from engine.status import Status
from tests.engine.workflow_runs.flows import children, run_flow, write_flow
from tests.engine.world import run, settings, wait_until

FULL = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "required": True},
        "count": {"type": "integer"},
        "pin": {"type": "integer", "secret": True},
    },
    "additionalProperties": False,
}
MESSAGE = "Error validating output. See error output for more details."
TOKEN = "tok-87654321"  # what probe.minted makes


def kept(
    result: Any, *, schema: Any = None, validates: bool = True, runner: str = "python-script"
) -> RunResult:
    action = ActionSpec(
        pack="p", name="a", runner_type=runner, output_schema=FULL if schema is None else schema
    )
    outcome = RunResult(status=Status.SUCCEEDED, result=result)
    return Outputs(validates=validates).kept(action, outcome)


def write_quiet(folder: Path) -> None:
    """`probe.quiet`: as probe.minted, which prints what it makes, without that."""
    actions = folder / "packs" / "probe" / "actions"
    for suffix in ("yaml", "py"):
        text = (actions / f"minted.{suffix}").read_text().replace("minted", "quiet")
        (actions / f"quiet.{suffix}").write_text(text.replace('print("made tok-87654321")', "pass"))


@contextmanager
def started(folder: Path, **actions: Any) -> Iterator[Engine]:
    engine = Engine(settings(folder, **actions))
    engine.start()
    write_quiet(folder)
    engine.reload()
    python = engine.settings.virtualenvs_folder / "probe" / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    if not python.exists():
        python.symlink_to(sys.executable)
    try:
        yield engine
    finally:
        engine.stop()


# what fits


def test_what_fits_is_left_as_it_is() -> None:
    result = {"result": {"name": "a", "count": 1}, "stdout": ""}
    assert kept(result) == RunResult(status=Status.SUCCEEDED, result=result)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"name": 5}, "5 is not of type 'string' (name)"),
        ({"count": 1}, "'name' is a required property"),
        ({"name": "a", "more": 1}, "Additional properties are not allowed ('more' was unexpected)"),
        ("text", "A value that holds a secret does not fit (the whole)."),
    ],
)
def test_what_does_not_fit_fails_with_the_words_of_stackstorm(given: Any, error: str) -> None:
    outcome = kept({"result": given, "stdout": "x"})
    assert outcome.status is Status.FAILED
    assert outcome.result == {"error": error, "message": MESSAGE}


def test_it_is_checked_only_where_the_site_wants_that() -> None:
    assert kept({"result": {"name": 5}}, validates=False).status is Status.SUCCEEDED


def test_the_old_form_of_a_schema_is_no_reason_to_fail() -> None:
    old = {"name": {"type": "string"}, "pin": {"type": "string", "secret": True}}
    outcome = kept({"result": {"name": 5, "pin": "s3cr3t-pin", "more": 1}}, schema=old)
    assert outcome.status is Status.SUCCEEDED
    assert outcome.result == {"result": {"name": 5, "pin": "********", "more": 1}}


def test_an_action_that_failed_is_not_failed_again() -> None:
    action = ActionSpec(pack="p", name="a", runner_type="python-script", output_schema=FULL)
    failed = RunResult(status=Status.FAILED, result={"result": "None", "stderr": "why"})
    assert Outputs(validates=True).kept(action, failed) == failed


def test_runners_whose_result_has_no_such_place_are_not_checked() -> None:
    result = {"stdout": "x", "return_code": 0}
    assert kept(result, runner="local-shell-cmd").result == result


def test_the_error_does_not_tell_the_secret_that_does_not_fit() -> None:
    outcome = kept({"result": {"name": "a", "pin": "s3cr3t-pin"}})
    assert outcome.status is Status.FAILED
    assert "s3cr3t" not in str(outcome.result)
    assert outcome.result["error"] == "A value that holds a secret does not fit (pin)."


def test_a_secret_that_is_no_text_is_hidden_too() -> None:
    schema = {"type": "object", "properties": {"open": {"type": "boolean", "secret": True}}}
    assert kept({"result": {"open": True}}, schema=schema).result == {"result": {"open": "********"}}


# with an engine


def test_an_action_fails_in_the_engine(tmp_path: Path) -> None:
    with started(tmp_path, validate_output_schema=True) as engine:
        assert run(engine, "probe.minted").status is Status.SUCCEEDED
        path = tmp_path / "packs" / "probe" / "actions" / "minted.yaml"
        path.write_text(path.read_text().replace("name: {type: string}", "name: {type: integer}"))
        engine.reload()
        done = run(engine, "probe.minted")
        assert done.status is Status.FAILED
        assert done.result == {"error": "'ci' is not of type 'integer', 'null' (name)", "message": MESSAGE}


def test_a_workflow_fails_whose_output_does_not_fit(tmp_path: Path) -> None:
    with started(tmp_path, validate_output_schema=True) as engine:
        flow = write_flow(
            engine,
            "counted",
            """
            version: 1.0
            tasks:
              one: {action: core.noop}
            output: [{count: "many"}]
            """,
            more="output_schema: {type: object, properties: {count: {type: integer}}}",
        )
        done = run_flow(engine, flow)
        assert done.status is Status.FAILED
        assert done.result == {"error": "'many' is not of type 'integer', 'null' (count)", "message": MESSAGE}


def test_a_member_that_need_not_be_there_may_be_null() -> None:
    assert kept({"result": {"name": "a", "count": None}}).status is Status.SUCCEEDED


PASSED_ON = """
    version: 1.0
    tasks:
      mint:
        action: %s
        next: [{when: <%% succeeded() %%>, publish: [{token: "<%% result()%s.token %%>"}], do: use}]
      use:
        action: probe.sh
        input:
          cmd: echo it is <%% ctx().token %%> && echo <%% ctx().token %%> | wc -c
        next: [{publish: [{said: <%% result().stdout %%>}]}]
    output:
      - token: <%% ctx().token %%>
      - said: <%% ctx().said %%>
"""


def stored(engine: Engine) -> bytes:
    return b"".join(path.read_bytes() for path in (engine.settings.root / "data").glob("stormcrow.db*"))


def test_the_next_task_gets_the_secret_that_nobody_sees(tmp_path: Path) -> None:
    with started(tmp_path) as engine:
        flow = write_flow(engine, "passed", PASSED_ON % ("probe.quiet", ".result"))
        done = run_flow(engine, flow)
        assert done.status is Status.SUCCEEDED, done.result
        assert done.result == {"output": {"token": "********", "said": "it is ********\n13"}}
        minted, used = children(engine, done)
        assert minted.result["result"] == {"token": "********", "name": "ci"}
        assert used.parameters["cmd"].count("********") == 2
        assert TOKEN.encode() not in stored(engine)


def test_a_workflow_gets_the_secret_of_a_workflow_in_it(tmp_path: Path) -> None:
    with started(tmp_path) as engine:
        schema = "output_schema: {type: object, properties: {token: {type: string, secret: true}}}"
        inner = write_flow(engine, "inner", PASSED_ON % ("probe.quiet", ".result"), more=schema)
        outer = write_flow(engine, "outer", PASSED_ON % (inner, ".output"))
        done = run_flow(engine, outer)
        assert done.status is Status.SUCCEEDED, done.result
        assert done.result == {"output": {"token": "********", "said": "it is ********\n13"}}
        assert TOKEN.encode() not in stored(engine)


def test_a_workflow_that_is_run_again_still_has_the_secret(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    with started(tmp_path) as engine:
        text = (PASSED_ON % ("probe.quiet", ".result")).replace("cmd: ", f"cmd: test -e {flag} && ")
        flow = write_flow(engine, "again", text)
        failed = run_flow(engine, flow)
        assert failed.status is Status.FAILED
    flag.touch()
    with started(tmp_path) as engine:
        again = engine.rerun(failed.id, user="alice", parameters={}, tasks=["use"])
        done = engine.wait(again.id, timeout_s=60)
        assert done.status is Status.SUCCEEDED, done.result
        assert done.result["output"]["said"] == "it is ********\n13"


def test_what_was_printed_of_the_secret_is_hidden(tmp_path: Path) -> None:
    with started(tmp_path) as engine:
        done = run(engine, "probe.minted")
        assert done.result["stdout"] == "made ********\n"
        assert "".join(chunk.data for chunk in engine.output(done.id)) == "made ********\n"


LINGERS = """import pathlib, sys, time
print("made tok-87654321", flush=True)
pathlib.Path(%r).touch()
while not pathlib.Path(%r).exists():
    time.sleep(0.05)"""


def test_nobody_sees_it_while_the_action_runs(tmp_path: Path) -> None:
    printed, go = tmp_path / "printed", tmp_path / "go"
    with started(tmp_path) as engine:
        quiet = tmp_path / "packs" / "probe" / "actions" / "quiet.py"
        lingers = textwrap.indent(LINGERS % (str(printed), str(go)), " " * 8).lstrip()
        quiet.write_text(quiet.read_text().replace("pass", lingers))
        engine.reload()
        made = engine.request(ExecutionRequest(action="probe.quiet", user="alice"))
        wait_until(printed.exists)
        # Longer than output is gathered: other output would be there by now.
        time.sleep(1)
        assert list(engine.output(made.id)) == []
        go.touch()
        done = engine.wait(made.id, timeout_s=30)
        assert "".join(chunk.data for chunk in engine.output(done.id)) == "made ********\n"
