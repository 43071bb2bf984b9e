-- Whose file a link leads to: asked for every layer that names one.
CREATE INDEX audio_library_url ON audio_library USING hash (url);
CREATE INDEX media_library_url ON media_library USING hash (url);
CREATE INDEX avatars_preview_url ON avatars USING hash (preview_url);
CREATE INDEX avatars_video_url ON avatars USING hash (video_url);

-- Lists of voices: their order, with what they are filtered by, so that a page deep inside is read
-- from the index alone; and a language with all its dialects.
DROP INDEX voices_listed;
CREATE INDEX voices_listed ON voices (language_code COLLATE "C", id) INCLUDE (gender, category);
CREATE INDEX voices_language ON voices (lower(language_code) COLLATE "C");

-- An API key that was ended is not made again.
CREATE INDEX audit_log_ended_keys ON audit_log (subject) WHERE action = 'api_key.delete';
