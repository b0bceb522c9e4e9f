"""The parser agrees with graphql-core's: the same nodes at the same locations, or none."""

import random

import pytest
from graphql import GraphQLError, parse
from hypothesis import settings

from gql_service.engine.document.lexer import Tokens, Unreadable
from gql_service.engine.document.parser import parse_text

DOCUMENTS = 3_000 if settings().max_examples < 1000 else 200_000
"""Random sequences of tokens; `make test-long` raises the number."""
LITERALS = [
    '""',
    '"a b"',
    r'"\"\\\/\b\f\n\r\t"',
    r'"\u00e9 \u{1F600} \ud83d\ude00"',
    r'"\u12"',
    r'"\x"',
    '"open',
    '"a\nb"',
    '"é😀"',
    '"\ud800"',
    '""""""',
    '"""a"""',
    '"""\n   a\n    b\n   """',
    '"""a\r\n  b\r  c"""',
    r'"""\""" """',
    '"""open',
    '"\x00\x07"',
    '"#"',
    '"{"',
    "0",
    "-0",
    "1",
    "-12",
    "007",
    "1.",
    "1.5",
    "-1.5e+10",
    "1e3",
    "1E-3",
    "1e",
    ".5",
    "0x1",
    "1a",
    "1_",
    "--1",
    "9" * 400,
    "true",
    "false",
    "null",
    "RED",
    "[]",
    "[1 2,3]",
    "{}",
    "{a: 1 b: {c: [$v]}}",
    "[",
    "{a}",
    "$v",
    "$",
    "on",
    "query",
]
NAMES = ["a", "on", "query", "fragment", "_x9", "true", "é", "type", "null", "subscription"]
IGNORED = [
    " ",
    ",",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "\ufeff",
    "# comment\n",
    "#\r",
    "#é\n",
    "",
    "\x0b",
    "\u00a0",
    " #",
]
GRAMMAR = {
    "document": ["definition", "definition document"],
    "definition": [
        "{ fields }",
        "query { fields }",
        "mutation name variables directives { fields }",
        "typesystem",
        "fragment name on name directives { fields }",
        "subscription name { fields }",
    ],
    "typesystem": [
        "type name { name : type }",
        '"""about""" query { fields }',
        "extend type name @name",
        "schema { query : name }",
        "fragment on on name { name }",
    ],
    "fields": ["", "field", "field fields", "field fields"],
    "field": [
        "name",
        "name",
        "name : name",
        "name arguments directives",
        "name arguments { fields }",
        "... name",
        "... name directives",
        "... on name { fields }",
        "... directives { fields }",
        "... { fields }",
        "name :",
    ],
    "arguments": ["", "( name : value )", "( name : value name : value )", "( )", "( name value )"],
    "directives": ["", "", "@ name arguments", "@ name arguments directives", "@"],
    "variables": ["", "( variable )", "( variable variable )", "( )"],
    "variable": [
        "$ name : type",
        "$ name : type = value",
        "$ name : type directives",
        '"about" $ name : type',
    ],
    "type": ["name", "name !", "[ type ]", "[ type ] !", "name ! !"],
}


def generate(symbol: str, source: random.Random, depth: int = 0) -> str:
    if symbol == "name":
        return source.choice(NAMES) if source.random() < 0.3 else "abc"
    if symbol == "value":
        return source.choice(LITERALS)
    if symbol not in GRAMMAR:
        return symbol
    rules = GRAMMAR[symbol]
    rule = rules[0] if depth > 12 else source.choice(rules)
    parts = [generate(each, source, depth + 1) for each in rule.split()]
    return "".join(f"{part}{source.choice(IGNORED) if source.random() < 0.1 else ' '}" for part in parts)


def agree(text: str, max_tokens: int = 10_000) -> bool:
    """Whether the parsers agree on a text. Returns whether it is a document."""
    try:
        expected = parse(text, max_tokens=max_tokens)
    except GraphQLError:
        assert parse_text(text, max_tokens) is None, text
        return False
    found = parse_text(text, max_tokens)
    assert found is None or (found == expected and found.token_count == expected.token_count), text
    return found is not None


def test_the_rest_of_a_text_with_too_many_tokens_is_not_read() -> None:
    assert Tokens("a " * 10, 10).count == 10
    with pytest.raises(Unreadable):
        Tokens("a " * 11, 10)


def test_random_documents_are_parsed_as_by_graphql_core() -> None:
    source, parsed = random.Random(3), 0
    for _ in range(DOCUMENTS):
        text = generate("document", source)
        if source.random() < 0.2 and text:
            at = source.randrange(len(text))
            text = text[:at] + source.choice(["", "{", "}", '"', "$", " ", "0", "."]) + text[at + 1 :]
        parsed += agree(text)
    assert DOCUMENTS * 0.1 < parsed < DOCUMENTS * 0.9


@pytest.mark.parametrize("literal", LITERALS)
def test_literals_are_read_as_by_graphql_core(literal: str) -> None:
    for text in (f"{{ a(b: {literal}) }}", f"{{ a(b:{literal}c:1) }}", f"query ($v: A = {literal}) {{ a }}"):
        agree(text)


def test_most_documents_need_no_other_parser() -> None:
    assert agree('query A($v: [Int!]! = [1] @a) @b { c: d(e: {f: [$v, "", 1.5]}) { ...G ... on H { i } } }')
    assert agree("fragment F on G { a } { b } # end")
    assert agree('{ a(b: "\\u00e9", c: """\n x\n  y\n""") }')


@pytest.mark.parametrize(
    "text", ["", " ", "# only", "{", "}", "{ a } }", "{ a }\x00", '{ a } "', "{ a } #\ud800"]
)
def test_what_is_no_document_is_left_to_graphql_core(text: str) -> None:
    assert not agree(text)


@pytest.mark.parametrize("max_tokens", range(3, 9))
def test_the_limit_of_tokens_counts_comments(max_tokens: int) -> None:
    agree("#1\n{ #2\n a #3\n } #4\n#5", max_tokens)


@pytest.mark.parametrize("depth", [99, 100, 101, 200, 201, 1000])
def test_deep_documents_are_parsed_as_by_graphql_core(depth: int) -> None:
    agree("{ a " * depth + "}" * depth)
    agree("{ a(b: " + "[" * (depth - 1) + "]" * (depth - 1) + ") }")
