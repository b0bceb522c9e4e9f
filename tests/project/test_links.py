"""The files, headings and paths to which the documents refer exist."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.support.walkthrough import ROOT

DOCUMENTS = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").glob("*.md")})
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PATH = re.compile(r"`([\w./-]+/|[\w./-]+\.(?:py|md|graphql|mjs|jsx|lua|json|toml|lock|html))`")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CODE = ("gql_service", "tests", "bench", "tools", "docs", "deploy")
"""The folders with files of the project."""


@cache
def _text(path: Path) -> str:
    """A document without its fenced blocks."""
    return FENCE.sub("", path.read_text())


@cache
def _anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", _text(path), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@cache
def _file_names() -> set[str]:
    files = (
        path for folder in CODE for path in (ROOT / folder).rglob("*") if "node_modules" not in path.parts
    )
    return {path.name for path in [*files, *ROOT.iterdir()]}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_has_a_target(document: Path) -> None:
    for target in LINK.findall(_text(document)):
        if target.startswith(("http://", "https://")):
            continue
        file, _, anchor = target.partition("#")
        path = (document.parent / file) if file else document
        assert path.exists(), target
        assert not anchor or anchor in _anchors(path), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_path_in_a_document_exists(document: Path) -> None:
    """A path is relative to the project, the package or the document; a bare name is that of some file."""
    for name in PATH.findall(_text(document)):
        folders = (ROOT, ROOT / "gql_service", ROOT / "gql_service" / "domain", document.parent)
        is_path = "/" in name.rstrip("/") or name.endswith("/")
        exists = any((folder / name).exists() for folder in folders) if is_path else name in _file_names()
        assert exists or name.startswith("/"), name


def test_every_document_can_be_reached_from_the_readme() -> None:
    reached, pending = set(), [ROOT / "README.md"]
    while pending:
        document = pending.pop().resolve()
        if document in reached or document.suffix != ".md":
            continue
        reached.add(document)
        targets = (target.partition("#")[0] for target in LINK.findall(_text(document)))
        pending += [document.parent / target for target in targets if target and "://" not in target]
    assert reached >= set(DOCUMENTS)
