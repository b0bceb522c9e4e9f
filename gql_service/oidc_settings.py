"""The settings for an OpenID Connect issuer. `settings.py` joins them to all others."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode

PREFIX = "GQL_SERVICE_"
JWT_ALGORITHMS = ("RS256", "ES256", "EdDSA")
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
"""The hosts whose issuers may be reached without encryption."""


class OidcSettings(BaseSettings):
    """Which tokens of which issuer are accepted, and whose they are."""

    oidc_issuer: str | None = Field(
        default=None,
        description="The URL of an OpenID Connect issuer whose JWT access tokens are accepted beside the "
        "tokens of this service. See [users](users.md#sign-in-with-openid-connect). By default, none are.",
    )
    oidc_audience: str | None = Field(
        default=None,
        validate_default=True,
        min_length=1,
        description="The audience (`aud`) that its access tokens must have. Required with an issuer.",
    )
    oidc_resource: str | None = Field(
        default=None,
        description="The URL of this service as its clients know it (RFC 8707). The pages ask for tokens for "
        "it, and `/.well-known/oauth-protected-resource` names it. The default is the audience if that is a "
        "URL.",
    )
    oidc_algorithms: Annotated[tuple[str, ...], NoDecode] = Field(
        default=JWT_ALGORITHMS,
        description="The algorithms by which access tokens may be signed, separated by commas: "
        f"{', '.join(f'`{name}`' for name in JWT_ALGORITHMS)}.",
    )
    oidc_clock_skew: float = Field(
        default=5.0,
        ge=0,
        le=300,
        description="Seconds by which the clock of the issuer may differ.",
    )
    oidc_client_id: str | None = Field(
        default=None,
        min_length=1,
        description="The id under which the issuer knows the pages, as a public client with PKCE whose "
        "redirect URIs are the URLs of `/graphql` and `/console`. "
        "With it, they offer to sign in at the issuer.",
    )
    oidc_scopes: str = Field(
        default="openid",
        description="The scopes that the pages ask for, separated by spaces.",
    )
    oidc_link_claim: str | None = Field(
        default=None,
        min_length=1,
        description="A claim that links an identity of the issuer to an existing user at its first request: "
        "`email` by the address, if `email_verified` is true, and any other claim by the username. Admins "
        "and platform owners are never linked so. By default, only an admin links identities.",
    )
    oidc_create_claim: str | None = Field(
        default=None,
        min_length=1,
        description="A claim with the username of the new user who is created at the first request of an "
        "identity that is linked to nobody, without permissions. A name that is taken is refused. By "
        "default, no users are created.",
    )
    oidc_tenant: str | None = Field(
        default=None,
        validate_default=True,
        min_length=1,
        description="The id of the tenant of these users: new ones are created in it, and existing ones are "
        "only linked if they belong to it. Required with either claim.",
    )

    @property
    def oidc_resource_name(self) -> str | None:
        """What clients ask the issuer for a token for: the resource, or else the audience."""
        return self.oidc_resource or self.oidc_audience

    @field_validator("oidc_issuer", "oidc_resource")
    @classmethod
    def _check_oidc_url(cls, url: str | None, info: ValidationInfo) -> str | None:
        """Tokens and keys must not travel unencrypted, except on this machine."""
        if url is None:
            return None
        parts = urlsplit(url)
        is_local = info.field_name == "oidc_resource" or parts.hostname in LOOPBACK_HOSTS
        if not parts.hostname or parts.scheme not in (("https", "http") if is_local else ("https",)):
            raise ValueError("use an https URL; http is for issuers on this machine only")
        if parts.query or parts.fragment or parts.username or "#" in url or "?" in url:
            raise ValueError("use a URL without a query, a fragment and a user")
        return url

    @field_validator("oidc_algorithms", mode="before")
    @classmethod
    def _parse_algorithms(cls, value: object) -> object:
        names = [name.strip() for name in value.split(",")] if isinstance(value, str) else value
        if not isinstance(names, list | tuple) or not names or not set(names) <= set(JWT_ALGORITHMS):
            raise ValueError(f"use one or more of {', '.join(JWT_ALGORITHMS)}, separated by commas")
        return tuple(names)

    @field_validator("oidc_audience", "oidc_resource", "oidc_client_id", "oidc_tenant")
    @classmethod
    def _check_need(cls, value: str | None, info: ValidationInfo) -> str | None:
        """Refuse settings that have no effect without another one, and an issuer without an audience."""
        set_ = info.data
        if "oidc_issuer" in set_ and value is not None and set_["oidc_issuer"] is None:
            raise ValueError(f"this needs {PREFIX}OIDC_ISSUER")
        if info.field_name == "oidc_audience" and value is None and set_.get("oidc_issuer") is not None:
            raise ValueError("with an issuer, set the audience that its access tokens must have")
        claims = ("oidc_link_claim", "oidc_create_claim")
        if info.field_name == "oidc_tenant" and value is None and any(map(set_.get, claims)):
            raise ValueError("set the tenant whose users are linked and created at first sight")
        return value
