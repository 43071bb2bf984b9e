-- A version's id was unique over all videos by an index that does not begin with the video, which
-- keeps the table from being partitioned by it. Nothing looks a version up by its id, and random
-- ids do not meet; within a video the key is its number.
ALTER TABLE video_versions DROP CONSTRAINT video_versions_id_key;
