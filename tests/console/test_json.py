"""JSON values in the console: what their JSON Schema says stands beside them, and what is wrong where."""

from typing import Any

from playwright.sync_api import Locator, expect

from tests.console.test_accessibility import check
from tests.console.test_settings import field, open_settings, row, stored
from tests.console.test_users import metadata, user_page
from tests.support.console import ON_SQLITE, Console
from tests.support.definitions import define
from tests.support.world import World

LAYOUT: dict[str, Any] = {
    "type": "object",
    "required": ["columns"],
    "additionalProperties": False,
    "properties": {
        "columns": {"type": "integer", "minimum": 1, "maximum": 4, "description": "How many <b>columns</b>."},
        "panels": {"type": "array", "items": {"$ref": "#/$defs/panel"}},
    },
    "$defs": {"panel": {"type": "object", "properties": {"side": {"enum": ["left", "right"]}}}},
}
CONTACT: dict[str, Any] = {
    "properties": {
        "code": {"type": "string", "pattern": "^[A-Z]{2}$", "description": "Two <b>letters</b>."},
        "size": {"oneOf": [{"const": 1, "title": "Small"}, {"const": 2, "title": "Large"}, {"enum": [3, 4]}]},
        "nick": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "mood": {"anyOf": [{"enum": ["good", "bad"]}, {"type": "null"}]},
        "way": {
            "oneOf": [
                {
                    "title": "By mail",
                    "type": "object",
                    "required": ["mail"],
                    "properties": {"mail": {"type": "string"}},
                },
                {"type": "string", "pattern": "^\\+", "minLength": 5},
                {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
                {},
            ]
        },
        "rare": {"not": {"type": "null"}, "multipleOf": 3, "allOf": [{"exclusiveMinimum": 0}]},
        "link": {"$ref": "#/$defs/link", "description": "Where it is."},
    },
    "additionalProperties": {"type": "boolean"},
    "$defs": {"link": {"type": "string", "format": "uri"}},
}
WRONG = """{
  "columns": 9,
  "panels": [{ "side": "left" }, { "side": "top" }],
  "colour": "red"
}"""


LANGUAGE = "mutation ($i: UpdateUserInput!) { updateUser(input: $i) { userErrors { message } } }"


def messages(place: Locator) -> Locator:
    return place.get_by_role("status").get_by_role("listitem")


def test_a_member_sees_what_is_expected_and_what_is_wrong(console: Console, world: World) -> None:
    define(world, "layout", "json", title="Layout", schema=LAYOUT)
    open_settings(console, world)
    layout = row(console, "Layout")
    expect(layout.get_by_role("complementary", name="What is expected").get_by_role("listitem")).to_have_text(
        [
            "the whole value object no other members",
            "columns integer required 1 to 4How many <b>columns</b>.",
            "panels array",
            "panels[] object",
            'panels[].side  one of "left", "right"',
        ]
    )
    field(console, "Layout").fill(WRONG)
    expect(messages(layout)).to_have_text(
        [
            "Line 2, /columns: must be at most 4.",
            'Line 3, /panels/1/side: must be one of "left", "right".',
            "Line 4, /colour: “colour” is not expected.",
        ]
    )
    console.button("Line 3, /panels/1/side:").click()
    selected = "() => String(document.activeElement.value).slice(\n" + (
        "document.activeElement.selectionStart, document.activeElement.selectionEnd)"
    )
    assert console.page.evaluate(selected) == '"top"'
    console.button("Save").click()
    expect(layout.get_by_role("alert")).to_contain_text("schema")
    assert stored(world) == {}
    field(console, "Layout").fill("{}")
    expect(messages(layout)).to_have_text(["Line 1: “columns” is missing."])
    field(console, "Layout").fill('{"columns": "2"}')
    expect(messages(layout)).to_have_text(["Line 1, /columns: must be of the type integer."])
    field(console, "Layout").fill('{"columns": 2}')
    expect(messages(layout)).to_have_count(0)
    console.button("Save").click()
    console.shows("Saved.")
    assert stored(world) == {"layout": {"columns": 2}}
    assert console.tab.complaints == []


@ON_SQLITE
def test_patterns_and_alternatives_are_told_and_rules_without_words_are_shown(
    console: Console, world: World
) -> None:
    define(world, "contact", "json", title="Contact", schema=CONTACT)
    open_settings(console, world)
    hints = row(console, "Contact").get_by_role("complementary", name="What is expected")
    lines = [
        "code string must match ^[A-Z]{2}$Two <b>letters</b>.",
        'link string rule: {"format":"uri"}Where it is.',
        'mood one of "good", "bad", null',
        "nick string or null",
        'rare rule: {"multipleOf":3,"not":{"type":"null"}}',
        "rare must be more than 0.",
        "size one of 1 (Small), 2 (Large), 3, 4",
        "way exactly one of:"
        + " objectBy mailmail string required"
        + " string must have at least 5 characters. must match ^\\+"
        + " at least one of:a requiredb required"
        + "anything",
        "* boolean",
    ]
    expect(hints.locator("> ul > li")).to_have_text(lines)
    check(console)
    field(console, "Contact").fill('{"code": "x", "size": 5}')
    console.button("Save").click()
    refusal = row(console, "Contact").get_by_role("alert")
    expect(refusal).to_contain_text("#/properties/code/pattern, at /code")

    world.member.ask(LANGUAGE, i={"username": world.member.username, "language": "de"})
    console.page.reload()
    console.page.get_by_role("textbox", name="Access token").fill(world.member.token)
    console.page.keyboard.press("Enter")
    german = console.page.get_by_role("complementary", name="Was erwartet wird").locator("> ul > li")
    expect(german.first).to_contain_text("muss diesem Muster entsprechen: ^[A-Z]{2}$")
    expect(german.nth(4)).to_contain_text("Regel:")
    expect(german.nth(7)).to_contain_text("genau eines von:")
    assert console.tab.complaints == []


@ON_SQLITE
def test_a_schema_that_names_all_values_is_a_choice(console: Console, world: World) -> None:
    sizes = {"oneOf": [{"const": "s", "title": "Small"}, {"const": "l", "title": "Large"}, {"type": "null"}]}
    pairs = {"enum": [[1, 2], [3, 4]]}
    define(world, "size", "json", title="Size", schema=sizes, default="s")
    define(world, "pair", "json", title="Pair", schema=pairs, default=[1, 2])
    open_settings(console, world)
    expect(field(console, "Pair")).to_be_visible()
    hints = row(console, "Pair").get_by_role("complementary")
    expect(hints).to_have_text("the whole value one of [1,2], [3,4]")
    row(console, "Size").get_by_role("button", name="Small").focus()
    console.page.keyboard.press("Enter")
    expect(console.page.get_by_role("option")).to_have_text(["Small", "Large", "null"])
    console.page.keyboard.press("ArrowDown")
    console.page.keyboard.press("Enter")
    console.button("Save").click()
    console.shows("Saved.")
    assert stored(world) == {"size": "l"}
    assert console.tab.complaints == []


def test_an_admin_sees_the_same_at_the_entry_of_a_user(console: Console, world: World) -> None:
    define(world, "layout", "json", schema=LAYOUT)
    console.open(user_page(world, world.member))
    console.sign_in(world.admin.token)
    console.button("Add entry").click()
    form = console.page.get_by_role("form", name="Add entry")
    form.get_by_role("textbox", name="Key").fill("layout")
    form.get_by_role("button", name="string Type").click()
    console.page.get_by_role("option", name="json").click()
    expect(form.get_by_role("complementary")).to_contain_text("columns integer required")
    form.get_by_role("textbox", name="Value").fill('{"columns": 0}')
    expect(messages(form)).to_have_text(["Line 1, /columns: must be at least 1."])
    form.get_by_role("button", name="Save entry").click()
    expect(form.get_by_role("textbox", name="Value")).to_have_attribute("aria-invalid", "true")
    expect(form.get_by_role("alert").filter(has_text="#/properties/columns/minimum")).to_be_visible()
    form.get_by_role("textbox", name="Value").fill('{"columns": 1}')
    form.get_by_role("button", name="Save entry").click()
    expect(form).to_have_count(0)
    assert metadata(world.member, world) == {"layout": {"columns": 1}}
    assert console.tab.complaints == []


def test_hostile_schemas_and_values_do_no_harm(console: Console, world: World) -> None:
    members = {"~/a": {"$ref": "#"}, "toString": {"$ref": "#/$defs/no"}}
    schema = {"type": "object", "properties": members, "$defs": {"no": False, "é": {"type": "null"}}}
    define(world, "tree", "json", title="Tree", schema=schema)
    wide = {f"m{number}": {"oneOf": [{"$ref": "#"}, {}]} for number in range(100)}
    define(world, "many", "json", title="Many", schema={"properties": wide})
    open_settings(console, world)
    text = '{"~/a": {"~/a": {"toString": 1, "__proto__": 2}}, "constructor": "]}\\"\\\\"}'
    field(console, "Tree").fill(text)
    problems = messages(row(console, "Tree"))
    expect(problems).to_have_text(["Line 1, /~0~1a/~0~1a/toString: nothing is allowed here."])
    field(console, "Tree").fill("[" * 50_000)
    expect(row(console, "Tree").get_by_role("alert")).to_contain_text("This is not valid JSON.")
    field(console, "Tree").fill("[" * 30_000 + "]" * 30_000)
    expect(problems).to_have_text(["Line 1: must be of the type object."])

    hints = row(console, "Many").get_by_role("complementary")
    expect(hints).to_contain_text("The schema says more than fits here.")
    assert console.tab.complaints == []
