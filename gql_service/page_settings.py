"""The settings of the pages for people."""

import re
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

_IMAGE_SOURCE = re.compile(r"https:|https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")


class PageSettings(BaseSettings):
    """Which pages are served, and from where they may load pictures."""

    console: bool = Field(
        default=True,
        description="Whether browsers that open `/` or `/console` get the console.",
    )
    explorer: bool = Field(
        default=True,
        description="Whether browsers that open `/graphql` get the explorer (GraphiQL).",
    )
    image_sources: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("https:",),
        description="Where the console may load profile pictures from, separated by commas: "
        "`https://images.example.com` allows that host, and `https:` every host. If it is empty, the console "
        "shows initials instead of pictures of other hosts.",
    )

    @field_validator("image_sources", mode="before")
    @classmethod
    def _parse_image_sources(cls, value: object) -> object:
        """Split and check the sources. They become part of a content security policy."""
        if not isinstance(value, str):
            return value
        sources = [source.strip() for source in value.split(",")] if value.strip() else []
        for source in sources:
            if not _IMAGE_SOURCE.fullmatch(source):
                message = "use https: or origins, separated by commas, such as https://images.example.com"
                raise ValueError(f"{message}; invalid: {source!r}")
        return tuple(sources)
