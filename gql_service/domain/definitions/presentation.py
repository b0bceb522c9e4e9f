"""How a settings page shows a key: `title`, `section` and `position`. Stored as one JSON object."""

from collections.abc import Mapping
from typing import Any

from gql_service.domain.definitions.refusals import invalid_definition
from gql_service.domain.documents.entries import check_text
from gql_service.domain.values.validation import InputPath
from gql_service.quoting import shortened

MAX_TEXT_LENGTH = 100
_TEXTS = ("title", "section")
MEMBERS = (*_TEXTS, "position")


def check_presentation(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a presentation that are provided. Raises Rejected."""
    checked: dict[str, Any] = {
        name: check_text(inputs.get(name), MAX_TEXT_LENGTH, (name,)) for name in _TEXTS
    }
    position = inputs.get("position")
    if position is not None and (type(position) is not int or not -(2**31) <= position < 2**31):
        raise invalid_definition("A position is an integer of 32 bits.", ("position",))
    checked["position"] = position
    return {name: value for name, value in checked.items() if value is not None}


def check_stored(stored: Mapping[str, Any], field: InputPath = ("presentation",)) -> None:
    """Check an imported presentation. Raises Rejected."""
    if unknown := sorted(stored.keys() - MEMBERS):
        message = f"There is no member `{shortened(unknown[0])}`; the members are {', '.join(MEMBERS)}."
        raise invalid_definition(message, field)
    are_texts = all(isinstance(stored[name], str) for name in _TEXTS if name in stored)
    if not are_texts or check_presentation(stored) != stored:
        raise invalid_definition("The presentation is malformed.", field)
