"""The settings of subscriptions."""

from pydantic import Field
from pydantic_settings import BaseSettings


class LiveSettings(BaseSettings):
    """How subscribers learn of changes, and how many subscriptions there may be."""

    database_direct_url: str | None = Field(
        default=None,
        description="PostgreSQL only: the URL of the same database past its connection pooler, which passes "
        "no notifications on. Without it, subscriptions behind a pooler are up to 0.1 seconds later.",
    )
    max_connection_subscriptions: int = Field(
        default=20, ge=1, description="Maximum number of operations of one WebSocket at a time."
    )
    max_user_subscriptions: int = Field(
        default=100, ge=1, description="Maximum number of subscriptions of one user, in each process."
    )
    subscription_ping_interval: float = Field(
        default=20.0, ge=1, description="Seconds between two pings on a connection with subscriptions."
    )
