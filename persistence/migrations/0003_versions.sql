-- Version history: states of documents that are kept, and who edited what was trimmed from the logs.

-- `last_version` numbers the versions, so that no number comes twice; up to `versioned_seq` the
-- edits are in a version.
ALTER TABLE videos
  ADD COLUMN last_version integer NOT NULL DEFAULT 0,
  ADD COLUMN versioned_seq bigint NOT NULL DEFAULT 0;

-- The last edit of each user among the rows that snapshots have replaced.
CREATE TABLE video_authors (
  video_id uuid NOT NULL REFERENCES videos(id) ON DELETE CASCADE,
  user_id text NOT NULL COLLATE "C",
  seq bigint NOT NULL,
  edited_at timestamptz NOT NULL,
  PRIMARY KEY (video_id, user_id)
);

-- One state serves all versions of one sequence number.
CREATE TABLE video_version_states (
  video_id uuid NOT NULL REFERENCES videos(id) ON DELETE CASCADE,
  seq bigint NOT NULL,
  state bytea NOT NULL,
  checksum bytea NOT NULL,
  PRIMARY KEY (video_id, seq)
);

CREATE TABLE video_versions (
  video_id uuid NOT NULL,
  number integer NOT NULL,
  id uuid NOT NULL UNIQUE,
  kind text NOT NULL CHECK (kind IN ('manual', 'automatic', 'before_restore')),
  name text,
  seq bigint NOT NULL,
  created_by text,
  user_ids text[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (video_id, number),
  FOREIGN KEY (video_id, seq) REFERENCES video_version_states (video_id, seq) ON DELETE CASCADE
);

CREATE INDEX video_versions_seq ON video_versions (video_id, seq);
CREATE INDEX video_versions_expiring ON video_versions (created_at) WHERE name IS NULL;
