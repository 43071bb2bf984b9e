-- The mark of their own that an owner of the business tier keeps on a video: media_id, position,
-- scale, opacity.
ALTER TABLE videos ADD COLUMN watermark jsonb;
