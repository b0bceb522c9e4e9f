"""The inputs of mutations that rename and delete users, and end all of their tokens."""

import strawberry


@strawberry.input(description="A user, and their new name.")
class RenameUserInput:
    username: str = strawberry.field(description="The user, by their present name.")
    new_username: str = strawberry.field(
        description="The new name: 1 to 150 letters of one script, digits and the characters `. @ + - _`."
    )
    expected_revision: int | None = strawberry.field(
        default=None,
        description="Rename only if the user is at this revision; otherwise the write is rejected with "
        "`RevisionConflict`.",
    )


@strawberry.input(description="The user to delete.")
class DeleteUserInput:
    username: str = strawberry.field(description="The user.")
    dry_run: bool = strawberry.field(
        default=False, description="Only count what would be deleted. Nothing is written."
    )


@strawberry.input(description="The user whose tokens are revoked.")
class RevokeTokensInput:
    username: str | None = strawberry.field(default=None, description="The user. Default: the viewer.")
