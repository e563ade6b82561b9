"""`stormcrow rights` and `stormcrow account`."""

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli.exits import Code
from engine.records.outside import OutsidePerson
from tests.bot.cli.conftest import Shell
from tests.engine.api.running import Running
from tests.engine.rights.site import write_rights
from tests.engine.world import wait_until

LIMITS = "limits: [{actions: [probe.say], users: [ann], channels: [api, '#ops']}]"


@pytest.fixture
def limited(shared: Running) -> Iterator[None]:
    root = Path(shared.engine.settings.root)
    write_rights(root, {"limits.yaml": LIMITS})
    shared.engine.reload()
    yield
    (root / "rbac" / "limits.yaml").unlink()
    shared.engine.reload()


@pytest.mark.usefixtures("limited")
def test_check_says_whether_and_why(shell: Shell) -> None:
    done = shell("rights", "check", "ann", "probe.say", "--channel", "slack:C1")
    assert done.exit_code == Code.FAILED
    assert done.stdout.startswith("ann may not run probe.say in slack:C1\n")
    assert (
        "no   probe.say runs only in api, #ops, not in slack:C1 (rbac/limits.yaml, limit 1)." in done.stdout
    )
    done = shell("rights", "check", "ann", "probe.say")
    assert (done.exit_code, done.stdout.splitlines()[0]) == (Code.OK, "ann may run probe.say in the API")


def test_check_says_what_a_login_named(shell: Shell, shared: Running) -> None:
    person = OutsidePerson(user="gus", source="gone", groups=("sre", "ops"))
    shared.engine.outside.groups.note(person)
    done = shell("rights", "check", "gus", "core.local")
    assert "gone said on" in done.stdout
    assert "ops, sre; that does not count any more: log in again" in done.stdout


def test_check_of_what_is_not_there_is_not_found(shell: Shell) -> None:
    done = shell("rights", "check", "ann", "probe.sya")
    assert (done.exit_code, "Did you mean probe.say?" in done.stderr) == (Code.NOT_FOUND, True)


@pytest.mark.usefixtures("limited")
def test_denied_lists_what_was_refused(shell: Shell, shared: Running) -> None:
    clear, _ = shared.engine.access.create_key(user="eve", metadata={})
    assert shell("run", "probe.say", "text=hello", STORMCROW_API_KEY=clear).exit_code != Code.OK
    # It is written soon; nobody who is refused waits for it.
    wait_until(lambda: shared.engine.denials.page(user="eve")[1] == 1)
    found = json.loads(shell("rights", "denied", "--user", "eve", "--json").stdout)
    assert [(one["verb"], one["what"], one["place"]) for one in found] == [
        ("ask", "POST /executions", "the API")
    ]
    assert "probe.say is for the users ann only" in found[0]["reason"]


def test_lint_reads_the_files_without_a_server(shell: Shell, tmp_path: Path) -> None:
    write_rights(
        tmp_path,
        {
            "roles/a.yaml": textwrap.dedent(
                """
                name: a
                permission_grants:
                  - resource_uid: pack:a
                    permission_types: [pack_al]
                """
            ).lstrip(),
            "assignments/x.yaml": "{username: x, roles: [b]}",
        },
    )
    (tmp_path / "config.yaml").write_text("{}", encoding="utf-8")
    done = shell("rights", "lint", "--config", str(tmp_path / "config.yaml"))
    assert done.exit_code == Code.FAILED
    assert "rbac/roles/a.yaml:4: 'pack_al' is no permission. Did you mean pack_all?" in done.stdout
    assert "rbac/assignments/x.yaml: there is no role b. (warning)" in done.stdout


def test_a_code_is_printed_for_whoever_asks(shell: Shell) -> None:
    done = shell("account", "code")
    assert done.exit_code == Code.OK
    assert "That account is then admin." in done.stderr


def test_accounts_are_linked_listed_and_unlinked(shell: Shell) -> None:
    assert shell("account", "link", "slack.T1.U7", "ann").stdout == "slack.T1.U7  is ann\n"
    assert "slack.T1.U7" in shell("account", "list").stdout
    assert shell("account", "unlink", "slack.T1.U7").exit_code == Code.OK
    assert "slack.T1.U7" not in shell("account", "list").stdout
    assert "slack.T1.U7" in shell("account", "list", "--all").stdout


def test_what_is_no_account_is_refused(shell: Shell) -> None:
    done = shell("account", "link", "U7", "ann")
    assert (done.exit_code, "Write CHAT.TEAM.ID" in done.stderr) == (Code.WRONG, True)
