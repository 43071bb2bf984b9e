"""Pictures from words: the built-in painter, and other servers' models."""
