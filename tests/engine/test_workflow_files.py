"""Files of workflows that are broken: told when they change, and to who asks."""

import logging
from pathlib import Path

import pytest

from engine.content.loader import Places, load_places
from engine.content.reading import FileReader
from engine.content.registry import Registry
from engine.workflow_files import WorkflowFiles

PACK = "ref: site\nname: site\ndescription: Tests\nversion: 1.0.0\nauthor: A\nemail: a@example.com\n"
GOOD = "version: 1.0\ntasks:\n  a:\n    action: site.quiet\n"
CHAIN = "chain:\n  - name: a\n    ref: site.quiet\n"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    actions = tmp_path / "site" / "actions"
    actions.mkdir(parents=True)
    (tmp_path / "site" / "pack.yaml").write_text(PACK, encoding="utf-8")
    for name, runner, entry in (
        ("quiet", "noop", ""),
        ("flow", "orquesta", "entry_point: flow.flow\n"),
        ("chain", "action-chain", "entry_point: chain.chain\n"),
    ):
        text = f"name: {name}\nrunner_type: {runner}\n{entry}"
        (actions / f"{name}.yaml").write_text(text, encoding="utf-8")
    (actions / "flow.flow").write_text(GOOD, encoding="utf-8")
    (actions / "chain.chain").write_text(CHAIN, encoding="utf-8")
    return actions


def registry_of(pack: Path, generation: int = 1) -> Registry:
    base = pack.parents[1]
    return load_places(Places(bases=(base,)), FileReader(base), generation=generation)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def test_good_files_are_not_listed(pack: Path) -> None:
    assert WorkflowFiles().broken(registry_of(pack)) == ()


def test_a_broken_definition_is_listed_with_its_line(pack: Path) -> None:
    (pack / "flow.flow").write_text(GOOD.replace("site.quiet", "site.quite"), encoding="utf-8")
    [broken] = WorkflowFiles().broken(registry_of(pack))
    assert (broken.kind, broken.pack, broken.name) == ("workflow", "site", "flow")
    assert broken.where == "site/actions/flow.flow:4"
    assert 'The action "site.quite" is not registered' in broken.reason


def test_a_broken_chain_is_listed_too(pack: Path) -> None:
    (pack / "chain.chain").write_text("chain: 5\n", encoding="utf-8")
    [broken] = WorkflowFiles().broken(registry_of(pack))
    assert (broken.name, broken.where.partition(":")[0]) == ("chain", "site/actions/chain.chain")


def test_a_file_that_changes_is_looked_at_again(pack: Path) -> None:
    files, registry = WorkflowFiles(), registry_of(pack)
    assert files.broken(registry) == ()
    (pack / "flow.flow").write_text(GOOD + "nonsense: 1\n", encoding="utf-8")
    assert len(files.broken(registry)) == 1
    (pack / "flow.flow").write_text(GOOD, encoding="utf-8")
    assert files.broken(registry) == ()


def test_an_action_that_goes_away_breaks_the_workflow_that_names_it(pack: Path) -> None:
    files = WorkflowFiles()
    assert files.broken(registry_of(pack)) == ()
    (pack / "quiet.yaml").unlink()
    assert {one.name for one in files.broken(registry_of(pack, generation=2))} == {"flow", "chain"}


def test_only_what_has_changed_is_told_in_the_log(pack: Path, caplog: pytest.LogCaptureFixture) -> None:
    (pack / "chain.chain").write_text("chain: 5\n", encoding="utf-8")
    files = WorkflowFiles()
    files.look(registry_of(pack))
    assert told(caplog) == []
    (pack / "flow.flow").write_text(GOOD.replace("tasks", "task"), encoding="utf-8")
    files.look(registry_of(pack))
    assert told(caplog)
    assert all(line.startswith("site/actions/flow.flow:1") for line in told(caplog))
    caplog.clear()
    files.look(registry_of(pack))
    assert told(caplog) == []


def test_a_file_that_is_not_there_is_no_reason_to_fail(pack: Path) -> None:
    (pack / "flow.flow").unlink()
    files = WorkflowFiles()
    files.look(registry_of(pack))
    assert files.broken(registry_of(pack)) == ()
