-- Videos, who may see them, their logs, and the projection that REST reads.

CREATE TABLE users (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  sub text NOT NULL UNIQUE COLLATE "C",
  name text,
  tier text NOT NULL DEFAULT 'free' CHECK (tier IN ('free', 'pro', 'business')),
  created_at timestamptz NOT NULL DEFAULT now(),
  seen_at timestamptz
);

CREATE TABLE videos (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  owner_id uuid NOT NULL REFERENCES users(id),
  title text NOT NULL,
  aspect_ratio text NOT NULL,
  background text NOT NULL,
  scene_count integer NOT NULL DEFAULT 0,
  duration double precision NOT NULL DEFAULT 0,
  projected_seq bigint NOT NULL DEFAULT 0,
  access_version bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);

CREATE INDEX videos_owner_id ON videos (owner_id);

CREATE TABLE video_members (
  video_id uuid NOT NULL REFERENCES videos(id) ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users(id),
  role text NOT NULL CHECK (role IN ('editor', 'viewer')),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (video_id, user_id)
);

CREATE INDEX video_members_user_id ON video_members (user_id);

-- The last sequence number of each log. It is a row of its own, apart from `videos`, so that an
-- append never waits for a projection or a change of members that holds the video's row.
-- Neither it nor the log refers to `videos`: the check would take that row's lock at each append.
CREATE TABLE video_heads (
  video_id uuid PRIMARY KEY,
  seq bigint NOT NULL
) WITH (fillfactor = 30, autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE video_updates (
  video_id uuid NOT NULL,
  seq bigint NOT NULL,
  update bytea NOT NULL,
  user_ids text[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (video_id, seq)
);

ALTER TABLE video_updates ALTER COLUMN update SET STORAGE EXTERNAL;

CREATE TABLE video_snapshots (
  video_id uuid NOT NULL,
  seq bigint NOT NULL,
  state bytea NOT NULL,
  checksum bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (video_id, seq)
);

ALTER TABLE video_snapshots ALTER COLUMN state SET STORAGE EXTERNAL;

-- Which video an id belongs to, for good: no foreign keys, the rows outlive the video.
CREATE TABLE scene_ids (
  id uuid PRIMARY KEY,
  video_id uuid NOT NULL
);

CREATE TABLE layer_ids (
  id uuid PRIMARY KEY,
  video_id uuid NOT NULL
);

CREATE TABLE scenes (
  video_id uuid NOT NULL REFERENCES videos(id) ON DELETE CASCADE,
  id uuid NOT NULL,
  scene_number integer NOT NULL,
  order_key text NOT NULL COLLATE "C",
  text text NOT NULL,
  duration double precision NOT NULL,
  start_time double precision NOT NULL,
  end_time double precision NOT NULL,
  is_expanded boolean NOT NULL DEFAULT false,
  seq bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (video_id, id)
) WITH (fillfactor = 80);

CREATE TABLE scenes_layers (
  video_id uuid NOT NULL,
  id uuid NOT NULL,
  scene_id uuid NOT NULL,
  type varchar(20) NOT NULL
    CHECK (type IN ('audio', 'voiceover', 'text', 'media', 'shape', 'avatar', 'effect')),
  name varchar(255) NOT NULL,
  enabled boolean NOT NULL DEFAULT true,
  duration double precision NOT NULL,
  start_time double precision NOT NULL,
  end_time double precision NOT NULL,
  order_index integer NOT NULL,
  order_key text NOT NULL COLLATE "C",
  properties jsonb NOT NULL DEFAULT '{}',
  seq bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (video_id, id),
  FOREIGN KEY (video_id, scene_id) REFERENCES scenes (video_id, id) ON DELETE CASCADE
) WITH (fillfactor = 80);

CREATE INDEX scenes_layers_scene_id ON scenes_layers (video_id, scene_id);

CREATE TABLE audit_log (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT now(),
  actor text NOT NULL,
  action text NOT NULL,
  video_id uuid,
  subject text,
  details jsonb NOT NULL DEFAULT '{}'
);

CREATE INDEX audit_log_video_id ON audit_log (video_id, id);

CREATE TABLE idempotency_keys (
  user_id text NOT NULL COLLATE "C",
  key text NOT NULL COLLATE "C",
  route text NOT NULL,
  request_hash bytea NOT NULL,
  status integer,
  headers jsonb,
  body bytea,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, key)
);

CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);
