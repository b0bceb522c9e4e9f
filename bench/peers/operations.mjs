// Executes operations. A document is parsed and validated once, and compiled by graphql-jit when it is seen for
// the second time, as Mercurius does.

import { execute, parse, validate } from "graphql";
import { compileQuery, isCompiledQuery } from "graphql-jit";
import { schema } from "./schema.mjs";

const MAX_KNOWN = 1000;
const known = new Map();

/** The result of an operation: an object with `data`, `errors`, or both. */
export function run({ query, operationName, variables }, contextValue) {
  let operation = known.get(query);
  if (!operation) {
    operation = prepare(query);
    if (operation.errors) return operation;
    remember(query, operation);
    return execute({ schema, document: operation.document, operationName, variableValues: variables, contextValue });
  }
  const { document, plans } = operation;
  const compiled = (plans[operationName ?? ""] ??= compileQuery(schema, document, operationName));
  return isCompiledQuery(compiled) ? compiled.query({}, contextValue, variables ?? {}) : compiled;
}

function prepare(query) {
  let document;
  try {
    document = parse(query);
  } catch (error) {
    return { errors: [error] };
  }
  const errors = validate(schema, document);
  return errors.length ? { errors } : { document, plans: {} };
}

function remember(query, operation) {
  if (known.size >= MAX_KNOWN) known.delete(known.keys().next().value);
  known.set(query, operation);
}
