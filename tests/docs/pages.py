"""The pages of the documentation, and what stands in them: links, anchors, fenced blocks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```\s*$", re.DOTALL | re.MULTILINE
)
_INLINE_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(?P<text>.+?) *$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block; `info` is what stands behind the backticks, with the file that it is, if any:
    `yaml action`, `yaml action packs/a/actions/b.yaml`."""

    page: Path
    line: int
    info: str
    text: str

    @property
    def where(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def path(self) -> str:
        """The file that it shows; empty: none, or it has no name."""
        word = self.info.split(" ")[-1]
        return word if "/" in word else ""


def pages() -> list[Path]:
    """README.md and all of docs/."""
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def reference_text() -> str:
    return "\n".join(page.read_text(encoding="utf-8") for page in sorted(REFERENCE.glob("*.md")))


def blocks(kind: str) -> Iterator[Block]:
    """Every fenced block of all pages whose info begins with the word `kind`."""
    for page in pages():
        yield from (block for block in _blocks_of(page) if block.info.split(" ")[0] == kind)


def files_above(block: Block) -> dict[str, str]:
    """By path: the files that its page has shown by then, each as it was shown last."""
    above = (one for one in _blocks_of(block.page) if one.line < block.line)
    return {one.path: one.text for one in above if one.path}


def _blocks_of(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        indent = len(found["indent"])
        lines = (line[indent:] for line in found["text"].splitlines(keepends=True))
        yield Block(
            page=page,
            line=text.count("\n", 0, found.start()) + 1,
            info=found["info"].strip(),
            text="".join(lines) if indent else found["text"],
        )


def links(page: Path) -> list[str]:
    """The targets of all links of a page; code is not looked at."""
    text = _INLINE_CODE.sub("", _FENCE.sub("", page.read_text(encoding="utf-8")))
    return [found["target"] for found in _LINK.finditer(text)]


def anchors(page: Path) -> set[str]:
    """The names by which links reach the headings of a page, as code hosts make them."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return {_anchor(found["text"]) for found in _HEADING.finditer(text)}


def _anchor(heading: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return kept.replace(" ", "-")
