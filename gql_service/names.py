"""Names of users: when two spellings are the same name, and which new names are allowed.

Two spellings are the same if their folds are equal: `NFKC(casefold(NFKC(name)))`. So `Ann` and `ann` are one
name, as is the same in full-width letters. A new name has the letters of a single script, as Unicode's
report UTS 39 defines it, because letters of other scripts can look the same. Python knows no scripts, so
they are taken from the names of the characters, which begin with them.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from typing import Any

MAX_TEXT = 200
"""Characters of a text by which users are found; the rest of a longer one is not searched."""
_SCRIPT = re.compile(
    r"(.+?) (?:CAPITAL|SMALL|FINAL|LETTER|SYLLAB\w+|VOWEL|SIGN|UNIFIED|COMPATIBILITY|IDEOGRAPH)"
)
_OTHER_NAMES = {"CJK": "HAN", "IDEOGRAPHIC": "HAN", "KANGXI": "HAN"}
_OF_ALL_SCRIPTS = ("COMBINING", "MODIFIER", "KATAKANA-HIRAGANA", "VARIATION")
"""How the names of characters begin that are used with several scripts."""
_WRITTEN_TOGETHER = (
    frozenset({"HAN", "HIRAGANA", "KATAKANA"}),
    frozenset({"HAN", "BOPOMOFO"}),
    frozenset({"HAN", "HANGUL"}),
)
"""Scripts that count as one: those of Japanese, Chinese and Korean."""
_NAME_FIELDS = ("firstName", "lastName")


def fold(name: str) -> str:
    """The form in which all spellings of a name or an email address are equal."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def is_same(first: str, second: str) -> bool:
    """Whether two texts are spellings of one name."""
    return first == second or fold(first) == fold(second)


def is_single_script(name: str) -> bool:
    """Whether all letters of a name are of one script, or of scripts that are written together."""
    if name.isascii():
        return True
    found = {_script(character) for character in unicodedata.normalize("NFKC", name)} - {""}
    return len(found) <= 1 or any(found <= group for group in _WRITTEN_TOGETHER)


def _script(character: str) -> str:
    """The script of a letter or mark; empty for characters that are used with several scripts."""
    if unicodedata.category(character)[0] not in "LM":
        return ""
    full_name = unicodedata.name(character, "")
    first_word = full_name.partition(" ")[0]
    if first_word in _OF_ALL_SCRIPTS:
        return ""
    match = _SCRIPT.match(full_name)
    script = match[1] if match else first_word
    return _OTHER_NAMES.get(script.partition(" ")[0], script)


def search_texts(
    username: str, email: str | None, profile: Mapping[str, Any], visibilities: Collection[str]
) -> set[str]:
    """The texts whose beginnings find a user: username, email address, and the names in the profile.

    Names in the profile count if their visibility is one of those. Malformed ones are left out.
    """
    fields = [field for field in map(profile.get, _NAME_FIELDS) if isinstance(field, Mapping)]
    values = [field.get("value") for field in fields if field.get("visibility", "tenant") in visibilities]
    names = [value.strip() for value in values if isinstance(value, str)]
    return set(_searchable([username, email or "", *names, " ".join(names)]))


def _searchable(texts: Iterable[str]) -> Iterable[str]:
    return filter(None, (fold(text)[:MAX_TEXT].replace("\0", "") for text in texts))
