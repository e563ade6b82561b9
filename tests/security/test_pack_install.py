"""What an installer must refuse."""

import json
import os
from pathlib import Path

import pytest

from engine.errors import BadInput
from engine.installer.fetch import check_tree
from engine.installer.index import _packs_of, read_index
from engine.installer.wanted import wanted_of
from engine.runners.environments import _without_keys
from tests.engine.installer.world import Site, git, repository, write_pack


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site")


@pytest.mark.parametrize(
    "text",
    [
        "ext::sh -c touch% /tmp/owned",
        "git://example.org/pack",
        "http://example.org/pack",
        "ftp://example.org/pack",
        "-oProxyCommand=touch",
        "--upload-pack=touch",
        "https://example.org/x y",
        "name=--upload-pack",
        "name=-b",
        "name=a b",
        "name=$(touch x)",
        "file://relative/path",
        "../pack",
        "a/../../b",
        "",
    ],
)
def test_an_address_that_could_run_something_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        wanted_of(text)


@pytest.mark.parametrize(
    ("text", "kind", "location", "revision"),
    [
        ("slack", "index", "slack", ""),
        ("slack=1.2.3", "index", "slack", "1.2.3"),
        ("org/stackstorm-slack", "git", "https://github.com/org/stackstorm-slack", ""),
        ("https://example.org/a/b.git=main", "git", "https://example.org/a/b.git", "main"),
        ("git@example.org:a/b.git", "git", "git@example.org:a/b.git", ""),
        ("ssh://git@example.org/a/b=v1", "git", "ssh://git@example.org/a/b", "v1"),
    ],
)
def test_what_people_write_is_understood(text: str, kind: str, location: str, revision: str) -> None:
    wanted = wanted_of(text)
    assert (wanted.kind, wanted.location, wanted.revision) == (kind, location, revision)


