"""The budget of one rendering: what a template may do before it is refused.

Jinja's sandbox bounds neither time nor memory and holds the interpreter lock, so every
operation that can grow is paid for here before it runs. One unit is about a loop pass.
"""

import re
import string
import time
from collections.abc import Iterable, Iterator
from typing import Any

from engine.errors import BadTemplate
from engine.settings.content import TemplateSettings

# Text is paid for by this many characters a unit (a shift).
_TEXT_SHIFT = 8
# Processor time of one rendering, for what the units do not foresee. Waiting does not count.
_LONGEST_S = 2.0
_CONTAINERS = (list, tuple, dict, set, frozenset)
_PERCENT = re.compile(r"%(?:\([^)]*\))?[-#0 +]*(\*|\d+)?(?:\.(\*|\d+))?[a-zA-Z%]")
_DIGITS = re.compile(r"\d+")


def refused(what: str) -> BadTemplate:
    return BadTemplate(f"The template {what}.", hint="The limits are the settings in section `templates`.")


def measure(value: Any, most: int) -> tuple[int, int]:
    """(values, characters) in `value` written out in full, however much it shares.

    Ten lists that each hold the one before ten times are ten thousand million values when
    printed or compared. Raises BadTemplate as soon as there are more than `most` values.
    """
    nodes, characters = 0, 0
    waiting = [value]
    while waiting:
        item = waiting.pop()
        nodes += 1
        if isinstance(item, str | bytes):
            characters += len(item)
        elif isinstance(item, dict):
            waiting.extend(item.values())
            waiting.extend(item.keys())
        elif isinstance(item, _CONTAINERS):
            waiting.extend(item)
        if nodes + len(waiting) > most:
            raise refused(f"handles more than {most} values at once")
    return nodes, characters


class Budget:
    """Counts down while one template renders; every method raises BadTemplate at its limit."""

    __slots__ = ("decrypted", "left", "printed", "settings", "started_s")

    def __init__(self, settings: TemplateSettings) -> None:
        self.settings = settings
        self.left = settings.work_limit
        self.printed = 0
        self.started_s = time.thread_time()
        self.decrypted: list[str] = []
        """What `decrypt_kv` gave, for masking."""

    def spend(self, units: int) -> None:
        self.left -= units
        if self.left < 0:
            raise refused(f"does more than {self.settings.work_limit} steps")

    def clock(self) -> None:
        """Look at the processor time; before every filter and call."""
        if time.thread_time() - self.started_s > _LONGEST_S:
            raise refused(f"takes longer than {_LONGEST_S:.0f} s")

    def characters(self, count: int) -> None:
        """Pay for a text of so many characters before it is made."""
        if count > self.settings.output_limit_bytes:
            raise refused(f"makes a text longer than {self.settings.output_limit_bytes} bytes")
        self.spend(1 + (count >> _TEXT_SHIFT))

    def look(self, value: Any) -> None:
        """Pay for one flat pass over a value that exists."""
        if isinstance(value, str | bytes):
            self.spend(1 + (len(value) >> _TEXT_SHIFT))
        elif isinstance(value, _CONTAINERS):
            self.spend(1 + len(value))

    def weigh(self, value: Any) -> int:
        """Pay for a deep pass over a value; how many characters it holds."""
        if isinstance(value, _CONTAINERS):
            nodes, characters = measure(value, self.left)
            self.spend(nodes + (characters >> _TEXT_SHIFT))
            return characters + 4 * nodes
        self.look(value)
        return len(value) if isinstance(value, str | bytes) else 8

    def printable(self, value: Any) -> None:
        """Pay for turning a value into text, and refuse one that would be too long."""
        if isinstance(value, _CONTAINERS):
            self.characters(self.weigh(value))
        elif isinstance(value, int):
            self.number(value)
        else:
            self.look(value)

    def number(self, value: Any) -> None:
        if isinstance(value, int) and value.bit_length() > self.settings.number_limit_bits:
            raise refused(f"computes a number of more than {self.settings.number_limit_bits} bits")

    def output(self, text: str) -> None:
        """Pay for text that goes into the output, also into one that `set` captures."""
        self.printed += len(text)
        if self.printed > 4 * self.settings.output_limit_bytes:
            raise refused(f"makes a text longer than {self.settings.output_limit_bytes} bytes")
        self.spend(1)

    def passes(self, items: Any) -> Any:
        """`items` for a loop: what has a length is paid for at once, the rest as it comes."""
        try:
            self.spend(len(items))
        except TypeError:
            return self.counted(items)
        return items

    def counted(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self.spend(1)
            yield item

    def percent(self, text: str, values: Any) -> None:
        """Pay for `text % values`."""
        specs = list(_PERCENT.finditer(text))
        sizes = [size for spec in specs for size in spec.groups() if size]
        if "*" in sizes:
            raise refused("takes a width for % from a value")
        held = self.weigh(values)
        self.characters(len(text) + _total(sizes) + held * (len(specs) if isinstance(values, dict) else 1))

    def braces(self, text: str, values: Any) -> None:
        """Pay for `text.format(...)`."""
        fields = [(spec or "") for _, name, spec, _ in string.Formatter().parse(text) if name is not None]
        if any("{" in spec for spec in fields):
            raise refused("takes a width for format() from a value")
        sizes = [size for spec in fields for size in _DIGITS.findall(spec)]
        self.characters(len(text) + _total(sizes) + self.weigh(values) * len(fields))


def _total(sizes: Iterable[str]) -> int:
    # Ten digits are past every limit; int() of a very long text is slow.
    return sum(int(size[:10]) if len(size) <= 10 else 10**10 for size in sizes)
