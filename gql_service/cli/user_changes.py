"""The command `user changes`."""

import orjson

from gql_service import strict_json
from gql_service.cli import runner
from gql_service.cli.output import AsJson, table_of
from gql_service.cli.parameters import Username
from gql_service.domain.pagination import MAX_PAGE, PageRequest
from gql_service.domain.users import changes
from gql_service.services.context import Services


def user_changes(username: Username, as_json: AsJson = False) -> None:
    """List who changed which field of a user, newest first.

    An empty actor is the command line, an import, or a deleted user.
    """
    headings = {
        "changedAt": "time",
        "actorId": "actor",
        "source": "source",
        "action": "action",
        "field": "field",
        "member": "member",
        "oldValue": "old",
        "newValue": "new",
    }

    async def read(services: Services) -> None:
        async with services.database.read() as connection:
            user = await runner.user_by_username(connection, username)
        request = PageRequest(MAX_PAGE, backwards=False, after=None, before=None)
        with table_of(headings, as_json=as_json) as add_row:
            while True:
                async with services.database.read() as connection:
                    page = await changes.page_of_user(connection, user.user_id, request)
                for change in page.items:
                    add_row(orjson.loads(strict_json.dumps(changes.as_json(change))))
                if not page.has_next:
                    return
                request = request._replace(after=page.items[-1].id)

    runner.run_on_migrated(read)
