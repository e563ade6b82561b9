"""A scrape, read with Prometheus's own parser."""

from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from tests.engine.api.running import Running


class Scrape:
    """The values of one scrape, by the name in a query and the labels."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self._values: dict[str, list[tuple[Mapping[str, str], float]]] = {}
        for family in self.families.values():
            for sample in family.samples:
                self._values.setdefault(sample.name, []).append((sample.labels, sample.value))

    def value(self, name: str, **labels: str) -> float:
        """The sum of all series with these labels; 0 where there is none."""
        return sum(value for found, value in self._values.get(name, []) if labels.items() <= found.items())

    def words(self, name: str, label: str) -> set[str]:
        return {found[label] for found, _ in self._values.get(name, [])}


def scrape(server: Running) -> Scrape:
    answer = server.get("/metrics", key="")
    assert answer.status_code == 200, answer.text
    return Scrape(answer.text)
