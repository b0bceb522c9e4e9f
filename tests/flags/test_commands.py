"""The commands for flags: what `definition set` stores, and previews, adoption and history."""

import json
from typing import Any

import pytest

from tests.support.cli_processes import command, run_command


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('flags') / 'data.sqlite3'}"
    run_command(url, "migrate")
    run_command(url, "tenant", "create", "Acme", "--id", "acme")
    run_command(url, "platform", "create", "shop", "--tenant", "acme")
    for name in ("ann", "ben"):
        run_command(url, "user", "create", name, "--tenant", "acme", "--email", f"{name}@example.com")
    return url


def read(url: str, *arguments: str) -> Any:
    done = command(url, *arguments, "--json")
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def test_a_flag_is_defined_previewed_and_listed(shop: str) -> None:
    variants = [{"name": "on", "value": True, "weight": 100_000}]
    options = ["--category", "feature_flags", "--default", "false", "--variants", json.dumps(variants)]
    presentation = ["--title", "Beta", "--section", "New", "--position", "2", "--salt", "s"]
    flags = ["--no-enabled", "--user-wide-fallback", "--no-client-visible"]
    set_beta = ["definition", "set", "shop", "beta", "--type", "boolean", *options]
    run_command(shop, *set_beta)
    document = read(shop, *set_beta, *presentation, *flags)
    stored = {
        "default": False,
        "variants": variants,
        "enabled": False,
        "salt": "s",
        "userWideFallback": True,
        "clientVisible": False,
        "title": "Beta",
        "section": "New",
        "position": 2,
    }
    assert {name: document["definition"][name] for name in stored} == stored
    (listed,) = read(shop, "definition", "list", "shop")
    assert {name: listed[name] for name in stored} == stored
    preview = read(shop, "definition", "preview", "shop", "beta", "--weight", "on=0")
    assert (preview["members"], preview["overrides"], preview["moved"]) == (2, 0, 2)
    assert preview["variants"] == [
        {"name": None, "weight": 100_000, "members": 2, "membersNow": 0},
        {"name": "on", "weight": 0, "members": 0, "membersNow": 2},
    ]
    text = run_command(shop, "definition", "preview", "shop", "beta", "--weight", "on=0")
    assert text == "Of 2 members, 2 would move; 0 have a value of their own."
    assert read(shop, "definition", "adoption", "shop") == [{"key": "beta", "documents": 0}]
    history = read(shop, "definition", "history", "shop", "--key", "beta")
    assert [each["definition"]["enabled"] for each in history] == [False, True]
    run_command(shop, "definition", "remove", "shop", "beta")
    newest = read(shop, "definition", "history", "shop")[0]
    assert (newest["key"], newest["definition"], newest["actorId"]) == ("beta", None, None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("set", "shop", "x", "--type", "boolean", "--default", "1"), "not a value of the type boolean"),
        (("set", "shop", "x", "--type", "boolean", "--default", "no"), "--default: "),
        (("set", "shop", "x", "--type", "boolean", "--variants", "[1]"), "--variants must be a list"),
        (
            (
                "set",
                "shop",
                "x",
                "--type",
                "boolean",
                "--variants",
                '[{"name":"a","value":true,"weight":-1}]',
            ),
            "A weight is an integer from 0",
        ),
        (("preview", "shop", "none", "--weight", "on=1"), "The key none is not defined."),
        (("preview", "shop", "none", "--weight", "on"), "VARIANT=WEIGHT"),
        (("history", "none"), "There is no platform none."),
    ],
)
def test_a_refused_command_says_why(shop: str, arguments: tuple[str, ...], message: str) -> None:
    done = command(shop, "definition", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr
