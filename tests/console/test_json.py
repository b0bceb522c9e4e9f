"""JSON values in the console: what their JSON Schema says stands beside them, and what is wrong where."""

from typing import Any

from playwright.sync_api import Locator, expect

from tests.console.test_settings import field, open_settings, row, stored
from tests.console.test_users import metadata, user_page
from tests.support.console import Console
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
WRONG = """{
  "columns": 9,
  "panels": [{ "side": "left" }, { "side": "top" }],
  "colour": "red"
}"""


def messages(place: Locator) -> Locator:
    return place.get_by_role("status").get_by_role("listitem")


def test_a_member_sees_what_is_expected_and_what_is_wrong(console: Console, world: World) -> None:
    define(world, "layout", "json", title="Layout", schema=LAYOUT)
    open_settings(console, world)
    layout = row(console, "Layout")
    expect(layout.get_by_role("complementary", name="What is expected").get_by_role("listitem")).to_have_text(
        [
            "the whole value object",
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
    form.get_by_role("textbox", name="Value").fill('{"columns": 1}')
    form.get_by_role("button", name="Save entry").click()
    expect(form).to_have_count(0)
    assert metadata(world.member, world) == {"layout": {"columns": 1}}
    assert console.tab.complaints == []


def test_hostile_schemas_and_values_do_no_harm(console: Console, world: World) -> None:
    members = {"~/a": {"$ref": "#"}, "toString": {"$ref": "#/$defs/no"}}
    schema = {"type": "object", "properties": members, "$defs": {"no": False, "é": {"type": "null"}}}
    define(world, "tree", "json", title="Tree", schema=schema)
    open_settings(console, world)
    text = '{"~/a": {"~/a": {"toString": 1, "__proto__": 2}}, "constructor": "]}\\"\\\\"}'
    field(console, "Tree").fill(text)
    problems = messages(row(console, "Tree"))
    expect(problems).to_have_text(["Line 1, /~0~1a/~0~1a/toString: nothing is allowed here."])
    field(console, "Tree").fill("[" * 50_000)
    expect(row(console, "Tree").get_by_role("alert")).to_contain_text("This is not valid JSON.")
    field(console, "Tree").fill("[" * 30_000 + "]" * 30_000)
    expect(problems).to_have_text(["Line 1: must be of the type object."])
    assert console.tab.complaints == []
