"""What the survey of an old box says about its packs."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from engine.errors import BadInput
from engine.migration.finding import Remark, Verdict
from engine.migration.survey import Survey
from tests.engine.migration.old_box import GREET, GREET_PY, SHOP, box, failure, item, site, survey


def shop(tmp_path: Path, files: Mapping[str, str]) -> Survey:
    """The survey of the pack `shop` with these files, named from its folder on."""
    more = {f"packs/shop/{name}": text for name, text in files.items()}
    return survey(box(tmp_path / "old", more), site(tmp_path / "new"))


def remarks(made: Survey, kind: str, name: str) -> list[Remark]:
    return list(item(made, kind, name).remarks)


def test_what_runs_is_said_to_run(tmp_path: Path) -> None:
    made = shop(tmp_path, {})
    assert {(one.kind, one.name): one.verdict for one in made.items} == {
        ("pack", "shop"): Verdict.RUNS,
        ("action", "shop.echo"): Verdict.RUNS,
        ("action", "shop.greet"): Verdict.RUNS,
        ("alias", "shop.greet"): Verdict.RUNS,
        ("rule", "shop.hook"): Verdict.RUNS,
    }
    assert made.environments == ["shop"]


@pytest.mark.parametrize("base", ["", "opt/stackstorm", "stackstorm"])
def test_the_packs_are_found_where_copies_have_them(tmp_path: Path, base: str) -> None:
    box(tmp_path / "old" / base)
    made = survey(tmp_path / "old", site(tmp_path / "new"))
    assert item(made, "pack", "shop").verdict is Verdict.RUNS


def test_a_folder_without_anything_of_stackstorm_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(BadInput, match="holds no packs"):
        survey(tmp_path / "other", site(tmp_path / "new"))


def test_a_mistral_workflow_is_told_with_its_line_and_what_to_do(tmp_path: Path) -> None:
    text = "name: old\nenabled: true\nrunner_type: mistral-v2\nentry_point: workflows/old.yaml\n"
    found = failure(shop(tmp_path, {"actions/old.yaml": text}), "action", "shop.old")
    assert found.where == "packs/shop/actions/old.yaml:3"
    assert "orquesta" in found.hint


def test_an_entry_point_that_is_missing_is_told(tmp_path: Path) -> None:
    made = shop(tmp_path, {"actions/gone.yaml": GREET.replace("greet", "gone")})
    assert "'gone.py'" in failure(made, "action", "shop.gone").text


def test_python_2_is_told_with_file_and_line(tmp_path: Path) -> None:
    found = failure(
        shop(tmp_path, {"actions/greet.py": "import os\nprint 'hello'\n"}), "action", "shop.greet"
    )
    assert found.where == "packs/shop/actions/greet.py:2"
    assert "not Python 3" in found.text


def test_code_is_followed_into_the_modules_of_the_pack(tmp_path: Path) -> None:
    files = {"actions/greet.py": f"from lib import words\n{GREET_PY}", "actions/lib/words.py": "exec 'x'\n"}
    assert failure(shop(tmp_path, files), "action", "shop.greet").where == "packs/shop/actions/lib/words.py:1"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("from st2common.bootstrap import base", "st2common.bootstrap"),
        ("from st2common.util.isotime import nothing_like_it", "nothing_like_it"),
        ("import httplib", "Python 2"),
        ("import oslo_config", "no requirements.txt"),
        ("from . import words", "relative imports"),
    ],
)
def test_an_import_that_fails_here_is_told(tmp_path: Path, line: str, text: str) -> None:
    found = failure(shop(tmp_path, {"actions/greet.py": f"{line}\n{GREET_PY}"}), "action", "shop.greet")
    assert text in found.text
    assert found.where == "packs/shop/actions/greet.py:1"


@pytest.mark.parametrize(
    "line",
    [
        "from st2common.util import isotime",
        "from st2common import log as logging",
        "import requests, six, yaml",
        "from st2client.client import Client",
        "from st2reactor.sensor.base import Sensor, PollingSensor",
        "try:\n    import httplib\nexcept ImportError:\n    import http.client as httplib",
    ],
)
def test_an_import_that_works_here_is_not_told_as_a_failure(tmp_path: Path, line: str) -> None:
    made = shop(tmp_path, {"actions/greet.py": f"{line}\n{GREET_PY}"})
    assert item(made, "action", "shop.greet").verdict is Verdict.RUNS


def test_a_package_that_the_requirements_name_is_there(tmp_path: Path) -> None:
    code = f"import git\nimport boto3\nimport slackclient\n{GREET_PY}"
    files = {"actions/greet.py": code, "requirements.txt": "GitPython>=3\nboto3\n"}
    told = remarks(shop(tmp_path, files), "action", "shop.greet")
    assert [remark.text for remark in told] == [
        "It imports slackclient, which no line of requirements.txt names."
    ]


def test_a_variable_that_actions_do_not_get_is_a_difference(tmp_path: Path) -> None:
    code = f"import os\nTOKEN = os.environ['SHOP_TOKEN']\nURL = os.getenv('ST2_ACTION_API_URL')\n{GREET_PY}"
    made = shop(tmp_path, {"actions/greet.py": code})
    assert item(made, "action", "shop.greet").verdict is Verdict.DIFFERS
    (told,) = remarks(made, "action", "shop.greet")
    assert ("SHOP_TOKEN" in told.text, told.row) == (True, "Runners")


SENSOR = "class_name: Till\nentry_point: till.py\ntrigger_types: [{name: sold, pack: shop}]\n"
SENSOR_PY = "from st2reactor.sensor.base import PollingSensor\n\n\nclass Till(PollingSensor):\n    pass\n"


def test_a_sensor_that_asks_for_what_is_not_there_is_told(tmp_path: Path) -> None:
    code = f"{SENSOR_PY}\n    def poll(self):\n        self._sensor_service.dispatch('shop.sold')\n"
    good = shop(tmp_path / "good", {"sensors/till.yaml": SENSOR, "sensors/till.py": code})
    assert item(good, "sensor", "shop.Till").verdict is Verdict.RUNS
    bad = code.replace("dispatch", "publish")
    found = failure(
        shop(tmp_path / "bad", {"sensors/till.yaml": SENSOR, "sensors/till.py": bad}), "sensor", "shop.Till"
    )
    assert (found.text, found.where) == (
        "There is no sensor_service.publish here.",
        "packs/shop/sensors/till.py:8",
    )


def test_a_sensor_whose_class_is_not_in_its_file_is_told(tmp_path: Path) -> None:
    files = {"sensors/till.yaml": SENSOR, "sensors/till.py": SENSOR_PY.replace("Till", "Other")}
    assert "no class Till" in failure(shop(tmp_path, files), "sensor", "shop.Till").text


def rule(trigger: str, extra: str = "") -> str:
    return f"name: odd\nenabled: true\ntrigger: {{type: {trigger}}}\naction: {{ref: shop.echo}}\n{extra}"


def test_a_rule_on_a_trigger_that_nobody_has_is_told(tmp_path: Path) -> None:
    made = shop(tmp_path, {"rules/odd.yaml": rule("core.st2.webhok")})
    assert failure(made, "rule", "shop.odd").hint == "Did you mean core.st2.webhook?"


def test_an_operator_that_nobody_knows_is_told_with_its_line(tmp_path: Path) -> None:
    text = rule("core.st2.webhook", "criteria:\n  trigger.body.n:\n    type: resembles\n    pattern: 1\n")
    found = failure(shop(tmp_path, {"rules/odd.yaml": text}), "rule", "shop.odd")
    assert found.where == "packs/shop/rules/odd.yaml:7"
    assert "resembles" in found.text


def test_a_filter_that_nobody_knows_is_told(tmp_path: Path) -> None:
    text = rule("core.st2.webhook").replace(
        "{ref: shop.echo}", '{ref: shop.greet, parameters: {who: "{{ trigger.body | to_yml_string }}"}}'
    )
    found = failure(shop(tmp_path, {"rules/odd.yaml": text}), "rule", "shop.odd")
    assert (found.text, found.hint) == (
        "A template uses the filter or test 'to_yml_string', which is not there.",
        "Did you mean to_yaml_string?",
    )


def test_a_timer_and_a_question_are_differences_with_their_rows(tmp_path: Path) -> None:
    timer = rule("core.st2.IntervalTimer").replace("}", ", parameters: {unit: hours, delta: 1}}", 1)
    asked = rule("core.st2.generic.inquiry").replace("odd", "asked")
    made = shop(tmp_path, {"rules/odd.yaml": timer, "rules/asked.yaml": asked})
    assert [remark.row for remark in remarks(made, "rule", "shop.odd")] == ["Timers"]
    assert [remark.row for remark in remarks(made, "rule", "shop.asked")] == ["Inquiries"]


def test_a_policy_of_an_unknown_type_is_told(tmp_path: Path) -> None:
    text = "name: odd\nresource_ref: shop.echo\npolicy_type: action.magic\n"
    assert "action.magic" in failure(shop(tmp_path, {"policies/odd.yaml": text}), "policy", "shop.odd").text


def test_a_workflow_that_inspection_rejects_is_told_at_its_action(tmp_path: Path) -> None:
    action = "name: flow\nrunner_type: orquesta\nentry_point: workflows/flow.yaml\n"
    flow = "version: 1.0\ntasks:\n  one:\n    action: shop.gone\noutput:\n  - n: <% ctx().n %>\n"
    made = shop(tmp_path, {"actions/flow.yaml": action, "actions/workflows/flow.yaml": flow})
    told = {remark.where for remark in remarks(made, "action", "shop.flow")}
    assert told == {"packs/shop/actions/workflows/flow.yaml:4", "packs/shop/actions/workflows/flow.yaml:6"}


def test_an_alias_with_named_groups_is_a_difference(tmp_path: Path) -> None:
    text = "name: to\naction_ref: shop.greet\nformats: ['hail (?P<who>\\w+)']\n"
    made = shop(tmp_path, {"aliases/to.yaml": text})
    assert [remark.row for remark in remarks(made, "alias", "shop.to")] == ["API and access"]


def test_our_own_packs_stand_in_the_place_of_theirs(tmp_path: Path) -> None:
    made = survey(
        box(tmp_path / "old", {"packs/core/pack.yaml": SHOP["packs/shop/pack.yaml"].replace("shop", "core")}),
        site(tmp_path / "new"),
    )
    assert item(made, "pack", "core").verdict is Verdict.DIFFERS
    assert [piece.name for piece in made.files] == ["shop"]


def test_filters_in_a_chain_are_looked_at_too(tmp_path: Path) -> None:
    action = "name: steps\nrunner_type: action-chain\nentry_point: chains/steps.yaml\n"
    chain = 'chain:\n  - {name: one, ref: shop.greet, parameters: {who: "{{ vip | shout }}"}}\n'
    made = shop(tmp_path, {"actions/steps.yaml": action, "actions/chains/steps.yaml": chain})
    assert "'shout'" in failure(made, "action", "shop.steps").text


def test_a_workflow_that_calls_what_has_nothing_to_do_here_is_told(tmp_path: Path) -> None:
    action = "name: flow\nrunner_type: orquesta\nentry_point: workflows/flow.yaml\n"
    flow = (
        "version: 1.0\ntasks:\n"
        "  one:\n    action: packs.restart_component servicename=st2api\n    next: [{do: two}]\n"
        '  two:\n    action: core.echo\n    input: {message: "on $(hostname)"}\n'
    )
    made = shop(tmp_path, {"actions/flow.yaml": action, "actions/workflows/flow.yaml": flow})
    told = remarks(made, "action", "shop.flow")
    assert "core.echo does not let a shell read the message." in [remark.text for remark in told]
    assert "packs.restart_component" in failure(made, "action", "shop.flow").text


def test_what_starts_by_itself_and_who_sends_to_us_is_known(tmp_path: Path) -> None:
    made = shop(tmp_path / "hook", {})
    assert (made.hooks, made.has_clocks) == (["shop"], False)
    timer = rule("core.st2.IntervalTimer").replace("}", ", parameters: {unit: hours, delta: 1}}", 1)
    assert shop(tmp_path / "timer", {"rules/odd.yaml": timer}).has_clocks
