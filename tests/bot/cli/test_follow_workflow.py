"""`run --follow` of a workflow: each task's begin, end and output, for people and for GitHub's log."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli.exits import Code
from bot.cli.github_groups import Groups
from bot.cli.tasks import Lines, Task
from tests.bot.cli.conftest import Shell
from tests.bot.cli.test_run_in_ci import HOSTILE, obeyed
from tests.durability.server import write_files
from tests.engine.api.running import Running, running
from tests.gates import FLOW

SHOWN = {
    "packs/shown/pack.yaml": """
        ref: shown
        name: shown
        description: A workflow to look at
        version: 1.0.0
        author: Tests
        email: tests@example.com
    """,
    "packs/shown/actions/all.yaml": """
        name: all
        runner_type: orquesta
        entry_point: workflows/all.yaml
        parameters:
          last: {type: string, default: "true"}
    """,
    "packs/shown/actions/workflows/all.yaml": """
        version: 1.0
        input: [last]
        tasks:
          build:
            action: core.local
            input: {cmd: "echo compiled; printf linked"}
            next: [{when: <% succeeded() %>, do: each}]
          each:
            with: <% list(a, b) %>
            action: core.local
            input: {cmd: "echo item <% item() %>"}
            next: [{when: <% succeeded() %>, do: inner}]
          inner:
            action: shown.inner
            next: [{when: <% succeeded() %>, do: last}]
          last:
            action: core.local
            input: {cmd: <% ctx().last %>}
        output: [{version: "1.2"}]
    """,
    "packs/shown/actions/inner.yaml": """
        name: inner
        runner_type: orquesta
        entry_point: workflows/inner.yaml
    """,
    "packs/shown/actions/workflows/inner.yaml": """
        version: 1.0
        tasks:
          leaf: {action: core.local, input: {cmd: "echo deep"}}
    """,
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("shown")
    write_files(folder, {**FLOW, **SHOWN})
    with running(folder) as made:
        yield made


@pytest.fixture
def shell(house: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STORMCROW_CONFIG", raising=False)
    return Shell(house)


def test_each_task_is_told_once_with_its_output_and_its_end(shell: Shell) -> None:
    done = shell("run", "shown.all", "--follow", "--timeout", "90s")
    assert done.exit_code == 0, done.output
    lines = done.stderr.splitlines()
    for said in (
        "build | compiled",
        "build | linked",
        "each[0] | item a",
        "each[1] | item b",
        "inner/leaf | deep",
    ):
        assert lines.count(said) == 1, done.stderr
    ends = ["build", "each[0]", "each[1]", "inner/leaf", "inner", "last"]
    for name in ends:
        assert sum(line.startswith(f"{name}: succeeded after ") for line in lines) == 1, done.stderr
    # A workflow ends after what is in it.
    order = [line.partition(":")[0] for line in lines if ": succeeded after" in line]
    assert order.index("inner/leaf") < order.index("inner")
    assert lines.index("build | linked") < next(i for i, line in enumerate(lines) if line.startswith("each["))


def test_the_result_alone_stands_on_standard_output(shell: Shell) -> None:
    done = shell("run", "shown.all", "--follow", "--timeout", "90s")
    assert json.loads(done.stdout) == {"output": {"version": "1.2"}}


def test_a_task_that_fails_says_which_execution_it_is(shell: Shell) -> None:
    done = shell("run", "shown.all", "last=echo no; exit 3", "--follow", "--timeout", "90s")
    assert done.exit_code == 1
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("last: failed after ")]
    failed = shell.server.get(f"/executions/{said.split()[-1]}").json()
    assert failed["result"]["return_code"] == 3
    assert "last | no" in done.stderr.splitlines()


def test_a_question_is_told_once_with_how_to_answer_it(shell: Shell) -> None:
    done = shell("run", "release.gate", "--follow", "--no-wait-approval", "--timeout", "90s")
    assert done.exit_code == Code.NEEDS_APPROVAL, done.output
    assert done.stderr.count("It waits for an answer (1 person): Release abc123?") == 1
    (asked,) = shell.server.get("/inquiries").json()
    assert f"stormcrow inquiry approve|reject {asked['id']}" in done.stderr
    shell.server.ask("PUT", f"/inquiries/{asked['id']}", json={"response": {"approved": True}})


def test_github_gets_a_group_for_each_task_and_no_command_of_an_action(shell: Shell) -> None:
    done = shell(
        "run", "shown.all", f"last={HOSTILE}; exit 3", "--follow", "--timeout", "90s", "--output", "github"
    )
    assert done.exit_code == 1
    commands = obeyed(done.stdout)
    groups = [line for line in commands if line.startswith("::group::")]
    assert "::group::build  core.local" in groups
    assert "::group::inner/leaf  core.local" in groups
    # None stands in another.
    kinds = [line.split("::")[1].split()[0] for line in commands if "group" in line]
    assert kinds == ["group", "endgroup"] * (len(kinds) // 2)
    errors = [line for line in commands if line.startswith("::error")]
    assert [line.split("::")[1] for line in errors] == [
        "error title=last failed",
        "error title=shown.all failed",
    ]
    assert len(commands) == len(kinds) + len(errors)


# groups and lines by themselves


def task(name: str, status: str = "running") -> Task:
    took = None if status == "running" else 1.0
    return Task(id=name, name=name, action="p.a", status=status, elapsed_s=took, prints=True)


def written(steps: object) -> list[str]:
    return [step.text for step in steps]  # type: ignore[attr-defined]


def test_one_group_is_open_at_a_time_and_nothing_is_lost() -> None:
    groups, said = Groups(), []
    said += written(groups.begin(task("a")))
    said += written(groups.begin(task("b")))
    said += written(groups.begin(task("c")))
    for name in "abc":
        said += written(groups.output(task(name), f"{name}1\n"))
    said += written(groups.end(task("b", "failed")))
    said += written(groups.end(task("a", "succeeded")))
    said += written(groups.output(task("c"), "c2\n"))
    said += written(groups.end(task("c", "succeeded")))
    said += written(groups.close())
    assert said == [
        *("::group::a  p.a", "a1\n", "::endgroup::", "a: succeeded after 1.0 s"),
        *("::group::b  p.a", "b1\n", "::endgroup::", "b: failed after 1.0 s  b"),
        "::error title=b failed::b: failed after 1.0 s  b",
        *("::group::c  p.a", "c1\n", "c2\n", "::endgroup::", "c: succeeded after 1.0 s"),
    ]


def test_what_is_held_is_shown_when_the_following_stops() -> None:
    groups = Groups()
    list(groups.begin(task("a")))
    list(groups.output(task("b"), "b1\n"))
    assert written(groups.close()) == ["::endgroup::", "::group::b  p.a", "b1\n", "::endgroup::"]
    assert written(groups.close()) == []


def test_lines_come_whole() -> None:
    lines = Lines()
    assert lines.feed("one\ntw") == ["one"]
    assert lines.feed("o\n") == ["two"]
    assert lines.end() == []
    lines.feed("rest")
    assert lines.end() == ["rest"]
