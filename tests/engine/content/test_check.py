"""`pack check` finds what will not work before somebody runs it."""

from pathlib import Path

import pytest

from engine.content.check import Finding, check
from engine.errors import BadContent
from tests.engine.content.site import Site


def texts(findings: list[Finding], severity: str) -> str:
    return "\n".join(finding.text for finding in findings if finding.severity == severity)


def test_a_sound_pack_has_no_findings(site: Site) -> None:
    site.action("description: '{{ no template }}'\n")
    assert check(site.root / "packs/demo") == []


def test_unavailable_files_are_errors_with_their_line(site: Site) -> None:
    site.action("wrong: 1\n")
    (finding,) = check(site.root / "packs/demo")
    assert finding.severity == "error"
    assert finding.where == "demo/actions/act.yaml:3"
    assert "action demo.act is unavailable" in finding.text


def test_an_attribute_of_a_policy_that_is_no_parameter_is_a_warning(site: Site) -> None:
    site.write(
        "packs/demo/policies/each.yaml",
        "name: each\nresource_ref: demo.act\npolicy_type: action.concurrency.attr\n"
        "parameters: {threshold: 1, attributes: [host.name, hots]}\n",
    )
    findings = check(site.action("parameters: {host: {type: object}}\n"))
    assert texts(findings, "warning") == "The policy demo.each looks at hots; demo.act has no parameter hots."
    assert findings[0].where == "demo/policies/each.yaml"
    assert findings[0].hint == "Did you mean host?"


def test_a_missing_entry_point_is_an_error(site: Site) -> None:
    registry = site.action("entry_point: gone.py\n", runner="python-script")
    assert "'gone.py' of demo.act is missing" in texts(check(registry), "error")


def test_a_script_without_the_exec_bit_is_a_warning(site: Site) -> None:
    registry = site.action("entry_point: run.sh\n", runner="local-shell-script")
    script = site.write("packs/demo/actions/run.sh", "#!/bin/sh\n")
    assert "not executable" in texts(check(registry), "warning")
    script.chmod(0o755)
    assert check(registry) == []


def test_a_secret_of_a_script_is_a_warning(site: Site) -> None:
    site.write("packs/demo/actions/run.sh", "#!/bin/sh\n").chmod(0o755)
    text = "entry_point: run.sh\nparameters: {token: {type: string, secret: true}}\n"
    assert "secret parameter token" in texts(check(site.action(text, runner="local-shell-script")), "warning")


def test_a_secret_in_the_template_of_a_command_is_a_warning(site: Site) -> None:
    text = (
        "parameters:\n  cmd: {default: 'login -p {{ password }} {{ user }}'}\n"
        "  password: {type: string, secret: true}\n  user: {type: string}\n"
        "  pin: {type: string, secret: true}\n"
    )
    found = texts(check(site.action(text, runner="local-shell-cmd")), "warning")
    assert "secret parameter password" in found
    assert "pin" not in found


def test_an_alias_of_an_action_that_is_not_there_is_an_error(site: Site) -> None:
    site.action("")
    site.write("packs/demo/aliases/a.yaml", "name: a\naction_ref: demo.atc\nformats: [a]\n")
    (finding,) = check(site.root / "packs")
    assert finding.severity == "error"
    assert finding.hint == "Did you mean demo.act?"


def test_a_reference_into_a_pack_that_is_not_there_is_a_warning(site: Site) -> None:
    site.action("")
    site.write("packs/demo/rules/r.yaml", "name: r\ntrigger: {type: a.b}\naction: {ref: slack.post}\n")
    (finding,) = check(site.root / "packs/demo")
    assert finding.severity == "warning"
    assert "slack.post" in finding.text


def test_what_is_loaded_already_is_known(site: Site) -> None:
    site.action("")
    site.write("other/mine/pack.yaml", "name: mine\ndescription: x\nauthor: x\nversion: 1.0.0\n")
    site.write("other/mine/aliases/a.yaml", "name: a\naction_ref: demo.act\nformats: [a]\n")
    assert check(site.root / "other/mine", known=site.load()) == []


def test_a_default_of_another_type_is_a_warning(site: Site) -> None:
    found = texts(check(site.action("parameters: {a: {type: string, default: 5}}\n")), "warning")
    assert found == "The default 5 of the parameter a is no string."


def test_a_pattern_that_is_none_is_an_error(site: Site) -> None:
    assert "no regular expression" in texts(
        check(site.action("parameters: {a: {type: string, pattern: '('}}\n")), "error"
    )


def test_warnings_of_the_load_are_findings(site: Site) -> None:
    (finding,) = check(site.action("enabled: true\nenabled: false\n"))
    assert finding.severity == "warning"
    assert finding.where == "packs/demo/actions/act.yaml:4"


def test_a_folder_without_packs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadContent, match="holds no pack"):
        check(tmp_path)
