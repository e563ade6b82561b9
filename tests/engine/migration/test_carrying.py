"""Taking the files of an old box over: once, twice, and over what is here already."""

from pathlib import Path

import pytest

from engine.errors import StoreFailure
from engine.installer.switching import read_mark
from engine.migration.box import find
from engine.migration.carrying import compared
from engine.migration.finding import Verdict
from engine.migration.pieces import PackPiece, State
from engine.migration.stage import staged
from engine.records.audit import AuditFilter
from engine.store import audit, contents
from tests.engine import world
from tests.engine.installer.world import Site, repository, write_pack
from tests.engine.migration.old_box import (
    ECHO,
    box,
    carried,
    exported,
    foundation,
    item,
    server,
    site,
    states,
    survey,
    taken,
)


def test_a_pack_that_was_taken_runs(tmp_path: Path) -> None:
    here = site(tmp_path / "new")
    taken(box(tmp_path / "old"), here)
    with server(here) as engine:
        assert world.run(engine, "shop.echo").result["stdout"] == "hello"


def test_a_second_time_finds_everything_as_it_is(tmp_path: Path) -> None:
    old, here = box(tmp_path / "old", {"configs/shop.yaml": "url: https://shop\n"}), site(tmp_path / "new")
    first, second = taken(old, here), taken(old, here)
    assert states(first) == {("pack", "shop"): State.NEW, ("config", "shop"): State.NEW}
    assert states(second) == {("pack", "shop"): State.SAME, ("config", "shop"): State.SAME}
    assert sorted(path.name for path in (tmp_path / "new/packs").iterdir()) == ["shop"]


def test_what_is_here_and_different_is_left_alone_and_named(tmp_path: Path) -> None:
    old, here = box(tmp_path / "old"), site(tmp_path / "new")
    taken(old, here)
    ours = tmp_path / "new/packs/shop/actions/echo.yaml"
    ours.write_text(ECHO.replace("hello", "ours"))
    (tmp_path / "new/packs/shop/notes.md").write_text("mine")
    (outcome,) = taken(old, here)
    assert outcome.state is State.DIFFERENT
    assert outcome.differences == ("actions/echo.yaml is another one", "notes.md is only here")
    assert "ours" in ours.read_text()
    (outcome,) = taken(old, here, replaces=True)
    assert outcome.state is State.REPLACED
    assert "hello" in ours.read_text()
    assert not (tmp_path / "new/packs/shop/notes.md").exists()


def test_a_look_writes_nothing(tmp_path: Path) -> None:
    here = site(tmp_path / "new")
    (outcome,) = compared(survey(box(tmp_path / "old"), here))
    assert outcome.state is State.NEW
    assert not (tmp_path / "new").exists()


def test_histories_and_compiled_code_stay_behind(tmp_path: Path) -> None:
    files = {"packs/shop/.git/config": "x", "packs/shop/actions/__pycache__/greet.pyc": "x"}
    taken(box(tmp_path / "old", files), site(tmp_path / "new"))
    found = {path.name for path in (tmp_path / "new/packs/shop").rglob("*")}
    assert found.isdisjoint({".git", "__pycache__", "greet.pyc"})


GIT_CONFIG = """\
[core]
\tbare = false
\tfsmonitor = /bin/false
[remote "upstream"]
\turl = https://example.org/other/shop
[remote "origin"]
\turl = ADDRESS
\tfetch = +refs/heads/*:refs/remotes/origin/*
"""


def from_address(tmp_path: Path, address: str) -> Path:
    return box(tmp_path / "old", {"packs/shop/.git/config": GIT_CONFIG.replace("ADDRESS", address)})


@pytest.mark.parametrize("address", ["https://example.org/shop/shop.git", "git@example.org:shop/shop"])
def test_a_pack_brings_along_where_it_is_from(tmp_path: Path, address: str) -> None:
    old, here = from_address(tmp_path, address), site(tmp_path / "new")
    assert survey(old, here).origins == {"shop": address}
    taken(old, here)
    mark = read_mark(tmp_path / "new/packs/shop")
    assert (mark["source"], mark["commit"], mark["is_imported"]) == (address, "", True)
    assert states(taken(old, here)) == {("pack", "shop"): State.SAME}


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/srv/git/shop",
        "file:///srv/git/shop",
        "https://ann:hush@example.org/shop",
        "ext::sh -c id",
        "shop",
    ],
)
def test_an_address_that_we_would_not_ask_is_not_kept(tmp_path: Path, address: str) -> None:
    old, here = from_address(tmp_path, address), site(tmp_path / "new")
    assert survey(old, here).origins == {"shop": ""}
    taken(old, here)
    assert read_mark(tmp_path / "new/packs/shop") == {}


def test_an_imported_pack_is_updated_when_it_is_named(tmp_path: Path) -> None:
    address = repository(tmp_path / "weather", "weather", "1.0.0", "2.0.0")
    place = Site(tmp_path / "site")
    write_pack(tmp_path / "old", "weather", "1.0.0")
    old = tmp_path / "old"
    PackPiece(name="weather", source=old, target=place.packs / "weather", origin=address).write()
    assert place.run("update").output["packs_list"] == []
    assert place.version("weather") == "1.0.0"
    assert place.run("update", "weather").code == 0
    assert place.version("weather") == "2.0.0"


