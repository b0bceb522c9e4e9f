"""What `gql_service.web` and `gql_service.server` use of uvicorn although it is not documented.

If a test here fails after an update of uvicorn, read the change in uvicorn, and adapt `web/http_protocol.py`
and `web/shortcut.py` before anything else.
"""

import asyncio
import inspect
from collections import deque
from typing import Any

import httptools
import pytest
import uvicorn
from uvicorn.protocols.http import flow_control, httptools_impl
from uvicorn.server import ServerState

CYCLE, PROTOCOL = httptools_impl.RequestResponseCycle, httptools_impl.HttpToolsProtocol
SIGNATURES: list[tuple[type, str, list[str]]] = [
    (PROTOCOL, "__init__", ["config", "server_state", "app_state", "_loop"]),
    (PROTOCOL, "connection_made", ["transport"]),
    (PROTOCOL, "connection_lost", ["exc"]),
    (PROTOCOL, "data_received", ["data"]),
    (PROTOCOL, "on_message_begin", []),
    (PROTOCOL, "on_url", ["url"]),
    (PROTOCOL, "on_header", ["name", "value"]),
    (PROTOCOL, "on_headers_complete", []),
    (PROTOCOL, "on_body", ["body"]),
    (PROTOCOL, "on_message_complete", []),
    (PROTOCOL, "on_response_complete", []),
    (PROTOCOL, "_start_asgi_task", ["cycle", "app"]),
    (PROTOCOL, "shutdown", []),
    (CYCLE, "run_asgi", ["app"]),
    (CYCLE, "receive", []),
    (CYCLE, "send", ["message"]),
    (CYCLE, "send_500_response", []),
    (uvicorn.Server, "startup", ["sockets"]),
    (uvicorn.Server, "on_tick", ["counter"]),
    (uvicorn.Server, "shutdown", ["sockets"]),
    (uvicorn.Server, "capture_signals", []),
    (flow_control.FlowControl, "drain", []),
    (flow_control.FlowControl, "pause_reading", []),
    (flow_control.FlowControl, "resume_reading", []),
]
PROTOCOL_ATTRIBUTES: dict[str, type] = {
    "access_log": bool,
    "client": type(None),  # and a host and a port once there is a connection
    "config": uvicorn.Config,
    "limit_concurrency": type(None),
    "loop": asyncio.AbstractEventLoop,
    "parser": httptools.HttpRequestParser,
    "pipeline": deque,
    "root_path": str,
    "server_state": ServerState,
    "timeout_keep_alive": int,
}
CYCLE_ATTRIBUTES = {
    "access_log", "access_logger", "body", "chunked_encoding", "default_headers", "disconnected",
    "expected_content_length", "flow", "keep_alive", "logger", "message_event", "more_body", "on_response",
    "response_complete", "response_started", "scope", "transport", "waiting_for_100_continue",
}  # fmt: skip
PROTOCOL_METHODS = {
    "_get_upgrade", "_should_upgrade", "_should_upgrade_to_ws", "_start_asgi_task",
    "_unset_keepalive_if_required", "_unsupported_upgrade_warning", "connection_lost", "connection_made",
    "data_received", "eof_received", "handle_websocket_upgrade", "on_body", "on_header",
    "on_headers_complete", "on_message_begin", "on_message_complete", "on_response_complete", "on_url",
    "pause_writing", "resume_writing", "send_400_response", "shutdown", "timeout_keep_alive_handler",
}  # fmt: skip


async def _application(_scope: Any, _receive: Any, _send: Any) -> None:
    """Never called."""


def _protocol() -> httptools_impl.HttpToolsProtocol:
    loop = asyncio.new_event_loop()
    loop.close()
    config = uvicorn.Config(_application, log_config=None)
    return PROTOCOL(config=config, server_state=ServerState(), app_state={}, _loop=loop)


@pytest.mark.parametrize(("owner", "name", "parameters"), SIGNATURES)
def test_a_method_has_the_parameters_with_which_it_is_called(
    owner: type, name: str, parameters: list[str]
) -> None:
    method = getattr(owner, name, None)
    assert method is not None, f"uvicorn's {owner.__name__} has no method {name} any more"
    found = list(inspect.signature(method).parameters)[1:]
    assert found == parameters, f"uvicorn's {owner.__name__}.{name} has other parameters"


@pytest.mark.parametrize("name", PROTOCOL_ATTRIBUTES)
def test_a_connection_has_the_attributes_that_are_read(name: str) -> None:
    protocol = _protocol()
    assert hasattr(protocol, name), f"uvicorn's HttpToolsProtocol has no attribute {name} any more"
    assert isinstance(getattr(protocol, name), PROTOCOL_ATTRIBUTES[name])


def test_a_connection_has_no_methods_that_are_not_known() -> None:
    """A new callback or timer of uvicorn may be missing in `HttpProtocol`."""
    methods = {name for name, value in vars(PROTOCOL).items() if callable(value) and name != "__init__"}
    assert methods == PROTOCOL_METHODS, "uvicorn's HttpToolsProtocol has gained or lost methods"


def test_a_request_has_exactly_the_attributes_that_the_shortcut_sets() -> None:
    """`DirectRequest` does not call the constructor of its base class, to be quick."""
    parameters = list(inspect.signature(CYCLE.__init__).parameters)[1:]
    arguments: dict[str, Any] = dict.fromkeys(parameters)
    assert set(vars(CYCLE(**arguments))) == CYCLE_ATTRIBUTES, (
        "uvicorn's RequestResponseCycle has other attributes: set the new ones in DirectRequest"
    )


def test_status_lines_are_complete() -> None:
    assert httptools_impl.STATUS_LINE[200] == b"HTTP/1.1 200 OK\r\n"


def test_default_headers_are_replaced_not_changed() -> None:
    """The shortcut keeps them encoded until the list is another one."""
    source = inspect.getsource(uvicorn.Server.on_tick)
    assert "self.server_state.default_headers = " in source, "uvicorn changes the list of default headers"
