"""config.yaml and the STORMCROW_ variables become Settings, or an error that helps."""

from pathlib import Path

import pytest

from engine.configuration import described, example_config, read_settings, show
from engine.errors import BadSettings
from engine.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]


def refused(path: Path | None, **environment: str) -> BadSettings:
    with pytest.raises(BadSettings) as caught:
        read_settings(path, environment)
    return caught.value


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_config_yaml_of_the_project_is_the_example() -> None:
    assert (PROJECT / "config.yaml").read_text(encoding="utf-8") == example_config()


def test_the_example_says_the_defaults(tmp_path: Path) -> None:
    path = written(tmp_path, example_config())
    assert read_settings(path, {}) == Settings(root=tmp_path)


def test_the_example_comments_every_key() -> None:
    text = example_config()
    for key in described():
        assert f"\n  {key.key}: " in text
        assert key.help.split()[0] in text


def test_no_file_means_defaults() -> None:
    assert read_settings(None, {"PATH": "/bin"}) == Settings()


def test_an_empty_section_and_an_empty_key_have_their_defaults(tmp_path: Path) -> None:
    path = written(tmp_path, "chat:\nserver:\n  port:\n")
    assert read_settings(path, {}).server.port == 9101


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    settings = read_settings(written(tmp_path, "store: {data: here}\n"), {})
    assert settings.data_folder == tmp_path / "here"


def test_a_variable_wins_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "server:\n  port: 1000\n")
    assert read_settings(path, {"STORMCROW_SERVER__PORT": "2000"}).server.port == 2000


@pytest.mark.parametrize(
    ("variable", "text", "section", "key", "value"),
    [
        ("STORMCROW_CHAT__NAMES", "[a, b]", "chat", "names", ["a", "b"]),
        ("STORMCROW_ACTIONS__LIMITS", "{noop: 3}", "actions", "limits", {"noop": 3}),
        ("STORMCROW_CONTENT__WATCH", "yes", "content", "watch", True),
        ("STORMCROW_SERVER__SHUTDOWN_S", "3", "server", "shutdown_s", 3.0),
        ("STORMCROW_SERVER__HOST", "1", "server", "host", "1"),
        ("STORMCROW_STORE__DATA", "/var/x", "store", "data", Path("/var/x")),
        ("STORMCROW_SSH__KEY_FILE", "/id", "ssh", "key_file", "/id"),
        ("STORMCROW_CHAT__PREFIX", "!", "chat", "prefix", "!"),
    ],
)
def test_a_variable_is_read_by_the_type_of_its_key(
    variable: str, text: str, section: str, key: str, value: object
) -> None:
    assert getattr(getattr(read_settings(None, {variable: text}), section), key) == value


def test_a_secret_comes_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://u:p@h/d\n", encoding="utf-8")
    assert read_settings(None, {"STORMCROW_STORE__URL_FILE": str(secret)}).store.url == "postgresql://u:p@h/d"


def test_a_missing_secret_file_is_named() -> None:
    error = refused(None, STORMCROW_STORE__URL_FILE="/nowhere/url")
    assert "/nowhere/url" in str(error)
    assert error.where == "STORMCROW_STORE__URL_FILE"


def test_a_variable_and_its_file_cannot_both_be_set(tmp_path: Path) -> None:
    assert "set too" in str(refused(None, STORMCROW_STORE__URL="a", STORMCROW_STORE__URL_FILE="b"))


def test_variables_of_the_clients_are_left_alone() -> None:
    read_settings(None, {"STORMCROW_API_KEY": "x", "STORMCROW_URL": "y", "STORMCROW_CONFIG": "z"})


def test_an_unknown_variable_is_refused_with_the_nearest() -> None:
    assert "STORMCROW_SERVER__PORT?" in str(refused(None, STORMCROW_SERVER__PROT="1"))


def test_an_unknown_key_names_file_line_key_and_the_nearest(tmp_path: Path) -> None:
    path = written(tmp_path, "server:\n  host: 127.0.0.1\n  prot: 80\n")
    error = refused(path)
    assert error.where == f"{path}:3: server.prot"
    assert "Did you mean port?" in error.hint


def test_a_key_in_the_wrong_section_is_sent_to_the_right_one(tmp_path: Path) -> None:
    assert "section actions" in refused(written(tmp_path, "server:\n  workers: 3\n")).hint


def test_an_unknown_section_names_the_nearest(tmp_path: Path) -> None:
    error = refused(written(tmp_path, "log: {level: info}\nservr: {port: 1}\n"))
    assert error.where.endswith("config.yaml:2")
    assert "Did you mean server?" in error.hint


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("server: {port: 70000}", "a whole number from 0 to 65535"),
        ("server: {port: '80'}", "a whole number from 0 to 65535"),
        ("server: {port: true}", "a whole number"),
        ("server: {shutdown_s: -1}", "a number from 0 on"),
        ("server: {shutdown_s: .nan}", "a number from 0 on"),
        ("server: {host: 5}", "a text"),
        ("content: {watch: 'true'}", "true or false"),
        ("content: {packs: packs}", "a list of texts"),
        ("actions: {limits: {noop: 0}}", "whole numbers from 1 on"),
        ("store: {durability: fast}", "full or normal"),
        ("store: {data: 5}", "a path"),
    ],
)
def test_a_wrong_value_says_what_is_wanted(tmp_path: Path, text: str, wanted: str) -> None:
    error = refused(written(tmp_path, text))
    assert wanted in error.message
    assert "config.yaml:1: " in error.where


def test_a_limit_for_an_unknown_runner_names_the_nearest(tmp_path: Path) -> None:
    assert "local-shell-cmd" in refused(written(tmp_path, "actions: {limits: {local-shel-cmd: 1}}")).hint


def test_a_network_that_is_none_is_refused(tmp_path: Path) -> None:
    assert "10.0.0.0/99" in refused(written(tmp_path, "http: {blocked_networks: [10.0.0.0/99]}")).message


def test_a_wrong_secret_is_not_repeated_in_the_error(tmp_path: Path) -> None:
    error = refused(written(tmp_path, "store: {url: [hunter2]}"))
    assert "hunter2" not in str(error)


def test_broken_yaml_names_the_line(tmp_path: Path) -> None:
    assert refused(written(tmp_path, "server:\n  port: [1\n")).where.endswith("config.yaml:3")


def test_a_key_written_twice_is_refused(tmp_path: Path) -> None:
    error = refused(written(tmp_path, "log: {}\nserver:\n  port: 1\n  port: 2\n"))
    assert error.where.endswith("config.yaml:4")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in str(refused(tmp_path / "config.yaml"))


def test_show_hides_secrets_and_passwords_in_urls() -> None:
    settings = read_settings(
        None,
        {
            "STORMCROW_STORE__URL": "postgresql://u:hunter2@h/d",
            "STORMCROW_SERVER__PUBLIC_URL": "https://me:hunter3@host/x",
        },
    )
    text = show(settings)
    assert "hunter" not in text
    assert "url: '********'" in text
    assert "https://me:********@host/x" in text


def test_what_show_prints_can_be_read_again(tmp_path: Path) -> None:
    path = written(tmp_path, show(Settings()))
    assert read_settings(path, {}) == Settings(root=tmp_path)
