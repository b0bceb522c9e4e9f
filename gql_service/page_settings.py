"""The settings of the pages for people."""

from pydantic import Field
from pydantic_settings import BaseSettings


class PageSettings(BaseSettings):
    """Which pages are served."""

    console: bool = Field(
        default=True,
        description="Whether browsers that open `/` or `/console` get the console.",
    )
    explorer: bool = Field(
        default=True,
        description="Whether browsers that open `/graphql` get the explorer (GraphiQL).",
    )
