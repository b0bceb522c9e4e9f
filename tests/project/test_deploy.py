"""The files of `deploy/`: each is valid, agrees with the others, and all of their commands work."""

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from gql_service.settings import Settings
from tests.cli.test_help import rendered_help
from tests.conftest import require
from tests.support.cli_processes import Server, serving_process
from tests.support.dockerfile import Build, ignored, parse
from tests.support.http_clients import PATIENCE

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
MOVED = ("/opt/gql-service", "/source", "/data")
"""The folders of the image that the build writes."""
SERVICE = DEPLOY / "systemd" / "gql-service.service"
SOCKET = DEPLOY / "systemd" / "gql-service.socket"
NGINX = DEPLOY / "nginx.conf"
PORT = "8000"
COMPOSE = ("compose.sqlite.yaml", "compose.postgres.yaml")


def documents(name: str) -> list[Any]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text()))


def unit(path: Path) -> dict[str, list[str]]:
    """The values of each directive of a systemd unit."""
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def mappings(value: Any) -> Iterator[dict[str, Any]]:
    """All mappings within a document."""
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from mappings(child)


def commands() -> set[tuple[str, ...]]:
    """Every command of ours in the files, but those of the Dockerfile."""
    texts = [*documents(COMPOSE[0]), *documents(COMPOSE[1]), *documents("kubernetes/gql-service.yaml")]
    found = {tuple(each["command"]) for text in texts for each in mappings(text) if "command" in each}
    for name in ("ExecStartPre", "ExecStart"):
        for line in unit(SERVICE)[name]:
            program, *arguments = line.split()
            assert program == "/opt/gql-service/bin/gql-service"
            found.add(("gql-service", *arguments))
    return found


def variables() -> dict[str, str]:
    """Every setting in the files, except secrets."""
    found = dict(line.split("=", 1) for line in unit(SERVICE)["Environment"])
    for service in documents(COMPOSE[1])[0]["services"].values():
        found |= service.get("environment", {})
    found |= documents("kubernetes/gql-service.yaml")[0]["data"]
    return {name: value for name, value in found.items() if name.startswith("GQL_SERVICE_")}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """What the Dockerfile builds."""
    require("Node (npm)", shutil.which("npm") is not None)
    folder = tmp_path_factory.mktemp("image")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    build = Build(ROOT, folder, MOVED, path)
    build.run(parse(DEPLOY / "Dockerfile"))
    return build


