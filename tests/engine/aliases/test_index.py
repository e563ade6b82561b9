"""Which alias a text fits, and what may be given with it."""

import pytest

from engine.aliases.index import AliasIndex
from engine.errors import BadInput, BadParameter, NoMatch
from engine.specs.alias import AliasFormat
from tests.engine.aliases.builders import STRING, action, alias, registry

WORK = action(
    "work", app=STRING, env=STRING, m=STRING, u=STRING, locked={"type": "string", "immutable": True}
)
SHELL = action("shell", runner="remote-shell-cmd", cmd={"required": True}, note=STRING)


def index_of(*parts: object) -> AliasIndex:
    return AliasIndex(registry(WORK, SHELL, *parts))  # type: ignore[arg-type]  # actions and aliases alike


def test_the_alias_that_fits_is_found_with_its_parameters() -> None:
    match = index_of(alias("deploy", "deploy {{app}} to {{env}}")).match("deploy web to prod")
    assert (match.alias.ref, match.parameters) == ("demo.deploy", ({"app": "web", "env": "prod"},))


def test_two_aliases_that_fit_are_both_named() -> None:
    index = index_of(alias("one", "go {{app}}"), alias("two", "go {{env}}"))
    with pytest.raises(NoMatch, match="Command 'go x' matched more than 1 pattern") as caught:
        index.match("go x")
    assert caught.value.hint == 'It fits demo.one ("go {{app}}") and demo.two ("go {{env}}").'


def test_two_formats_of_one_alias_are_no_contradiction_and_the_first_wins() -> None:
    index = index_of(alias("list", "list all {{app}}", "list {{env}}"))
    assert index.match("list all web").parameters == ({"app": "web"},)


def test_a_text_that_fits_nothing_is_told_the_nearest_command_and_what_was_missing() -> None:
    index = index_of(alias("deploy", "deploy {{app}} to {{env}}"), alias("ping", "ping {{u}}"))
    with pytest.raises(NoMatch, match="Command 'deploy' matched no patterns") as caught:
        index.match("deploy")
    assert caught.value.hint.startswith("deploy needs: app, env.")
    assert "deploy {{app}} to {{env}}" in caught.value.hint


def test_a_typing_error_in_the_first_word_is_forgiven_in_the_hint() -> None:
    with pytest.raises(NoMatch) as caught:
        index_of(alias("deploy", "deploy {{app}}")).match("depoly web")
    assert "Did you mean: deploy {{app}}" in caught.value.hint


def test_a_disabled_alias_fits_nothing() -> None:
    with pytest.raises(NoMatch):
        index_of(alias("go", "go", enabled=False)).match("go")


def test_a_bad_format_is_a_finding_and_disturbs_no_other() -> None:
    index = index_of(alias("bad", "go ("), alias("good", "go {{app}}"))
    assert index.match("go web").alias.name == "good"
    assert [(each.kind, each.name, each.where) for each in index.findings] == [
        ("alias", "bad", "demo/aliases/bad.yaml")
    ]


def test_a_format_without_representation_matches_nothing_not_even_pairs() -> None:
    with pytest.raises(NoMatch):
        index_of(alias("shown", AliasFormat(display="shown"))).match("app=1")


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("open https://e.com/?a=1", {"u": "https://e.com/?a=1"}),
        ("open https://e.com/?a=1 env=prod", {"u": "https://e.com/?a=1", "env": "prod"}),
        ("open x --force=true", {"u": "x --force=true"}),
    ],
)
def test_a_url_with_an_equals_sign_is_not_torn_apart(text: str, parameters: dict[str, str]) -> None:
    assert index_of(alias("open", "open {{u}}")).match(text).parameters == (parameters,)


def test_a_pair_in_quotes_is_text_unless_the_action_knows_the_key() -> None:
    index = index_of(alias("echo", "echo {{m}}"))
    assert index.match('echo "set x=1"').parameters == ({"m": "set x=1"},)
    assert index.match('echo "set env=1"').parameters == ({"m": "set", "env": '1"'},)


def test_a_parameter_of_the_action_may_be_given_at_the_end() -> None:
    match = index_of(alias("deploy", "deploy {{app}}")).match("deploy web env=prod")
    assert match.parameters == ({"app": "web", "env": "prod"},)
    assert match.given == frozenset({"env"})


