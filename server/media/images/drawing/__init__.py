"""The built-in painter: it knows some words, and composes a picture by rule."""
