"""The media work: rendering, with the only places that start ffmpeg."""