def test_a_parameter_that_the_action_does_not_know_is_refused_by_name() -> None:
    with pytest.raises(BadParameter, match=r'demo\.work has no parameter "evn"') as caught:
        index_of(alias("deploy", "deploy {{app}}")).match("deploy web evn=prod")
    assert "Did you mean env?" in caught.value.hint
    assert "takes: app, env, m, u." in caught.value.hint


@pytest.mark.parametrize(
    "name",
    [
        "sudo",
        "sudo_password",
        "env",
        "cwd",
        "dir",
        "hosts",
        "username",
        "password",
        "private_key",
        "passphrase",
        "port",
        "bastion_host",
        "timeout",
        "kwarg_op",
        "parallel",
        "cmd",
    ],
)
def test_a_parameter_of_the_runner_is_refused(name: str) -> None:
    index = index_of(alias("note", "note {{note}}", to="demo.shell"))
    with pytest.raises(BadParameter, match=f'"{name}" cannot be given in chat'):
        index.match(f"note x {name}=1")


def test_a_parameter_that_the_format_names_may_be_given_although_it_is_the_runners() -> None:
    index = index_of(alias("run", "run {{cmd}} on {{hosts=localhost}}", to="demo.shell"))
    assert index.match("run date on hosts=h1").parameters == ({"cmd": "date", "hosts": "h1"},)


def test_the_alias_can_allow_a_parameter_of_the_runner() -> None:
    allowing = alias(
        "run", "run {{cmd}}", to="demo.shell", extensions={"x-allow-parameters": ["timeout", "parallel"]}
    )
    assert index_of(allowing).match("run date timeout=5").parameters == ({"cmd": "date", "timeout": "5"},)


@pytest.mark.parametrize(("name", "to"), [("parallel", "demo.shell"), ("locked", "demo.work")])
def test_an_immutable_parameter_is_never_allowed(name: str, to: str) -> None:
    allowing = alias("do", "do {{u}}", to=to, extensions={"x-allow-parameters": [name]})
    with pytest.raises(BadParameter, match=name):
        index_of(allowing).match(f"do x {name}=1")


def test_an_alias_with_match_multiple_is_asked_when_no_other_fits() -> None:
    fixes = AliasFormat(
        display="fixes", representations=(r"(?:^|\s)fixes (?P<u>[A-Z]+-\d+)(?:\b|$)",), match_multiple=True
    )
    index = index_of(alias("fixes", fixes), alias("exact", "fixes A-1"))
    assert index.match("fixes A-1").alias.name == "exact"
    assert index.match("x fixes A-1 fixes B-2").parameters == ({"u": "A-1"}, {"u": "B-2"})


@pytest.mark.parametrize(
    "text", ["web ping", "show it", "sh it", "Show it", "fit  it", "ha!", "examples and wave"]
)
def test_a_format_is_found_however_it_begins(text: str) -> None:
    formats = ["{{u}} ping", "(show|sh) it", "(?i)SHOW it", "fit  it", "ha[!.]", "examples( and)? wave"]
    index = index_of(*(alias(f"alias{number}", each) for number, each in enumerate(formats)))
    assert text in {"show it"} or index.match(text)


def test_the_lookup_drops_no_format_that_would_fit() -> None:
    formats = ["a b c d e f {{u}}", "a b {{u}}", "a( b)?( c)? {{u}}", "{{u}}", "a.*", "[ab] b {{u}}"]
    index = index_of(*(alias(f"alias{number}", each) for number, each in enumerate(formats)))
    for text in ("a b c d e f g", "a b x", "a", "b b x", "a b c x", "zzz"):
        slow = [entry for entry in index.entries if entry.compiled.pattern.find(f" {text} ")]
        assert index.fitting(text) == slow


def test_a_format_that_the_alias_does_not_have_is_refused_with_stackstorms_words() -> None:
    one = alias("go", "go {{u}}")
    with pytest.raises(BadInput, match='Format string "run" is not available on the alias "go"'):
        index_of(one).find_format(one, "run")


def test_a_client_may_choose_the_format_itself() -> None:
    one = alias("go", "go {{u}}", "go {{app}} now")
    index = index_of(one)
    assert index.chosen(one, "go {{app}} now", "go x now").parameters == ({"app": "x"},)
    with pytest.raises(NoMatch, match="doesn't match format string"):
        index.chosen(one, "go {{app}} now", "go x")
    with pytest.raises(BadParameter):
        index.chosen(one, "go {{u}}", "go x bogus=1")
