"""A workflow's tasks as a tree: what it shows, what it leaves out, and that data in it stays inert."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bot import formatting, trees
from bot.chat import Tree
from bot.trees import ShownTask

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


def task(
    name: str, status: str = "succeeded", *, ago_s: float = 60, took_s: float = 5, **more: Any
) -> ShownTask:
    started = NOW - timedelta(seconds=ago_s)
    is_open = status in ("running", "pending", "paused")
    ended = None if is_open else started + timedelta(seconds=took_s)
    ids = (f"{int(ago_s):024x}",)
    return ShownTask(
        name=name, status=status, started_at=started, ended_at=ended, **{"execution_ids": ids, **more}
    )


def drawn(*tasks: ShownTask) -> Tree:
    return trees.tree_of(tasks, now=NOW)


def test_a_task_has_its_status_its_time_and_the_id_of_its_output() -> None:
    (branch,) = drawn(task("check", took_s=2.5)).branches
    assert (branch.name, branch.status, branch.elapsed_s) == ("check", "succeeded", 2.5)
    assert branch.execution_id == f"{60:024x}"
    assert branch.since == ""


def test_the_time_of_a_running_task_goes_on() -> None:
    (branch,) = drawn(task("canary", "running", ago_s=70)).branches
    assert branch.elapsed_s == 70
    assert branch.since.startswith("2026-03-01T02:58:50")


def test_items_are_counted() -> None:
    (branch,) = drawn(task("hosts", "running", items_total=1200, items_done=31)).branches
    assert branch.note == "31/1,200 items"


def test_a_task_of_several_executions_names_none() -> None:
    (branch,) = drawn(task("hosts", execution_ids=("a" * 24, "b" * 24))).branches
    assert branch.execution_id == ""


def test_a_sub_workflow_stands_below_its_task() -> None:
    tree = drawn(task("canary", "running", inner=(task("drain"), task("restart", "running"))), task("after"))
    assert [(one.depth, one.name) for one in tree.branches] == [
        (0, "canary"),
        (1, "drain"),
        (1, "restart"),
        (0, "after"),
    ]


def test_a_large_sub_workflow_that_went_well_is_a_count() -> None:
    tree = drawn(task("canary", inner=tuple(task(f"t{i}") for i in range(300))))
    assert [one.note for one in tree.branches] == ["", "300 tasks: 300 succeeded"]


def test_the_title_counts_what_needs_attention_first() -> None:
    tree = drawn(
        task("a"), task("b", "failed"), task("c", "pending"), task("d", "running"), task("e", "retrying")
    )
    assert tree.title == "5 tasks: 1 failed, 1 waits for an answer, 1 running, 1 succeeded, 1 retrying"


def test_a_thousand_tasks_stay_readable() -> None:
    tasks = [task(f"t{i}", ago_s=2000 - i) for i in range(1000)]
    tasks[3] = task("broken", "failed", ago_s=1997)
    tasks[500] = task("asks", "pending", ago_s=1500)
    tree = trees.tree_of(tasks, now=NOW)
    names = [one.name for one in tree.branches]
    assert "broken" in names
    assert "asks" in names
    assert names[-1] == "t999"
    assert len(tree.branches) <= 30
    left_out = [one.note for one in tree.branches if not one.status]
    assert left_out[0] == "… 3 more: 3 succeeded"
    assert tree.title.startswith("1,000 tasks: 1 failed, 1 waits for an answer")


def test_a_thousand_failures_are_cut_with_a_count() -> None:
    tree = trees.tree_of([task(f"t{i}", "failed") for i in range(1000)], now=NOW)
    assert len([one for one in tree.branches if one.status]) == trees.TASKS_SHOWN
    assert tree.branches[0].note == "… 980 more: 980 failed"


def test_deep_and_wide_workflows_are_cut_in_lines() -> None:
    inner: tuple[ShownTask, ...] = ()
    for _ in range(12):
        inner = tuple(task(f"t{i}", "running", inner=inner) for i in range(6))
    tree = trees.tree_of(inner, now=NOW)
    assert len(tree.branches) == trees.LINES_SHOWN + 1
    assert max(one.depth for one in tree.branches) <= 6
    assert "more lines" in tree.branches[-1].note


def test_names_and_notes_of_data_stay_inert() -> None:
    bad = "<b>x</b>\x1b[31m\nforged line\u202e"
    text = formatting.tree_text(drawn(task(bad, note=bad), task("n" * 500)))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert len(text.split("\n")) == 3
    assert "n" * 61 not in text


def test_as_text_the_columns_stand_below_each_other() -> None:
    text = formatting.tree_text(drawn(task("check"), task("canary", "running", inner=(task("drain"),))))
    lines = text.split("\n")
    assert lines[1].startswith("✓ check")
    assert lines[3].startswith("  ✓ drain")
    assert len({line.index("succeeded") for line in (lines[1], lines[3])}) == 1
    assert lines[1].endswith("00003c")