def test_a_link_that_leads_out_of_the_pack_is_refused(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "evil"
    write_pack(folder, "evil", "1.0.0")
    (folder / "actions" / "passwd").symlink_to("/etc/passwd")
    done = site.run("install", f"file://{folder}")
    assert "actions/passwd is a link that leads out of the pack" in done.error
    assert list(site.packs.iterdir()) == []


def test_a_link_in_a_repository_is_refused_too(site: Site, tmp_path: Path) -> None:
    address = repository(tmp_path / "evil", "evil", "1.0.0")
    (tmp_path / "evil" / "actions" / "out").symlink_to("../../../../etc")
    git(tmp_path / "evil", "add", "-A")
    git(tmp_path / "evil", "commit", "-q", "-m", "link")
    assert "leads out of the pack" in site.run("install", address).error
    site.assert_tidy()


def test_a_link_inside_of_the_pack_is_fine(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "good"
    write_pack(folder, "good", "1.0.0")
    (folder / "actions" / "same.txt").symlink_to("say.yaml")
    assert site.run("install", f"file://{folder}").code == 0


def test_what_is_neither_a_file_nor_a_folder_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInput, match="neither a file nor a folder"):
        check_tree(tmp_path)


def test_hooks_and_filters_of_a_repository_do_not_run(site: Site, tmp_path: Path) -> None:
    address = repository(tmp_path / "evil", "evil", "1.0.0")
    hook = tmp_path / "evil" / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/owned\n")
    hook.chmod(0o755)
    (tmp_path / "evil" / ".gitattributes").write_text("* filter=evil\n")
    git(tmp_path / "evil", "add", "-A")
    git(tmp_path / "evil", "commit", "-q", "-m", "filter")
    git(tmp_path / "evil", "config", "filter.evil.smudge", f"touch {tmp_path}/owned")
    assert site.run("install", address).code == 0
    assert not (tmp_path / "owned").exists()


def test_submodules_are_not_fetched(site: Site, tmp_path: Path) -> None:
    other = repository(tmp_path / "other", "other", "1.0.0")
    address = repository(tmp_path / "evil", "evil", "1.0.0")
    git(tmp_path / "evil", "-c", "protocol.file.allow=always", "submodule", "add", "-q", other, "sub")
    git(tmp_path / "evil", "commit", "-q", "-m", "submodule")
    assert site.run("install", address).code == 0
    assert list((site.packs / "evil" / "sub").iterdir()) == []


@pytest.mark.parametrize("ref", ["core", "packs", "default"])
def test_a_shipped_pack_is_neither_replaced_nor_removed(site: Site, tmp_path: Path, ref: str) -> None:
    write_pack(tmp_path / "new", ref, "9.0.0")
    assert "ships with Stormcrow" in site.run("install", f"file://{tmp_path}/new", force=True).error
    assert "ships with Stormcrow" in site.run("uninstall", ref).error


@pytest.mark.parametrize("ref", ["../site", "/etc", "a/b", ".", "", "A"])
def test_nothing_outside_of_the_pack_folder_is_removed(site: Site, ref: str) -> None:
    assert "There is no pack" in site.run("uninstall", ref).error or ref == ""
    assert site.packs.is_dir()


def test_a_ref_cannot_leave_the_pack_folder(site: Site, tmp_path: Path) -> None:
    write_pack(tmp_path / "evil", "../../evil", "1.0.0")
    assert "may only hold a-z" in site.run("install", f"file://{tmp_path}/evil").error
    site.assert_tidy()


def test_a_folder_without_a_manifest_is_no_pack(site: Site, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    assert "it has no pack.yaml" in site.run("install", f"file://{tmp_path}/nothing").error


@pytest.mark.parametrize(
    "text",
    [
        "https://me:secret@example.org/pack",
        "https://secret@example.org/pack=1.0.0",
        "ssh://me:secret@example.org/pack",
    ],
)
def test_an_address_with_a_password_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        wanted_of(text)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "ssh://-oProxyCommand=touch/x",
        "ssh://git@-host/x",
        "git@-oProxyCommand:x",
        "git@host:-x",
        "https://example.org/--upload-pack/x",
        "-u@host:x",
    ],
)
def test_no_part_of_an_address_passes_for_an_option(text: str) -> None:
    with pytest.raises(BadInput):
        wanted_of(text)


def test_links_in_a_circle_are_no_way_out_and_no_stumbling_block(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "round"
    write_pack(folder, "round", "1.0.0")
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    assert site.run("install", f"file://{folder}").code == 0
    site.assert_tidy()


@pytest.mark.parametrize("place", ["files", ".git"])
def test_a_pack_with_too_many_files_is_refused_wherever_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr("engine.installer.fetch.MOST_FILES", 20)
    (tmp_path / place).mkdir()
    for number in range(21):
        (tmp_path / place / str(number)).touch()
    with pytest.raises(BadInput, match="more than 20 files"):
        check_tree(tmp_path)


def test_only_an_index_of_this_machine_names_folders_of_it(site: Site, tmp_path: Path) -> None:
    address = repository(tmp_path / "weather", "weather", "1.0.0")
    body = json.dumps({"packs": {"weather": {"repo_url": address}, "slack": {"repo_url": "a/b"}}}).encode()
    assert set(_packs_of(body, "http://127.0.0.1:1/index.json")) == {"weather", "slack"}
    assert set(_packs_of(body, "https://index.example.org/index.json")) == {"slack"}


def test_an_index_without_https_is_not_asked(tmp_path: Path) -> None:
    url = "http://me:secret@index.invalid/index.json"
    (state,) = read_index([url], cache=tmp_path).status
    assert "over https" in state["message"]
    assert "secret" not in json.dumps(state)


def test_the_build_of_a_package_sees_no_token(site: Site, tmp_path: Path) -> None:
    """What pip and uv start is code of strangers."""
    found = _without_keys({"ST2_ACTION_AUTH_TOKEN": "t", "STORMCROW_API_KEY": "k", "PATH": "/bin"})
    assert found == {"PATH": "/bin"}
