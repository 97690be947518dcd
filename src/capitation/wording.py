"""Names of the library as words that a reader knows."""

from __future__ import annotations

ACRONYMS = {"gms": "GMS", "pms": "PMS", "apms": "APMS", "qof": "QOF", "nhs": "NHS"}


def label(name: str) -> str:
    """A variable's name as words.

    Examples
    --------
    >>> label("pms_premium"), label("global_sum")
    ('PMS premium', 'Global sum')
    """
    words = [ACRONYMS.get(word, word) for word in name.split("_")]
    return " ".join([words[0][0].upper() + words[0][1:], *words[1:]])
