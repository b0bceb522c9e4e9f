"""Texts that differ only in case or in Unicode's compatibility forms: their common fold."""

import unicodedata


def fold(text: str) -> str:
    """Equal for all spellings that count as the same text: NFKC(casefold(NFKC(text)))."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
