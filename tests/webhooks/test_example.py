"""The example of a receiver: it does each signed event once, and refuses forged and old requests."""

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook as Signer

from tests.support.cli_processes import free_port
from tests.support.http_clients import PATIENCE, http_client
from tests.support.patches import patch
from tests.support.service import serving, wait_until
from tests.support.webhooks import SETTINGS, create, deliveries, mutate
from tests.support.world import World

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "webhook_receiver.py"
SECRET = "whsec_" + "A" * 43 + "="
BODY = '{"id": "e1"}'


class Example:
    """The example as a process."""

    def __init__(self, folder: Path, secret: str, port: int) -> None:
        self._output = folder / "output"
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, str(EXAMPLE), str(port), str(folder / "received.sqlite3")]
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                command, env={"WEBHOOK_SECRET": secret}, stdout=output, stderr=subprocess.DEVNULL
            )

    def handled(self) -> list[str]:
        return self._output.read_text().splitlines()

    def post(
        self, id: str = "e1", moment: datetime | None = None, secret: str = SECRET, body: str = BODY
    ) -> int:
        moment = moment or datetime.now(UTC)
        headers = {
            "webhook-id": id,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": Signer(secret).sign(id, moment, BODY),
        }
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with http_client(self.url) as client:
                    return client.post("/", content=body, headers=headers).status_code
            except httpx.ConnectError:
                assert time.monotonic() < deadline
                time.sleep(0.05)


@pytest.fixture
def example(tmp_path: Path) -> Iterator[Example]:
    running = Example(tmp_path, SECRET, free_port())
    yield running
    running.process.kill()
    running.process.wait()


def test_it_does_what_is_replayed_once(example: Example) -> None:
    assert [example.post(), example.post(), example.post("e2")] == [204, 204, 204]
    assert example.handled() == [BODY, BODY]


def test_it_refuses_forged_and_old_requests(example: Example) -> None:
    minute = timedelta(minutes=1)
    assert example.post(secret="whsec_BBBB") == 401
    assert example.post(body='{"id": "e2"}') == 401
    assert example.post(moment=datetime.now(UTC) - 6 * minute) == 401
    assert example.post(moment=datetime.now(UTC) + 6 * minute) == 401
    assert example.handled() == []


def test_it_takes_what_the_service_sends(fresh_database_url: str, tmp_path: Path) -> None:
    port = free_port()
    with serving(fresh_database_url, **SETTINGS) as service:
        world = World(service)
        payload = create(world, f"http://127.0.0.1:{port}/")
        example = Example(tmp_path, payload["secret"], port)
        try:
            patch(world.member, world, metadata={"a": 1})
            wait_until(lambda: [each["state"] for each in deliveries(world)] == ["DELIVERED"])
            mutate(
                world,
                "redeliver",
                payload["webhook"]["webhookId"],
                deliveryId=deliveries(world)[0]["deliveryId"],
            )
            wait_until(lambda: [each["state"] for each in deliveries(world)] == ["DELIVERED"] * 2)
            assert len(example.handled()) == 1
        finally:
            example.process.kill()
            example.process.wait()
