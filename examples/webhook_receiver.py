"""A receiver of webhooks: refuses what is not signed or too old, and does each event once.

    WEBHOOK_SECRET=whsec_… python webhook_receiver.py 8080 received.sqlite3

It needs Python 3.11 and `standardwebhooks`. Put a proxy with TLS in front of it.
"""

import json
import os
import sqlite3
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

MAX_BODY = 1024 * 1024


def handle(event: dict[str, Any]) -> None:
    """What your program does with an event."""
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


class Receiver(BaseHTTPRequestHandler):
    verifier: Webhook
    database: str

    def do_POST(self) -> None:
        """Verify the request before anything else, with the bytes of the body as they came."""
        length = self.headers.get("content-length", "")
        if not length.isdigit() or int(length) > MAX_BODY:
            return self._answer(413)
        body = self.rfile.read(int(length))
        try:
            event = self.verifier.verify(body, dict(self.headers))
        except (WebhookVerificationError, ValueError):
            return self._answer(401)
        self._do_once(self.headers["webhook-id"], event)
        return self._answer(204)

    def _do_once(self, id: str, event: dict[str, Any]) -> None:
        """Remember the id in the transaction of the work: then, the work is done once even after a crash."""
        with sqlite3.connect(self.database) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS received (id TEXT PRIMARY KEY)")
            added = connection.execute("INSERT OR IGNORE INTO received VALUES (?)", (id,))
            if added.rowcount:
                handle(event)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


def main() -> None:
    port, Receiver.database = int(sys.argv[1]), sys.argv[2]
    Receiver.verifier = Webhook(os.environ["WEBHOOK_SECRET"])
    ThreadingHTTPServer(("127.0.0.1", port), Receiver).serve_forever()


if __name__ == "__main__":
    main()
