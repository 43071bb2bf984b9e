-- The mark of their own that an owner of the business tier keeps on a video: media_id, position,
-- scale, opacity.
ALTER TABLE videos ADD COLUMN watermark jsonb;

-- What the parts of a render cost, by names of their content: parts that a video's earlier renders
-- have made are not made again.
ALTER TABLE render_inputs ADD COLUMN parts jsonb NOT NULL DEFAULT '{}';
