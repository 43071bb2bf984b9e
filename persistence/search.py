"""Full text search as people type it: words in any order, each perhaps unfinished."""

from __future__ import annotations


def prefix_query(text: str) -> str:
    """What they typed, as a `tsquery` of the configuration `simple`; empty for nothing.

    Each word matches as the beginning of a word. PostgreSQL's own parser splits the quoted words,
    so that punctuation means here what it means in the text that is searched.
    """
    words = text.replace("\0", " ").replace("\\", " ").replace("'", " ").split()
    return " & ".join(f"'{word}':*" for word in words)
