"""The stock library: music and effects synthesised, pictures and avatars drawn, by this code."""
