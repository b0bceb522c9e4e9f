"""Definitions that a process keeps for evaluation follow every change, also those that others make."""

from tests.support.cli_processes import run_command
from tests.support.definitions import REMOVE
from tests.support.flags import define_flag, evaluations, variant
from tests.support.service import serving
from tests.support.world import World


def test_changes_are_seen_at_once(world: World) -> None:
    for default in (True, False, True):
        define_flag(world, "beta", default=default)
        assert evaluations(world.member, world)["beta"][0] is default
    define_flag(world, "beta", default=True, enabled=False, variants=[variant("on", True, 1)])
    assert evaluations(world.member, world)["beta"][1] == "DISABLED"
    world.admin.ask(REMOVE, input={"platformKey": world.platform_key, "key": "beta"})
    assert evaluations(world.member, world) == {}
    define_flag(world, "beta", default=False)
    assert evaluations(world.member, world)["beta"][0] is False


def test_changes_of_other_processes_are_seen_at_once(world: World, database_url: str) -> None:
    define_flag(world, "beta", default=False)
    assert evaluations(world.member, world)["beta"][0] is False
    with serving(database_url) as other:
        define_flag(world.on(other), "beta", default=True)
        assert evaluations(world.member, world)["beta"][0] is True
        options = ["--type", "boolean", "--default", "false", "--category", "feature_flags"]
        run_command(database_url, "definition", "set", world.platform_key, "beta", *options)
        assert evaluations(world.member, world)["beta"][0] is False
        assert evaluations(world.on(other).member, world)["beta"][0] is False


def test_evaluation_reads_a_few_rows_however_many_definitions_there_are(world: World) -> None:
    for index in range(5):
        define_flag(world, f"flag{index}", default=False)
    evaluations(world.member, world)
    with world.service.statements() as seen:
        evaluations(world.member, world)
    assert not [sql for sql in seen if "FROM metadata_definitions" in sql]
    # The query has two fields that evaluate. They share a read.
    assert len([sql for sql in seen if "FROM definition_changes" in sql]) == 1
