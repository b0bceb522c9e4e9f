"""From an operation of a `GraphQLDocument` to its result.

In the order in which a request uses them:

1. `execute.py` is the entry point: coerce the variables, check the cost, find or make the plan, run it.
2. `planner.py` makes the plan of an operation. It uses
   `plan.py` (the data of a plan),
   `resolvers.py` (how to call the resolver of a field),
   `arguments.py` (how to get the resolver's arguments),
   `leaf_reader.py` (generated code that reads many scalar fields at once),
   `completion.py` (how to turn a resolver's values into the response), and
   `strawberry_schema.py` (what Strawberry attaches to a schema).
3. `run.py` runs a plan: it resolves each field for all objects in a position of the operation together.
4. `scheduler.py` steps the resolvers that wait for something.
5. `response.py` stores values, collects errors, and propagates nulls.
"""
