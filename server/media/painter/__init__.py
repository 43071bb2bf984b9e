"""Draws one scene's pictures, in the colour planes that the encoder takes."""
