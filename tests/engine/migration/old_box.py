"""Copies of an old StackStorm, as small as each test needs them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.foundation import Foundation, shipped_packs
from engine.migration.box import opened
from engine.migration.carrying import Outcome, carry
from engine.migration.finding import Item, Remark, Verdict
from engine.migration.pieces import State
from engine.migration.stage import staged
from engine.migration.survey import PARTS, Survey, Wanted, survey_of
from engine.records.audit import Actor
from engine.service import Engine
from engine.settings import Settings
from engine.settings.server import StoreSettings

PACK = "ref: shop\nname: shop\ndescription: A shop.\nversion: 1.2.0\nauthor: ann\n"
ECHO = (
    'name: echo\nrunner_type: local-shell-cmd\nparameters: {cmd: {default: "echo hello", immutable: true}}\n'
)
GREET = "name: greet\nrunner_type: python-script\nentry_point: greet.py\nparameters: {who: {type: string}}\n"
GREET_PY = """\
from st2common.runners.base_action import Action


class Greet(Action):
    def run(self, who):
        return "hello " + who
"""
SHOP: Mapping[str, str] = {
    "packs/shop/pack.yaml": PACK,
    "packs/shop/actions/echo.yaml": ECHO,
    "packs/shop/actions/greet.yaml": GREET,
    "packs/shop/actions/greet.py": GREET_PY,
    "packs/shop/aliases/greet.yaml": "name: greet\naction_ref: shop.greet\nformats: ['greet {{who}}']\n",
    "packs/shop/rules/hook.yaml": (
        "name: hook\nenabled: true\n"
        "trigger: {type: core.st2.webhook, parameters: {url: shop}}\n"
        "action: {ref: shop.echo}\n"
    ),
}


def box(root: Path, more: Mapping[str, str] | None = None) -> Path:
    """A folder with the shop, and more files."""
    for name, text in {**SHOP, **(more or {})}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def site(root: Path) -> Settings:
    """Settings of a new, empty site."""
    return replace(Settings(root=root), store=StoreSettings(data=root / "data"))


def survey(source: Path, here: Settings, *, only: str = "", **wanted: object) -> Survey:
    parts = frozenset(only.split(",")) if only else frozenset(PARTS)
    with opened(source) as found, staged(found) as stage:
        given = replace(Wanted(only=parts, is_all=not only), **wanted)  # type: ignore[arg-type]  # by name
        return survey_of(found, stage, given, here, shipped=shipped_packs())


def item(made: Survey, kind: str, name: str) -> Item:
    found = [one for one in made.items if (one.kind, one.name) == (kind, name)]
    assert len(found) == 1, [(one.kind, one.name) for one in made.items]
    return found[0]


def failure(made: Survey, kind: str, name: str) -> Remark:
    """What is said first against a thing that does not run."""
    found = item(made, kind, name)
    assert found.verdict is Verdict.FAILS, found
    return next(remark for remark in found.remarks if remark.weight == "fails")


def carried(made: Survey, here: Settings, *, replaces: bool = False) -> list[Outcome]:
    return carry(made, here, environment={}, replaces=replaces, actor=Actor(user="root", via="import"))


def taken(source: Path, here: Settings, *, replaces: bool = False, **wanted: object) -> list[Outcome]:
    made = survey(source, here, **wanted)
    return carried(made, here, replaces=replaces)


def states(outcomes: list[Outcome]) -> dict[tuple[str, str], State]:
    return {(one.kind, one.name): one.state for one in outcomes}


@contextmanager
def foundation(here: Settings) -> Iterator[Foundation]:
    made = Foundation(here, environment={})
    try:
        made.start()
        yield made
    finally:
        made.stop()


@contextmanager
def server(here: Settings) -> Iterator[Engine]:
    made = Engine(here)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def exported(path: Path, *documents: Any) -> Path:
    path.write_text(json.dumps(list(documents)), encoding="utf-8")
    return path
