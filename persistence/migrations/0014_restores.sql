-- The update of the last restore of each video, from before it is brought until it is in the log: a
-- node that loses the database, or its life, in between may bring it at any later time, and the next
-- restore, on whatever node, builds on it.
CREATE TABLE video_restores (
  video_id uuid PRIMARY KEY REFERENCES videos(id) ON DELETE CASCADE,
  id uuid NOT NULL,
  update bytea NOT NULL
);
