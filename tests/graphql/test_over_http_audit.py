"""GraphQL over HTTP: the audits of the npm package `graphql-http`."""

import json
import subprocess
from typing import NamedTuple

import pytest

from tests.support.npm import npm_project
from tests.support.service import Service

pytestmark = pytest.mark.clients


class Audit(NamedTuple):
    id: str
    name: str
    status: str
    reason: str | None


@pytest.fixture(scope="session")
def audits(service: Service) -> list[Audit]:
    output = subprocess.run(
        ["node", "audit.mjs", f"{service.url}/graphql"],
        cwd=npm_project("graphql-http-audit"),
        check=True,
        stdout=subprocess.PIPE,
        timeout=60,
    ).stdout
    return [Audit(**each) for each in json.loads(output)]


def test_every_audit_is_met(audits: list[Audit]) -> None:
    # The audit 80D8 is about requests without `Accept`, but Node adds `Accept: */*`. Without the header,
    # the specification wants application/graphql-response+json since 2025-01-01 ("Legacy watershed").
    assert [audit for audit in audits if audit.status != "ok"] == []
    assert len(audits) == 61


def test_mutations_are_refused_by_get(audits: list[Audit]) -> None:
    # The suite calls this a MAY, since it does not know whether a server answers GET at all; ours does.
    assert [audit.status for audit in audits if audit.id == "9C48"] == ["ok"]
