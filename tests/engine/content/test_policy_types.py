"""Policy types of other people's packages."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.specs import policy_type
from engine.specs.policy_type import BUILT_IN, usable_policy_types
from tests.engine.content.site import Site, only_trouble

NIGHT = """
from engine.specs.policy_type import Limit, PolicyType

def make(parameters):
    if parameters["most"] == 13:
        raise ValueError("13 is no good number")
    return Limit(most=parameters["most"], key_of=lambda live: live.get("host", "").lower())

TYPE = PolicyType(
    name="action.quiet",
    description="Fewer of them.",
    parameters={"most": {"type": "integer", "required": True, "minimum": 1}},
    compile=make,
)
WRONG = 1
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installed package with two entry points that are right, one that is no type, one that is gone."""
    folder = tmp_path / "site-packages"
    points = folder / "stormcrow_quiet-1.0.dist-info"
    points.mkdir(parents=True)
    (points / "METADATA").write_text("Metadata-Version: 2.1\nName: stormcrow-quiet\nVersion: 1.0\n")
    (points / "entry_points.txt").write_text(
        "[stormcrow.policies]\naction.quiet = stormcrow_quiet:TYPE\naction.retry = stormcrow_quiet:TYPE\n"
        "action.wrong = stormcrow_quiet:WRONG\naction.gone = stormcrow_quiet_gone:TYPE\n"
    )
    (folder / "stormcrow_quiet.py").write_text(NIGHT)
    monkeypatch.syspath_prepend(folder)
    policy_type._catalogue.cache_clear()
    yield
    policy_type._catalogue.cache_clear()


def write(site: Site, kind: str, parameters: str = "{most: 2}") -> None:
    site.pack()
    site.write(
        "packs/demo/policies/p.yaml",
        f"name: p\nresource_ref: demo.act\npolicy_type: {kind}\nparameters: {parameters}\n",
    )


def test_a_type_of_a_package_is_used(site: Site, package: None) -> None:
    write(site, "action.quiet")
    assert site.load().policies["demo.p"].parameters == {"most": 2}


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize(
    ("kind", "parameters", "line", "reason"),
    [
        ("action.quiet", "{most: 0}", 4, "most: 0 is not 1 or more"),
        ("action.quiet", "{most: 13}", 4, "action.quiet: 13 is no good number"),
        ("action.wrong", "{}", 3, "The policy type action.wrong cannot be loaded"),
        ("action.gone", "{}", 3, "The policy type action.gone cannot be loaded"),
        ("action.qiet", "{}", 3, 'Referenced policy_type "action.qiet" doesnt exist'),
    ],
)
def test_what_is_wrong_is_unavailable_with_its_line(
    site: Site, kind: str, parameters: str, line: int, reason: str
) -> None:
    write(site, kind, parameters)
    trouble = only_trouble(site.load())
    assert reason in trouble.reason
    assert trouble.where == f"packs/demo/policies/p.yaml:{line}"


def test_a_package_never_replaces_a_type_of_ours(package: None) -> None:
    assert policy_type.policy_type("action.retry") is policy_type.RETRY
    assert sorted(usable_policy_types()) == sorted([*BUILT_IN, "action.quiet"])
