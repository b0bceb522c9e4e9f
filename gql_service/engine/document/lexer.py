"""The tokens of a document, found by one regular expression.

Strings with escapes and block strings are read by graphql-core's own lexer. Text that is not a sequence of
tokens raises `Unreadable`: then graphql-core parses the document, and says what is wrong.
"""

import re

from graphql import Lexer, Source

NAME, PUNCTUATOR, FLOAT, INT, STRING, BLOCK_STRING, END = range(1, 8)
"""The kinds of tokens: the first five are the groups of `_TOKEN`, the sixth group begins any other string."""
_IGNORED = r"(?:[ \t\n\r,\ufeff]++|#[^\n\r\ud800-\udfff]*+)*+"
_INTEGER = r"-?(?:0|[1-9][0-9]*+)"
_EXPONENT = r"[eE][+-]?[0-9]++"
_AFTER_NUMBER = r"(?![._0-9A-Za-z])"
_TOKEN = re.compile(
    rf"""{_IGNORED}(?:([_A-Za-z][_0-9A-Za-z]*+)|([!$():=@\[\]{{|}}&]|\.\.\.)"""
    rf"""|({_INTEGER}(?:\.[0-9]++(?:{_EXPONENT})?|{_EXPONENT}){_AFTER_NUMBER})|({_INTEGER}{_AFTER_NUMBER})"""
    r"""|("(?!"")[^"\\\n\r\ud800-\udfff]*+")|("))"""
)
_REST = re.compile(_IGNORED)
_COMMENT = re.compile(r"#[^\n\r]*")


class Unreadable(Exception):
    """The text has an error, or something that only graphql-core's parser knows."""


class Tokens:
    """The tokens of a text, in parallel lists. The last one has the kind END."""

    __slots__ = ("count", "ends", "kinds", "starts", "values")

    def __init__(self, text: str, max_tokens: int) -> None:
        """Raises Unreadable, also for more tokens: reading the rest of a hostile text would be in vain."""
        self.kinds: list[int] = []
        self.values: list[str] = []
        """Names, punctuators, digits, and what strings mean."""
        self.starts: list[int] = []
        self.ends: list[int] = []
        comments = self._read(text, max_tokens)
        self.count = len(self.kinds) + comments
        """As graphql-core counts tokens: comments included."""
        if self.count > max_tokens:
            raise Unreadable
        self._add(END, "", len(text), len(text))

    def _read(self, text: str, max_tokens: int) -> int:
        """Add the tokens. Returns the number of comments."""
        match, position, comments, has_comments = _TOKEN.match, 0, 0, "#" in text
        kinds, values, starts, ends = self.kinds, self.values, self.starts, self.ends
        for _ in range(max_tokens + 1):
            found = match(text, position)
            if found is None:
                break
            kind = found.lastindex
            assert kind is not None, "every alternative is a group"
            start, end = found.span(kind)
            value = found[kind]
            if kind == STRING:
                value = value[1:-1]
            elif kind == BLOCK_STRING:
                kind, value, end = _read_string(text, start)
            if has_comments:
                comments += len(_COMMENT.findall(text, position, start))
            kinds.append(kind)
            values.append(value)
            starts.append(start)
            ends.append(end)
            position = end
        else:
            raise Unreadable
        if not _REST.fullmatch(text, position):
            raise Unreadable
        return comments + len(_COMMENT.findall(text, position))

    def _add(self, kind: int, value: str, start: int, end: int) -> None:
        self.kinds.append(kind)
        self.values.append(value)
        self.starts.append(start)
        self.ends.append(end)


def _read_string(text: str, start: int) -> tuple[int, str, int]:
    """The kind, the value and the end of a string. graphql-core raises an error if it is wrong."""
    is_block = text.startswith('"""', start)
    lexer = Lexer(Source(text))
    token = lexer.read_block_string(start) if is_block else lexer.read_string(start)
    return BLOCK_STRING if is_block else STRING, token.value or "", token.end
