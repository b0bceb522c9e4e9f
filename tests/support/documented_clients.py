"""The configurations for clients in `docs/graphql.md`."""

import re

from tests.support.walkthrough import ROOT, blocks_of

_BLOCKS = {block.language: block.text for block in blocks_of(ROOT / "docs" / "graphql.md")}

CODEGEN_CONFIG = _BLOCKS["ts"]
"""The configuration of GraphQL Code Generator."""
CACHES = _BLOCKS["js"]
"""The caches of Apollo Client and of urql."""


def scalar_types() -> dict[str, str]:
    """The TypeScript type of each custom scalar."""
    (scalars,) = re.findall(r"^    scalars: \{\n(.*?)^    \},", CODEGEN_CONFIG, re.MULTILINE | re.DOTALL)
    return dict(re.findall(r'^      (\w+): "(.+)",$', scalars, re.MULTILINE))


def value_types() -> set[str]:
    """The object types that have no identity of their own."""
    (values,) = re.findall(r"^const values = \[\n(.*?)^\];", CACHES, re.MULTILINE | re.DOTALL)
    return set(re.findall(r'"(\w+)"', values))
