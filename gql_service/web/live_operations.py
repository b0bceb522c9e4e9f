"""Executing the operations of connections that stay open: subscriptions, and the others as well."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLSchema, OperationType

from gql_service.engine.document.cache import DocumentCache, GraphQLDocument, InvalidDocument
from gql_service.engine.document.persisted import PersistedDocuments
from gql_service.engine.execution.execute import execute
from gql_service.engine.execution.subscribe import open_source
from gql_service.errors import ServiceError
from gql_service.services.response_size import limit_response, response_too_large
from gql_service.services.subscribers import Subscriber
from gql_service.web.content_negotiation import GRAPHQL_RESPONSE
from gql_service.web.graphql_parameters import Parameters
from gql_service.web.graphql_result import Body, document_errors, masked_error, request_error, response_to
from gql_service.web.open_connections import OpenConnections
from gql_service.web.request import MethodNotAllowed


class OperationFailed(Exception):
    """The operation has ended with these errors, as clients see them."""

    def __init__(self, body: Body) -> None:
        super().__init__("The operation has failed.")
        self.errors: list[Any] = body["errors"]


class LiveOperations:
    """Executes operations whose results are sent one by one."""

    def __init__(
        self,
        schema: GraphQLSchema,
        documents: DocumentCache,
        persisted_documents: PersistedDocuments,
        connections: OpenConnections,
        max_response_size: int,
    ) -> None:
        self._schema = schema
        self._documents = documents
        self._persisted_documents = persisted_documents
        self._connections = connections
        self._max_response_size = max_response_size

    async def results(
        self, subscriber: Subscriber, parameters: Parameters, *, may_write: bool = True
    ) -> AsyncGenerator[bytes, None]:
        """The results as JSON. Raises OperationFailed where there is none, or no further one."""
        try:
            document = self._find_document(parameters)
            operation = document.operation(parameters.operation_name)
            kind = None if operation is None else operation.node.operation
            if kind is OperationType.MUTATION and not may_write:
                raise MethodNotAllowed("Only queries may use GET. Use POST for this operation.", "POST")
            if kind is not OperationType.SUBSCRIPTION:
                yield self._encode(await self._execute(subscriber, document, parameters))
                return
            with self._connections.subscription(subscriber.principal.user_id):
                source = await open_source(
                    self._schema,
                    document,
                    subscriber.context(),
                    parameters.variables,
                    parameters.operation_name,
                )
                if isinstance(source, ExecutionResult):
                    raise OperationFailed(response_to(source, GRAPHQL_RESPONSE)[1])
                async with aclosing(source):
                    async for event in source:
                        yield self._encode(await self._execute(subscriber, document, parameters, event))
                        # Let the connection write, and others work: only then it is known whether the client
                        # reads, and the next result has to wait.
                        await asyncio.sleep(0)
                        del event  # it has a document, which would be kept until the next one
        except InvalidDocument as invalid:
            raise OperationFailed(
                document_errors(invalid.errors, invalid.code, GRAPHQL_RESPONSE)[1]
            ) from None
        except ServiceError as error:
            raise OperationFailed(request_error(error)[1]) from None
        except OperationFailed:
            raise
        except Exception as error:
            raise OperationFailed({"errors": [masked_error(error)]}) from None

    def _find_document(self, parameters: Parameters) -> GraphQLDocument:
        """Raises InvalidDocument or RequestError."""
        text = self._persisted_documents.find_text(parameters.query, parameters.hash)
        document = self._documents.get(text)
        if parameters.query is not None and parameters.hash is not None:
            self._persisted_documents.register(parameters.hash, text)
        return document

    async def _execute(
        self, subscriber: Subscriber, document: GraphQLDocument, parameters: Parameters, event: Any = None
    ) -> ExecutionResult:
        limit_response(self._max_response_size)
        return await execute(
            self._schema,
            document,
            event,
            subscriber.context(),
            parameters.variables,
            parameters.operation_name,
        )

    def _encode(self, result: ExecutionResult) -> bytes:
        """Raises LimitExceeded."""
        content = orjson.dumps(response_to(result, GRAPHQL_RESPONSE)[1])
        if len(content) > self._max_response_size:
            raise response_too_large(self._max_response_size)
        return content