def test_a_script_becomes_executable_as_an_install_by_stackstorm_made_it(tmp_path: Path) -> None:
    files = {
        "packs/shop/actions/count.yaml": (
            "name: count\nrunner_type: local-shell-script\nentry_point: scripts/count.sh\n"
        ),
        "packs/shop/actions/scripts/count.sh": "#!/bin/sh\necho 7\n",
    }
    here = site(tmp_path / "new")
    taken(box(tmp_path / "old", files), here)
    with server(here) as engine:
        assert world.run(engine, "shop.count").result["stdout"] == 7


def test_a_server_that_runs_is_not_disturbed(tmp_path: Path) -> None:
    here = site(tmp_path / "new")
    made = survey(box(tmp_path / "old"), here)
    with server(here), pytest.raises(StoreFailure, match="is using the data folder"):
        carried(made, here)
    assert not (tmp_path / "new/packs").exists()


def test_overrides_come_too(tmp_path: Path) -> None:
    files = {"overrides/shop.yaml": "actions:\n  exceptions:\n    echo: {enabled: false}\n"}
    here = site(tmp_path / "new")
    taken(box(tmp_path / "old", files), here)
    with server(here) as engine:
        assert not engine.registry.actions["shop.echo"].enabled


def test_a_stage_leaves_nothing_behind(tmp_path: Path) -> None:
    with staged(find(box(tmp_path / "old"))) as stage:
        folder = stage.folder
        assert (folder / "packs/shop").is_symlink()
    assert not folder.exists()


def test_the_audit_tells_who_took_what_over(tmp_path: Path) -> None:
    here = site(tmp_path / "new")
    dump = exported(tmp_path / "keys.json", {"name": "token", "value": "hush", "secret": True})
    taken(box(tmp_path / "old"), here, keys=dump)
    with foundation(here) as below, below.database.read() as connection:
        acts, _ = audit.page(connection, AuditFilter())
    assert [(act.kind, act.object, act.user, act.via) for act in acts] == [
        ("stackstorm.imported", "files", "root", "import"),
        ("key.set", "token", "root", "import"),
        ("stackstorm.importing", "files", "root", "import"),
    ]
    assert b"hush" not in b"".join(act.details for act in acts)


def test_what_a_killed_import_left_is_cleared_away(tmp_path: Path) -> None:
    here = site(tmp_path / "new")
    half = tmp_path / "new/packs/.shop.import"
    half.mkdir(parents=True)
    (half / "pack.yaml").write_text("half")
    assert states(taken(box(tmp_path / "old"), here)) == {("pack", "shop"): State.NEW}
    assert [path.name for path in (tmp_path / "new/packs").iterdir()] == ["shop"]


def test_an_override_that_cannot_be_used_stays_behind(tmp_path: Path) -> None:
    made = survey(box(tmp_path / "old", {"overrides/shop.yaml": "actions: [1]\n"}), site(tmp_path / "new"))
    assert item(made, "override", "shop").verdict is Verdict.FAILS
    assert [piece.kind for piece in made.files] == ["pack"]


def test_a_pack_of_this_site_is_not_put_out_of_force_by_one_of_its_name(tmp_path: Path) -> None:
    here = site(tmp_path / "new")
    ours = tmp_path / "new/packs/stackstorm-shop"
    box(tmp_path / "ours")
    (tmp_path / "new/packs").mkdir(parents=True)
    (tmp_path / "ours/packs/shop").rename(ours)
    (ours / "actions/echo.yaml").write_text(ECHO.replace("hello", "ours"))
    (outcome,) = taken(box(tmp_path / "old"), here)
    assert (outcome.state, outcome.differences) == (State.DIFFERENT, ("actions/echo.yaml is another one",))
    assert [path.name for path in (tmp_path / "new/packs").iterdir()] == ["stackstorm-shop"]


def test_what_is_here_already_is_no_act(tmp_path: Path) -> None:
    here, old = site(tmp_path / "new"), box(tmp_path / "old")
    taken(old, here)
    taken(old, here)
    with foundation(here) as below, below.database.read() as connection:
        acts, _ = audit.page(connection, AuditFilter(kinds=("stackstorm",)))
    assert [act.kind for act in acts] == ["stackstorm.imported", "stackstorm.importing"]


def test_documents_are_the_act_of_whoever_imports_and_run_as_the_user_of_events(tmp_path: Path) -> None:
    here, old = site(tmp_path / "new"), box(tmp_path / "old")
    document = {
        "name": "lone",
        "pack": "shop",
        "trigger": {"type": "core.st2.webhook", "parameters": {"url": "lone"}},
        "action": {"ref": "shop.echo"},
    }
    taken(old, here, exports=(exported(tmp_path / "rules.json", document),))
    with foundation(here) as below, below.database.read() as connection:
        (act,), _ = audit.page(connection, AuditFilter(kinds=("content",)))
        (stored,) = contents.documents(connection)
    assert (act.object, act.user, act.via) == ("rule:shop.lone", "root", "import")
    assert stored.user == "stormcrow"


def test_the_first_start_after_an_import_takes_it_for_no_backup(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    here = site(tmp_path / "new")
    taken(box(tmp_path / "old"), here, keys=exported(tmp_path / "keys.json", {"name": "a", "value": "b"}))
    with caplog.at_level("WARNING"), server(here):
        pass
    assert "restored from a backup" not in caplog.text
