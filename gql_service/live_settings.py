"""The settings of subscriptions."""

from pydantic import Field
from pydantic_settings import BaseSettings


class LiveSettings(BaseSettings):
    """How many subscriptions there may be, and how they are kept alive."""

    max_connection_subscriptions: int = Field(
        default=20, ge=1, description="Maximum number of operations of one WebSocket at a time."
    )
    max_user_subscriptions: int = Field(
        default=100, ge=1, description="Maximum number of subscriptions of one user, in each process."
    )
    subscription_ping_interval: float = Field(
        default=20.0, ge=1, description="Seconds between two pings on a connection with subscriptions."
    )