def run(image: Build, *command: str) -> str:
    """Run a command of the image, which must succeed; returns its output."""
    done = subprocess.run(command, env=image.env, cwd=image.directory, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@contextmanager
def serving(image: Build, command: Sequence[str], **settings: str) -> Iterator[Server]:
    """Run a command that serves, on a free port instead of its own."""
    program, serve, host_option, host, port_option, port, *others = command
    assert (program, serve, host_option, port_option) == ("gql-service", "serve", "--host", "--port")
    assert port == PORT
    url = image.env["GQL_SERVICE_DATABASE_URL"]
    extra = image.env | settings | {"PYTHONPATH": ""}
    with serving_process(
        image.folder, url, *others, program=[program_of(image)], extra=extra, host=host
    ) as server:
        yield server


def program_of(image: Build) -> str:
    return f"{image.folder}/opt/gql-service/bin/gql-service"


def files_of(folder: Path) -> dict[str, int]:
    """When each file was changed last."""
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_the_image_works_and_writes_only_its_data(image: Build) -> None:
    before = files_of(image.folder / "opt")
    assert run(image, "which", image.command[0]).strip() == program_of(image)
    run(image, "gql-service", "migrate")
    assert image.health_command == ["gql-service", "healthcheck"]
    assert image.env["GQL_SERVICE_DATABASE_URL"] == f"sqlite:///{image.folder}/data/gql_service.sqlite3"
    with serving(image, image.command) as server:
        run(image, *image.health_command, "--url", f"{server.url}/health/ready")
        page = httpx.get(f"{server.url}/graphql", headers={"Accept": "text/html"}, timeout=PATIENCE).text
        assert "/assets/" in page, "GraphiQL was not built into the image"
    assert files_of(image.folder / "opt") == before
    data = image.folder / "data"
    assert {path.name.removeprefix("gql_service.sqlite3") for path in data.iterdir()} <= {
        "", ".lock", "-wal", "-shm",
    }  # fmt: skip
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    installed = {path.name.partition("-")[0] for path in (image.folder / "opt").rglob("*.dist-info")}
    assert {"asyncpg", "gql_service"} <= installed
    assert not installed & {"pip", "hatchling", "editables", "pathspec", "pluggy", "pytest"}


def test_every_command_of_the_other_files_works(image: Build) -> None:
    found = commands()
    migrate = ("gql-service", "migrate")
    assert migrate in found
    run(image, *migrate)
    settings = {name: value for name, value in variables().items() if name != "GQL_SERVICE_DATABASE_URL"}
    for command in found - {migrate}:
        with serving(image, command, **settings) as server:
            run(image, *image.health_command, "--url", f"{server.url}/health/ready")


def test_the_image_has_one_port_and_every_file_uses_it(image: Build) -> None:
    exposed = [text for name, text in parse(DEPLOY / "Dockerfile") if name == "EXPOSE"]
    assert exposed == [PORT]
    assert f"127.0.0.1:{PORT}" in rendered_help(("healthcheck",))
    assert unit(SOCKET)["ListenStream"] == [f"127.0.0.1:{PORT}"]
    servers = re.findall(r"^ *server (\S+?):(\d+) ", NGINX.read_text(), re.MULTILINE)
    assert servers == [("server-1", PORT), ("server-2", PORT)]


def test_the_dockerfile_ends_unprivileged_and_pins_no_floating_image() -> None:
    instructions = parse(DEPLOY / "Dockerfile")
    last_stage = instructions[max(i for i, each in enumerate(instructions) if each.name == "FROM") :]
    assert [text for name, text in last_stage if name == "USER"] == ["10001:10001"]
    assert not any(name == "RUN" and "pip" in text for name, text in last_stage)
    for name, text in instructions:
        assert name != "ADD", "COPY does less"
        if name == "FROM":
            assert re.fullmatch(r"\w+:\d[\w.]*-slim( AS \w+)?", text), text


@pytest.mark.parametrize(
    ("path", "is_ignored"),
    [
        ("gql_service/app.py", False),
        ("gql_service/frontend/package-lock.json", False),
        ("gql_service/frontend/.npmrc", False),
        ("pyproject.toml", False),
        ("docs/decisions/README.md", False),
        ("docs/images/console-user.webp", False),
        ("bench/README.md", False),
        ("bench/data.py", True),
        ("gql_service/frontend/node_modules/a/b.js", True),
        ("gql_service/frontend/dist/index.html", True),
        ("gql_service/__pycache__/a.pyc", True),
        ("gql_service/store/__pycache__/a.pyc", True),
        ("tests/conftest.py", True),
        (".git/config", True),
        (".venv/bin/python", True),
        ("gql_service.sqlite3", True),
    ],
)
def test_the_build_context_has_only_what_is_built(path: str, is_ignored: bool) -> None:
    assert ignored(ROOT / ".dockerignore", path) == is_ignored


@pytest.mark.parametrize("name", COMPOSE)
def test_the_compose_files_agree_with_the_image(name: str) -> None:
    (compose,) = documents(name)
    services = compose["services"]
    ours = {key: each for key, each in services.items() if each["image"] == "gql-service"}
    assert {"migrate"} < ours.keys()
    for service in ours.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).resolve() == (
            DEPLOY / "Dockerfile"
        )
    for service in services.values():
        assert set(service.get("depends_on", {})) <= services.keys()
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
        volumes = [volume.partition(":")[0] for volume in service.get("volumes", ())]
        assert all(each in compose["volumes"] or (DEPLOY / each).is_file() for each in volumes)
        assert set(service.get("networks", ())) <= compose.get("networks", {}).keys()
    servers = [each for key, each in ours.items() if key != "migrate"]
    assert len(servers) == (1 if name == COMPOSE[0] else 2)
    for server in servers:
        assert server["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


def test_the_kubernetes_manifests_agree_with_the_image() -> None:
    objects = {each["kind"]: each for each in documents("kubernetes/gql-service.yaml")}
    assert objects.keys() == {"ConfigMap", "Deployment", "Service", "PodDisruptionBudget"}
    spec = objects["Deployment"]["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"] == labels
    assert objects["Service"]["spec"]["selector"] == labels
    assert objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    pod = spec["template"]["spec"]
    assert pod["securityContext"]["runAsUser"] == 10001
    for container in [*pod["initContainers"], *pod["containers"]]:
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
    (server,) = pod["containers"]
    assert server["ports"] == [{"name": "http", "containerPort": int(PORT)}]
    paths = {server[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe")}
    assert paths == {"/health/live"}
    assert server["readinessProbe"]["httpGet"]["path"] == "/health/ready"


def test_every_variable_is_a_setting() -> None:
    names = {f"GQL_SERVICE_{name.upper()}" for name in Settings.model_fields}
    mentioned = {
        name
        for path in DEPLOY.rglob("*")
        if path.is_file()
        for name in re.findall(r"\bGQL_SERVICE_[A-Z_]+", path.read_text())
    }
    assert mentioned <= names
    assert variables().keys() <= names


def test_servers_have_time_to_finish_requests() -> None:
    """Longer than they go on after SIGTERM: at most 10 s for load balancers, and 10 s for what is running."""
    grace = [each["stop_grace_period"] for name in COMPOSE for each in documents(name)[0]["services"].values()
             if "serve" in each.get("command", ())]  # fmt: skip
    (deployment,) = (e for e in documents("kubernetes/gql-service.yaml") if e["kind"] == "Deployment")
    grace.append(f"{deployment['spec']['template']['spec']['terminationGracePeriodSeconds']}s")
    grace.append(f"{unit(SERVICE)['TimeoutStopSec'][0]}s")
    assert set(grace) == {"40s"}


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    require("systemd-analyze", shutil.which("systemd-analyze") is not None)
    for path in (SERVICE, SOCKET):  # the program is not installed there on this machine
        text = path.read_text().replace("/opt/gql-service/bin/gql-service", "/bin/true")
        (tmp_path / path.name).write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_units_belong_together() -> None:
    assert unit(SERVICE)["Requires"] == [SOCKET.name]
    assert unit(SERVICE)["DynamicUser"] == ["yes"]
    assert unit(SERVICE)["ExecReload"] == ["/bin/kill -HUP $MAINPID"]


def test_the_configuration_of_the_proxy_is_well_formed() -> None:
    text = re.sub(r"#.*", "", NGINX.read_text())
    depth = 0
    for line in filter(None, map(str.strip, text.splitlines())):
        assert line[-1] in "{};", line
        depth += line.count("{") - line.count("}")
        assert depth >= 0, line
    assert depth == 0
    directives = dict(re.findall(r"^\s*([a-z_]+(?: [A-Z][\w-]+)?) +(.+);$", text, re.MULTILINE))
    assert directives["proxy_http_version"] == "1.1"
    assert directives["proxy_set_header Connection"] == '""'
    assert directives["proxy_set_header Forwarded"] == '""', "a client could send it"
    assert int(directives["keepalive_timeout"].rstrip("s")) < Settings.model_fields["keep_alive"].default
    assert "non_idempotent" not in directives["proxy_next_upstream"], "a write could be sent twice"
    size = Settings.model_fields["max_body_size"].default
    assert directives["client_max_body_size"] == f"{size // 1024 // 1024}m"
