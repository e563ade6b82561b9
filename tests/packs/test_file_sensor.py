"""What the file sensor follows: growth, rotation, truncation, and files that come later."""

import importlib.util
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.packs.conftest import PACKS


@pytest.fixture(scope="module")
def module() -> ModuleType:
    path = PACKS / "linux" / "sensors" / "followed_file.py"
    spec = importlib.util.spec_from_file_location("followed_file", path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


def add(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.write(text)


def follow(module: ModuleType, path: Path, request: pytest.FixtureRequest) -> Any:
    followed = module.FollowedFile(path)
    request.addfinalizer(followed.close)
    return followed


def test_old_lines_are_old(module: ModuleType, path: Path, request: pytest.FixtureRequest) -> None:
    add(path, "old\n")
    assert follow(module, path, request).new_lines() == []


def test_added_lines_are_given_once(module: ModuleType, path: Path, request: pytest.FixtureRequest) -> None:
    add(path, "old\n")
    followed = follow(module, path, request)
    add(path, "one\r\ntwo\n")
    assert (followed.new_lines(), followed.new_lines()) == (["one", "two"], [])


def test_half_a_line_waits_for_its_end(
    module: ModuleType, path: Path, request: pytest.FixtureRequest
) -> None:
    add(path, "")
    followed = follow(module, path, request)
    add(path, "ha")
    assert followed.new_lines() == []
    add(path, "lf\n")
    assert followed.new_lines() == ["half"]


def test_a_rotation_loses_nothing(module: ModuleType, path: Path, request: pytest.FixtureRequest) -> None:
    add(path, "old\n")
    followed = follow(module, path, request)
    add(path, "last of the old file\n")
    path.rename(path.with_suffix(".1"))
    add(path, "first of the new one\n")
    assert followed.new_lines() == ["last of the old file", "first of the new one"]


def test_a_truncated_file_is_read_from_its_beginning(
    module: ModuleType, path: Path, request: pytest.FixtureRequest
) -> None:
    add(path, "a long line that was there\n")
    followed = follow(module, path, request)
    os.truncate(path, 0)
    add(path, "new\n")
    assert followed.new_lines() == ["new"]


def test_a_file_may_come_later(module: ModuleType, path: Path, request: pytest.FixtureRequest) -> None:
    followed = follow(module, path, request)
    assert followed.new_lines() == []
    add(path, "here now\n")
    assert followed.new_lines() == ["here now"]


def test_a_line_without_end_is_given_in_pieces(
    module: ModuleType, path: Path, request: pytest.FixtureRequest
) -> None:
    add(path, "")
    followed = follow(module, path, request)
    add(path, "x" * (module.LONGEST_LINE_BYTES + 1))
    assert [len(piece) for piece in followed.new_lines()] == [module.LONGEST_LINE_BYTES]


def test_bytes_that_are_no_text_are_replaced(
    module: ModuleType, path: Path, request: pytest.FixtureRequest
) -> None:
    add(path, "")
    followed = follow(module, path, request)
    path.write_bytes(b"\xff ok\n")
    assert followed.new_lines() == ["\ufffd ok"]
