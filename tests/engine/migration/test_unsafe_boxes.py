"""What an old box must not do: lead outside of itself, run anything, or take all the room there is."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from engine.errors import BadInput
from engine.migration import archive
from engine.migration.finding import Verdict
from tests.engine.migration.old_box import box, carried, failure, item, site, survey, taken


def test_a_link_out_of_a_pack_refuses_the_pack(tmp_path: Path) -> None:
    old = box(tmp_path / "old")
    (tmp_path / "hush").write_text("secret")
    (old / "packs/shop/actions/hush.txt").symlink_to(tmp_path / "hush")
    made = survey(old, site(tmp_path / "new"))
    assert "leads out of the pack" in failure(made, "pack", "shop").text
    assert made.files == []


def test_a_pack_that_is_a_link_to_elsewhere_is_refused(tmp_path: Path) -> None:
    other = box(tmp_path / "other")
    (tmp_path / "old/packs").mkdir(parents=True)
    (tmp_path / "old/packs/shop").symlink_to(other / "packs/shop")
    made = survey(tmp_path / "old", site(tmp_path / "new"))
    assert "cp -aL" in failure(made, "pack", "shop").hint
    assert made.files == []


def test_a_configuration_that_is_a_link_to_elsewhere_is_refused(tmp_path: Path) -> None:
    old = box(tmp_path / "old")
    (old / "configs").mkdir()
    (tmp_path / "hush.yaml").write_text("token: hush\n")
    (old / "configs/shop.yaml").symlink_to(tmp_path / "hush.yaml")
    made = survey(old, site(tmp_path / "new"))
    assert item(made, "config", "shop").verdict is Verdict.FAILS
    assert [piece.kind for piece in made.files] == ["pack"]


def test_an_entry_point_outside_of_its_pack_is_refused(tmp_path: Path) -> None:
    text = "name: up\nrunner_type: local-shell-script\nentry_point: ../../../etc/passwd\n"
    made = survey(box(tmp_path / "old", {"packs/shop/actions/up.yaml": text}), site(tmp_path / "new"))
    assert "outside of the pack" in failure(made, "action", "shop.up").text


def test_a_pipe_in_a_pack_refuses_the_pack(tmp_path: Path) -> None:
    old = box(tmp_path / "old")
    os.mkfifo(old / "packs/shop/actions/pipe")
    assert "neither a file nor" in failure(survey(old, site(tmp_path / "new")), "pack", "shop").text


def test_a_yaml_bomb_is_an_action_that_does_not_run(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    made = survey(
        box(tmp_path / "old", {"packs/shop/actions/bomb.yaml": "\n".join(lines)}), site(tmp_path / "new")
    )
    assert "expand" in failure(made, "action", "shop.bomb").text


def test_the_code_of_packs_is_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    code = f"open({str(mark)!r}, 'w')\n"
    files = {
        "packs/shop/actions/greet.py": code,
        "packs/shop/setup.py": code,
        "packs/shop/sensors/till.yaml": "class_name: Till\nentry_point: till.py\n",
        "packs/shop/sensors/till.py": code,
    }
    survey(box(tmp_path / "old", files), site(tmp_path / "new"))
    assert not mark.exists()


def tar_of(folder: Path, target: Path) -> Path:
    with tarfile.open(target, "w:gz") as tar:
        tar.add(folder, arcname="opt/stackstorm")
    return target


def test_a_tar_is_as_good_as_a_folder(tmp_path: Path) -> None:
    origin = {"packs/shop/.git/config": '[remote "origin"]\n\turl = https://example.org/shop\n'}
    made = survey(tar_of(box(tmp_path / "old", origin), tmp_path / "old.tgz"), site(tmp_path / "new"))
    assert item(made, "action", "shop.greet").verdict is Verdict.RUNS
    assert made.origins == {"shop": "https://example.org/shop"}


def test_a_history_that_is_a_link_elsewhere_is_not_read(tmp_path: Path) -> None:
    old = box(tmp_path / "old")
    away = tmp_path / "away"
    away.mkdir()
    (away / "config").write_text('[remote "origin"]\n\turl = https://example.org/shop\n')
    (old / "packs/shop/.git").symlink_to(away)
    assert survey(old, site(tmp_path / "new")).origins.get("shop", "") == ""


@pytest.mark.parametrize(
    ("name", "link"),
    [("../outside.yaml", ""), ("packs/shop/away", "/etc/passwd"), ("packs/shop/up", "../../../outside")],
)
def test_a_tar_that_leads_outside_is_refused(tmp_path: Path, name: str, link: str) -> None:
    path = tmp_path / "old.tar"
    with tarfile.open(path, "w") as tar:
        member = tarfile.TarInfo(name)
        member.size = 0 if link else 4
        if link:
            member.type, member.linkname = tarfile.SYMTYPE, link
        tar.addfile(member, None if link else io.BytesIO(b"hush"))
    with pytest.raises(BadInput, match="is not unpacked"):
        survey(path, site(tmp_path / "new"))
    assert not (tmp_path / "outside.yaml").exists()


def test_a_tar_that_is_too_large_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 1_000)
    path = tmp_path / "old.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        member = tarfile.TarInfo("packs/shop/big")
        member.size = 1_000_000
        tar.addfile(member, io.BytesIO(bytes(1_000_000)))
    with pytest.raises(BadInput, match="Pack only what is needed"):
        survey(path, site(tmp_path / "new"))


def test_a_file_that_is_no_tar_is_refused(tmp_path: Path) -> None:
    (tmp_path / "old.tar").write_text("hello")
    with pytest.raises(BadInput, match="cannot be unpacked"):
        survey(tmp_path / "old.tar", site(tmp_path / "new"))


def test_a_link_by_its_whole_path_is_refused_although_it_stays_inside(tmp_path: Path) -> None:
    old = box(tmp_path / "old")
    (old / "packs/shop/actions/same.py").symlink_to(old / "packs/shop/actions/greet.py")
    assert "by its whole path" in failure(survey(old, site(tmp_path / "new")), "pack", "shop").text


def test_a_link_within_the_pack_is_taken_as_a_link(tmp_path: Path) -> None:
    old = box(tmp_path / "old")
    (old / "packs/shop/actions/same.py").symlink_to("greet.py")
    taken(old, site(tmp_path / "new"))
    copied = tmp_path / "new/packs/shop/actions/same.py"
    assert copied.is_symlink()
    assert copied.resolve() == tmp_path / "new/packs/shop/actions/greet.py"


def test_a_folder_of_packs_that_is_a_link_to_elsewhere_is_told(tmp_path: Path) -> None:
    box(tmp_path / "other")
    (tmp_path / "old").mkdir()
    (tmp_path / "old/packs").symlink_to(tmp_path / "other/packs")
    made = survey(tmp_path / "old", site(tmp_path / "new"))
    assert "leads out of the copy" in failure(made, "folder", "packs").text
    assert made.files == []


def test_a_pack_that_changes_after_it_was_looked_at_brings_no_link_along(tmp_path: Path) -> None:
    old, here = box(tmp_path / "old"), site(tmp_path / "new")
    made = survey(old, here)
    (old / "packs/shop/actions/hush.txt").symlink_to("/etc/passwd")
    (outcome,) = carried(made, here)
    assert "leads out of the pack" in outcome.error
    assert list((tmp_path / "new/packs").iterdir()) == []
