"""The conductor of chains, without a world: what follows on what, and that it can be saved at any moment."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.expressions.jinja import Templates
from engine.settings import TemplateSettings
from engine.workflows.action_chains import ActionChains
from engine.workflows.calls import ActionChanged, Command
from engine.workflows.chain_conduct import ChainConductor
from engine.workflows.rehearse import RehearsalHost

LANGUAGE = ActionChains(Templates(TemplateSettings()))
CONTEXT = {"st2": {"user": "alice"}, "parent": {"user": "alice"}, "config": {"place": "here"}, "runner": {}}
LOOP = """
    vars: {n: 0}
    chain:
      - name: step
        ref: core.noop
        parameters: {number: "{{ n }}", place: "{{ config_context.place }}"}
        publish: {n: "{{ n | int + 1 }}"}
        on-success: check
        on-failure: mend
      - {name: check, ref: core.noop, parameters: {all: "{{ __results | length }}"}, on-success: step}
      - {name: mend, ref: core.noop, on-success: step, on-failure: step}
"""


def begun(chain: str, host: RehearsalHost) -> ChainConductor:
    return LANGUAGE.begin(LANGUAGE.plan(chain), context=CONTEXT, inputs={"size": 3}, host=host)


def requested(conductor: ChainConductor) -> tuple[str, dict[str, Any], str]:
    [call] = conductor.work().calls
    return call.task, dict(call.input), call.execution_id


def ended(
    conductor: ChainConductor, execution_id: str, status: str = "succeeded", result: Any = None
) -> None:
    conductor.take(ActionChanged(execution_id=execution_id, status=status, result=result))


@settings(max_examples=60, deadline=None)
@given(
    outcomes=st.lists(st.sampled_from(["succeeded", "failed", "abandoned", "timeout", "pause"]), max_size=12)
)
def test_a_chain_that_is_saved_after_each_step_goes_the_same_way(outcomes: list[str]) -> None:
    hosts = RehearsalHost(), RehearsalHost()
    kept, saved = (begun(LOOP, host) for host in hosts)
    deltas: list[bytes] = []
    snapshot: bytes | None = None
    for number, outcome in enumerate([*outcomes, "succeeded"]):
        works = kept.work(), saved.work()
        assert works[0] == works[1]
        assert kept.status == saved.status
        for conductor in (kept, saved):
            if outcome == "pause":
                if not conductor.is_ended:
                    conductor.take(Command(wanted="resume" if conductor.status == "paused" else "pause"))
            else:
                for execution_id in list(conductor.awaited()):
                    ended(conductor, execution_id, outcome, {"number": number})
        # Work is asked for before a step is stored, as hosts do.
        works = kept.work(), saved.work()
        assert works[0] == works[1]
        kept.delta()
        deltas.append(saved.delta().data)
        if number % 5 == 4:
            snapshot, deltas = saved.snapshot().data, []
        plan = LANGUAGE.plan(LOOP)
        saved = LANGUAGE.load(
            plan, context={**CONTEXT, "inputs": {"size": 3}}, snapshot=snapshot, deltas=deltas, host=hosts[1]
        )
    assert json.dumps(kept.result) == json.dumps(saved.result)
    assert (kept.status, kept.tree()) == (saved.status, saved.tree())


def test_a_loop_runs_on_and_sees_what_it_has_published() -> None:
    conductor = begun(LOOP, RehearsalHost())
    seen = []
    for _ in range(5):
        task, given_, execution_id = requested(conductor)
        seen.append((task, given_.get("number", given_.get("all"))))
        ended(conductor, execution_id)
    assert seen == [("step", "0"), ("check", "1"), ("step", "1"), ("check", "2"), ("step", "2")]


@pytest.mark.parametrize(("status", "chain"), [("timeout", "timeout"), ("abandoned", "failed")])
def test_the_end_of_the_last_task_is_that_of_the_chain(status: str, chain: str) -> None:
    conductor = begun("chain: [{name: only, ref: core.noop}]", RehearsalHost())
    ended(conductor, requested(conductor)[2], status)
    assert (conductor.status, conductor.is_ended) == (chain, True)


def test_a_cancelled_task_cancels_the_chain() -> None:
    conductor = begun(LOOP, RehearsalHost())
    ended(conductor, requested(conductor)[2], "canceled")
    assert conductor.status == "canceled"
    assert conductor.work().calls == ()


def test_results_win_over_parameters_and_variables_over_results() -> None:
    conductor = begun(
        """
        vars: {size: 9}
        chain:
          - {name: a, ref: core.noop, parameters: {x: "{{ size }}"}, on-success: b}
          - {name: b, ref: core.noop, parameters: {x: "{{ a.word }} {{ action_context.user }}"}}
        """,
        RehearsalHost(),
    )
    _, first, execution_id = requested(conductor)
    ended(conductor, execution_id, "succeeded", {"word": "{{ 7 * 7 }}"})
    assert (first, requested(conductor)[1]) == ({"x": "9"}, {"x": "{{ 7 * 7 }} alice"})


def test_a_pending_question_rests_the_chain_and_its_answer_leads_on() -> None:
    conductor = begun(LOOP, RehearsalHost())
    _, _, execution_id = requested(conductor)
    ended(conductor, execution_id, "pending")
    assert conductor.status == "paused"
    ended(conductor, execution_id, "succeeded")
    assert (conductor.status, requested(conductor)[0]) == ("running", "check")


def test_vars_that_do_not_render_fail_the_chain_before_any_task() -> None:
    conductor = begun('{vars: {x: "{{ nobody }}"}, chain: [{name: a, ref: core.noop}]}', RehearsalHost())
    assert conductor.status == "failed"
    assert conductor.result["error"].startswith("Failed initializing ``vars`` in chain.")
