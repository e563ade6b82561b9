"""The dashboard and the alert rules ask only for series that there are, by labels that these have."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from engine.metrics.board import Board
from engine.metrics.catalogue import METRICS, Kind
from tests.docs.pages import DOCS, ROOT

FOLDER = ROOT / "examples" / "observability"
_SERIES = re.compile(r"\b(?:stormcrow|process|python)_\w+")
_SELECTOR = re.compile(r"(?P<name>\w+)\{(?P<inside>[^}]*)\}")
_BY = re.compile(r"\bby \((?P<labels>[^)]*)\)")
# Prometheus adds these to whatever it scrapes; `le` is of the buckets.
_EVERYWHERE = {"job", "instance", "le"}


def dashboard() -> Any:
    return json.loads((FOLDER / "grafana-dashboard.json").read_text(encoding="utf-8"))


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((FOLDER / "prometheus-alerts.yaml").read_text(encoding="utf-8"))["groups"]
    return list(group["rules"])


def expressions() -> Iterator[str]:
    for panel in dashboard()["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    yield from (variable["query"] for variable in dashboard()["templating"]["list"])
    yield from (rule["expr"] for rule in rules())


def series() -> dict[str, set[str]]:
    """What a scrape has, by the name in a query, with its labels."""
    found: dict[str, set[str]] = {}
    for metric in METRICS.values():
        ends = ("_bucket", "_sum", "_count") if metric.kind is Kind.HISTOGRAM else ("",)
        found.update({f"{metric.shown}{end}": set(metric.labels) for end in ends})
    text = Board(label_limit=1).text("")[0].decode()
    for name in re.findall(r"^# TYPE ((?:process|python)_\w+)", text, re.MULTILINE):
        found.setdefault(name, set())
    return found


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_a_query_asks_for_what_there_is(expression: str) -> None:
    known = series()
    assert [name for name in _SERIES.findall(expression) if name not in known] == []
    assert expression.count("(") == expression.count(")")
    for selected in _SELECTOR.finditer(expression):
        if selected["name"] not in known:
            continue
        labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selected["inside"]))
        assert labels <= known[selected["name"]] | _EVERYWHERE
    grouped = {label.strip() for found in _BY.finditer(expression) for label in found["labels"].split(",")}
    asked = set().union(*(known[name] for name in _SERIES.findall(expression)))
    assert grouped <= asked | _EVERYWHERE


def test_a_panel_has_a_place_of_its_own() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [panel["gridPos"] for panel in panels]
    taken = [
        (x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])
    ]
    assert len(set(taken)) == len(taken)
    assert all(place["x"] + place["w"] <= 24 for place in places)


def test_an_alert_says_how_bad_it_is_and_what_it_is_about() -> None:
    found = rules()
    assert len({rule["alert"] for rule in found}) == len(found)
    for rule in found:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]


def test_pages_name_only_metrics_that_there_are() -> None:
    known = series()
    text = "\n".join(page.read_text(encoding="utf-8") for page in sorted(DOCS.rglob("*.md")))
    named = set(re.findall(r"\bstormcrow_[a-z_]+[a-z]\b", text))
    assert {name for name in named if name.rpartition("_")[2] in ("total", "seconds", "bytes")} <= {
        *known,
        *(metric.shown for metric in METRICS.values()),
    }
