-- Whose file a link leads to: asked for every layer that names one.
CREATE INDEX audio_library_url ON audio_library USING hash (url);
CREATE INDEX media_library_url ON media_library USING hash (url);
CREATE INDEX avatars_preview_url ON avatars USING hash (preview_url);
CREATE INDEX avatars_video_url ON avatars USING hash (video_url);
