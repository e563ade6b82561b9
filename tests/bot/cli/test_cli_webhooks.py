"""`stormcrow webhook`: every preset set up, tried through the real door, listed and replayed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from bot.cli.main import app
from engine.alerts.normalise import normalise
from engine.specs.webhook_presets import PRESETS
from engine.webhooks.sample import SAMPLES, sample
from engine.webhooks.snippets import snippet
from tests.engine.api.running import Running, running

WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TOPIC = "arn:aws:sns:eu-west-1:1:alarms"


@dataclass(frozen=True)
class Site:
    """A server with a config.yaml that the command line finds too."""

    server: Running

    def __call__(self, *words: str, input: str = "") -> Any:
        environment = {
            "STORMCROW_URL": self.server.url,
            "STORMCROW_API_KEY": self.server.key,
            "STORMCROW_CONFIG": str(self.server.folder / "config.yaml"),
            "COLUMNS": "200",
        }
        return CliRunner().invoke(app, ["webhook", *words], env=environment, input=input)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "config.yaml").write_text("content: {packs: [packs]}\n", encoding="utf-8")
    with running(folder) as made:
        yield Site(made)


def add(site: Site, preset: str, *more: str) -> Any:
    given = ("--secret", WHSEC) if PRESETS[preset].key_kind == "given" else ()
    topic = ("--topic", TOPIC) if preset == "sns" else ()
    done = site("add", preset, "--name", f"made/{preset}", "--json", *given, *topic, *more)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.mark.parametrize("preset", [name for name in PRESETS if name != "sns"])
def test_a_webhook_of_every_preset_is_made_and_its_own_sample_is_taken(site: Site, preset: str) -> None:
    made = add(site, preset, "--channel", "#alerts")
    assert made["url"] == f"{site.server.url}/v1/webhooks/made/{preset}"
    assert made["url"] in made["snippet"]
    done = site("test", f"made/{preset}", "--json")
    assert done.exit_code == 0, done.output
    outcome = json.loads(done.stdout)
    assert outcome["status"] == 202
    assert outcome["delivery"]["url"] == f"made/{preset}"
    secret = site.server.engine.datastore.read("system", made["secret_key"], decrypt=True)
    assert secret is not None
    assert secret.value not in Path(made["file"]).read_text()
    assert secret.value not in json.dumps(outcome)


def test_a_webhook_of_sns_needs_its_topic_and_cannot_be_tried_by_us(site: Site) -> None:
    refused = site("add", "sns")
    assert (refused.exit_code, "topics" in refused.stderr) == (2, True)
    made = add(site, "sns")
    assert (made["secret_key"], TOPIC in made["snippet"]) == ("", True)
    done = site("test", "made/sns")
    assert done.exit_code == 2
    assert "Only the real sender" in done.stderr


def test_what_is_printed_can_be_pasted(site: Site) -> None:
    done = site("add", "alertmanager", "--name", "pasted", "--channel", "ops")
    assert done.exit_code == 0
    text = done.stdout
    block = yaml.safe_load(text[text.index("receivers:") :])
    config = block["receivers"][0]["webhook_configs"][0]
    assert config["url"] == f"{site.server.url}/v1/webhooks/pasted"
    assert len(config["http_config"]["authorization"]["credentials"]) >= 40
    assert "Only this machine knows this address" in done.stderr
    file = yaml.safe_load((site.server.folder / "webhooks" / "pasted.yaml").read_text())
    assert file == {
        "url": "pasted",
        "preset": "alertmanager",
        "secrets": ["webhook.pasted"],
        "channel": "ops",
    }


def test_a_secret_that_the_sender_makes_is_asked_for(site: Site) -> None:
    done = site("add", "pagerduty", "--name", "pd")
    assert done.exit_code == 2
    assert f"{site.server.url}/v1/webhooks/pd" in done.stderr
    assert "stormcrow webhook add pagerduty --name pd --secret SECRET" in done.stderr
    assert not (site.server.folder / "webhooks" / "pd.yaml").exists()


def test_a_secret_may_come_from_standard_input(site: Site) -> None:
    assert site("add", "pagerduty", "--name", "piped", "--secret", "-", input="from-pipe\n").exit_code == 0
    found = site.server.engine.datastore.read("system", "webhook.piped", decrypt=True)
    assert found is not None
    assert (found.value, found.secret) == ("from-pipe", True)


def test_a_webhook_is_not_written_over(site: Site) -> None:
    assert site("add", "github", "--name", "twice").exit_code == 0
    again = site("add", "github", "--name", "twice")
    assert again.exit_code != 0
    assert "is there already" in again.stderr


def test_a_secret_that_is_there_stays(site: Site) -> None:
    site.server.engine.datastore.put("system", "webhook.kept", "kept-secret", secret=True)
    done = site("add", "github", "--name", "kept")
    assert "kept-secret" in done.stdout
    assert "stays as it is" in done.stderr


@pytest.mark.parametrize("name", ["a b", "st2", "../x", "a//b"])
def test_a_name_that_is_no_address_is_refused(site: Site, name: str) -> None:
    done = site("add", "github", "--name", name)
    assert done.exit_code == 2
    assert not (site.server.folder / "x.yaml").exists()


def test_an_unknown_preset_is_told_the_nearest(site: Site) -> None:
    done = site("add", "githup")
    assert (done.exit_code, "Did you mean github?" in done.stderr) == (2, True)


def test_a_sample_that_is_refused_says_so(site: Site) -> None:
    add(site, "github", "--name", "refusing")
    site.server.engine.datastore.remove("system", "webhook.refusing")
    done = site("test", "refusing")
    assert done.exit_code in (1, 2)


def test_webhooks_and_deliveries_are_listed_and_replayed(site: Site) -> None:
    add(site, "generic", "--name", "listed")
    assert site("test", "listed").exit_code == 0
    assert "listed" in site("list").stdout
    (delivery,) = json.loads(site("list", "listed", "--json").stdout)
    assert delivery["id"] in site("list", "listed").stdout
    done = site("replay", delivery["id"])
    assert done.exit_code == 0
    assert "is stored" in done.stdout
    assert len(json.loads(site("list", "listed", "--json").stdout)) == 2
    assert site("replay", "5e" + "0" * 22).exit_code == 9


def test_every_preset_has_a_sample_and_a_snippet() -> None:
    assert {path.stem for path in SAMPLES.glob("*.json")} == set(PRESETS)
    for preset in PRESETS:
        text = snippet(preset, url="https://crow.example/v1/webhooks/x", secret="s3", topic=TOPIC)
        assert "https://crow.example/v1/webhooks/x" in text


@pytest.mark.parametrize("preset", [name for name, one in PRESETS.items() if one.alerts])
def test_every_sample_of_a_sender_of_alerts_is_one(preset: str) -> None:
    made = sample(preset, now=1_700_000_000)
    headers = {name.lower(): value for name, value in made.headers.items()}
    assert len(normalise(preset, json.loads(made.body), headers, hook="x", channel="c")) == 1


def test_two_samples_are_two_deliveries() -> None:
    assert sample("jenkins", now=1.0).body != sample("jenkins", now=2.0).body


def test_the_media_type_of_zabbix_is_one() -> None:
    text = yaml.safe_load(snippet("zabbix", url="https://x/y", secret="s", topic=""))
    (media,) = text["zabbix_export"]["media_types"]
    parameters = {one["name"]: one["value"] for one in media["parameters"]}
    assert parameters["stormcrow_token"] == "s"
    assert parameters["event_id"] == "{EVENT.ID}"
    assert "request.post" in media["script"]
