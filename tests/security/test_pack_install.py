"""What an installer must refuse."""

import os
from pathlib import Path

import pytest

from engine.errors import BadInput
from engine.installer.fetch import check_tree
from engine.installer.wanted import wanted_of
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
