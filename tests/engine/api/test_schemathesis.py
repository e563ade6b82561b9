"""Requests made of the descriptions, StackStorm's and ours: nothing that a caller sends is a fault of ours.

A few of each operation, the same ones every time. More of them by hand, against a server that runs:
`st run URL/openapi.json --url URL/api/v1 -H "St2-Api-Key: KEY" -n 100 --seed 1`, with the checks below.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.engine.api.running import Running, running

ST = Path(sys.executable).with_name("st")
# Far more than it takes: what bounds it is the number of requests.
LIMIT_S = 300
OURS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# The stream never ends; the others ask hosts that are not here.
LEFT_OUT = "(^|v1)(/stream$|/packs/(install|uninstall|index))"
# Names of what there is, so that not everything is a 404.
NAMES = """
[[operations]]
include-path-regex = "/actions/.*ref_or_id"
parameters = { "path.ref_or_id" = "probe.say" }
[[operations]]
include-path-regex = "/packs/.*ref_or_id"
parameters = { "path.ref_or_id" = "probe", "path.file_path" = "pack.yaml" }
[[operations]]
include-path-regex = "/rules/.*ref_or_id"
parameters = { "path.ref_or_id" = "probe.on_file", "path.rule_ref_or_id" = "probe.on_file" }
[[operations]]
include-path-regex = "/actionalias/.*ref_or_id"
parameters = { "path.ref_or_id" = "probe.say" }
[[operations]]
include-path-regex = "/executions/.id"
parameters = { "path.id" = "last" }
[[operations]]
include-path-regex = "/(configs|config_schemas)/"
parameters = { "path.pack_ref" = "probe", "path.ref_or_id" = "probe" }
[[operations]]
include-path-regex = "/runnertypes/"
parameters = { "path.ref_or_id" = "noop", "path.name_or_id" = "noop" }
[[operations]]
include-path-regex = "/triggertypes/"
parameters = { "path.ref_or_id" = "core.st2.webhook", "path.triggertype_ref_or_id" = "core.st2.webhook" }
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server of its own: there is nothing in it that these requests could spoil for others."""
    if not ST.exists():
        missing("schemathesis")
    with running(tmp_path_factory.mktemp("own"), answer_wait_ms=0) as made:
        made.run("probe.say", text="the last")
        yield made


def run(server: Running, folder: Path, location: str, base: str, *, checks: str, mode: str) -> None:
    (folder / "schemathesis.toml").write_text(NAMES)
    done = subprocess.run(
        [
            *(str(ST), "run", location, "--url", base, "--header", f"St2-Api-Key: {server.key}"),
            *("--checks", checks, "--mode", mode, "--phases", "fuzzing", "--max-examples", "2"),
            *(
                "--generation-deterministic",
                "--continue-on-failure",
                "--no-shrink",
                "--request-timeout",
                "60",
            ),
            *("--exclude-path-regex", LEFT_OUT, "--warnings", "off", "--no-color"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "No issues found" in done.stdout


@pytest.mark.timeout(LIMIT_S + 60)
def test_our_description_is_true(own: Running, tmp_path: Path) -> None:
    run(own, tmp_path, f"{own.url}/openapi.json", f"{own.url}/api/v1", checks=OURS, mode="positive")


@pytest.mark.timeout(LIMIT_S + 60)
def test_nothing_that_stackstorm_describes_is_a_fault_of_ours(
    own: Running, tmp_path: Path, conformance: Path
) -> None:
    location = str(conformance / "stackstorm-openapi.json")
    run(own, tmp_path, location, own.url, checks="not_a_server_error", mode="all")
