-- Which make of a voice a row is about: the same words sound the same until it changes.
ALTER TABLE voices ADD COLUMN revision text NOT NULL DEFAULT '';

CREATE INDEX voices_listed ON voices (language_code COLLATE "C", id);

-- What was spoken, by a hash of all that it depends on; it goes with its file.
CREATE TABLE speech (
  name text PRIMARY KEY COLLATE "C",
  key text NOT NULL UNIQUE REFERENCES blobs(key) ON DELETE CASCADE,
  duration double precision NOT NULL,
  words jsonb NOT NULL
);
