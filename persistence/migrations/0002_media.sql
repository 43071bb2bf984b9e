-- Files, jobs, and the libraries that are made of files.

-- Values that all nodes on this database share, such as the key that signs links to files.
CREATE TABLE secrets (
  name text PRIMARY KEY,
  value bytea NOT NULL
);

-- Every stored file has a row here, made in the transaction that first refers to it and gone in the
-- one that last does; a file in the store without a row is an orphan, and is collected.
CREATE TABLE blobs (
  key text PRIMARY KEY COLLATE "C",
  content_type text NOT NULL,
  size bigint NOT NULL,
  owner_id uuid REFERENCES users(id),
  video_id uuid REFERENCES videos(id) ON DELETE CASCADE,
  name text UNIQUE COLLATE "C",
  expires_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX blobs_owner_id ON blobs (owner_id) INCLUDE (size) WHERE owner_id IS NOT NULL;
CREATE INDEX blobs_video_id ON blobs (video_id) WHERE video_id IS NOT NULL;
CREATE INDEX blobs_expires_at ON blobs (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE jobs (
  id uuid PRIMARY KEY,
  kind text NOT NULL,
  video_id uuid REFERENCES videos(id) ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users(id),
  tier text NOT NULL,
  input jsonb NOT NULL DEFAULT '{}',
  status text NOT NULL DEFAULT 'queued'
    CHECK (status IN ('queued', 'processing', 'completed', 'failed', 'cancelled')),
  progress double precision NOT NULL DEFAULT 0,
  state jsonb NOT NULL DEFAULT '{}',
  result jsonb,
  error jsonb,
  attempts integer NOT NULL DEFAULT 0,
  queue_id bigint,
  created_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  finished_at timestamptz
) WITH (fillfactor = 70);

CREATE INDEX jobs_user_id ON jobs (user_id, created_at);
CREATE INDEX jobs_video_id ON jobs (video_id, created_at) WHERE video_id IS NOT NULL;
CREATE INDEX jobs_open ON jobs (kind, created_at, id) WHERE status IN ('queued', 'processing');

CREATE FUNCTION search_words(VARIADIC parts text[]) RETURNS tsvector
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT to_tsvector('simple'::regconfig, array_to_string(parts, ' ')) $$;

CREATE FUNCTION joined(parts text[]) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT array_to_string(parts, ' ') $$;

-- In all libraries: without `user_id` it is there for everybody; with it, for that user only.
-- Links to stored files are kept as their paths; answers make them absolute and sign them.
CREATE TABLE audio_library (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  title varchar(255) NOT NULL,
  artist varchar(255),
  duration double precision NOT NULL,
  category varchar(50) NOT NULL CHECK (category IN ('music', 'sound_effects')),
  tags text[] NOT NULL DEFAULT '{}',
  url text NOT NULL,
  waveform_url text,
  thumbnail_url text,
  source varchar(50) NOT NULL CHECK (source IN ('stock', 'uploaded', 'generated')),
  is_premium boolean NOT NULL DEFAULT false,
  user_id uuid REFERENCES users(id),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  search tsvector GENERATED ALWAYS AS (search_words(title, artist, joined(tags))) STORED
);

CREATE INDEX audio_library_shared ON audio_library (created_at DESC, id DESC)
  WHERE user_id IS NULL;
CREATE INDEX audio_library_category ON audio_library (category, created_at DESC, id DESC)
  WHERE user_id IS NULL;
CREATE INDEX audio_library_user_id ON audio_library (user_id, created_at DESC, id DESC)
  WHERE user_id IS NOT NULL;
CREATE INDEX audio_library_search ON audio_library USING gin (search);

CREATE TABLE audio_favorites (
  user_id uuid REFERENCES users(id) ON DELETE CASCADE,
  audio_id uuid REFERENCES audio_library(id) ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, audio_id)
);

CREATE INDEX audio_favorites_audio_id ON audio_favorites (audio_id);

CREATE TABLE avatars (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name varchar(255) NOT NULL,
  gender varchar(20) CHECK (gender IN ('male', 'female', 'neutral')),
  style varchar(50),
  thumbnail_url text NOT NULL,
  preview_url text NOT NULL,
  video_url text,
  source varchar(50) NOT NULL CHECK (source IN ('stock', 'custom', 'generated')),
  is_premium boolean NOT NULL DEFAULT false,
  user_id uuid REFERENCES users(id),
  parent_avatar_id uuid REFERENCES avatars(id) ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  search tsvector GENERATED ALWAYS AS (search_words(name, style)) STORED
);

CREATE INDEX avatars_shared ON avatars (created_at DESC, id DESC)
  WHERE user_id IS NULL AND parent_avatar_id IS NULL;
CREATE INDEX avatars_gender ON avatars (gender, created_at DESC, id DESC)
  WHERE user_id IS NULL AND parent_avatar_id IS NULL;
CREATE INDEX avatars_user_id ON avatars (user_id, created_at DESC, id DESC)
  WHERE user_id IS NOT NULL;
CREATE INDEX avatars_parent ON avatars (parent_avatar_id) WHERE parent_avatar_id IS NOT NULL;
CREATE INDEX avatars_search ON avatars USING gin (search);

CREATE TABLE media_library (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  type varchar(20) NOT NULL CHECK (type IN ('image', 'video', 'gif')),
  title varchar(255) NOT NULL,
  url text NOT NULL,
  thumbnail_url text NOT NULL,
  source varchar(50) NOT NULL CHECK (source IN ('stock', 'ai', 'uploaded')),
  category varchar(100),
  tags text[] NOT NULL DEFAULT '{}',
  dimensions jsonb,
  duration double precision,
  is_premium boolean NOT NULL DEFAULT false,
  user_id uuid REFERENCES users(id),
  ai_prompt text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  search tsvector GENERATED ALWAYS AS (search_words(title, joined(tags), category)) STORED
);

CREATE INDEX media_library_shared ON media_library (created_at DESC, id DESC)
  WHERE user_id IS NULL;
CREATE INDEX media_library_type ON media_library (type, created_at DESC, id DESC)
  WHERE user_id IS NULL;
CREATE INDEX media_library_category ON media_library (lower(category), created_at DESC, id DESC)
  WHERE user_id IS NULL;
CREATE INDEX media_library_user_id ON media_library (user_id, created_at DESC, id DESC)
  WHERE user_id IS NOT NULL;
CREATE INDEX media_library_search ON media_library USING gin (search);

CREATE TABLE voices (
  id text PRIMARY KEY COLLATE "C",
  name varchar(255) NOT NULL,
  language varchar(100) NOT NULL,
  language_code varchar(35) NOT NULL,
  dialect varchar(100),
  gender varchar(20) NOT NULL CHECK (gender IN ('male', 'female', 'child')),
  style varchar(50),
  category varchar(20) NOT NULL CHECK (category IN ('standard', 'ultra', 'studio')),
  sample_url text,
  is_premium boolean NOT NULL DEFAULT false,
  provider varchar(50) NOT NULL,
  provider_voice text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  search tsvector GENERATED ALWAYS AS
    (search_words(id, name, language, language_code, dialect, style)) STORED
);

CREATE INDEX voices_search ON voices USING gin (search);

CREATE TABLE api_keys (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  name varchar(255) NOT NULL,
  digest bytea NOT NULL UNIQUE,
  prefix text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz
);

CREATE INDEX api_keys_user_id ON api_keys (user_id, created_at);

-- The queue: what pgqueuer 1.6 installs by itself.

CREATE TYPE pgqueuer_status AS ENUM ('queued', 'picked', 'successful', 'exception', 'canceled', 'deleted', 'failed');

CREATE TABLE pgqueuer (
    id bigserial NOT NULL PRIMARY KEY,
    priority integer NOT NULL,
    queue_manager_id uuid,
    created timestamp with time zone NOT NULL DEFAULT now(),
    updated timestamp with time zone NOT NULL DEFAULT now(),
    heartbeat timestamp with time zone NOT NULL DEFAULT now(),
    execute_after timestamp with time zone NOT NULL DEFAULT now(),
    status pgqueuer_status NOT NULL,
    entrypoint text NOT NULL,
    dedupe_key text,
    payload bytea,
    headers jsonb,
    attempts integer NOT NULL DEFAULT 0,
    slot bigint
);

CREATE TABLE pgqueuer_log (
    id bigint GENERATED BY DEFAULT AS IDENTITY NOT NULL PRIMARY KEY,
    created timestamp with time zone NOT NULL DEFAULT now(),
    job_id bigint NOT NULL,
    status pgqueuer_status NOT NULL,
    priority integer NOT NULL,
    entrypoint text NOT NULL,
    traceback jsonb,
    aggregated boolean DEFAULT false
);

CREATE TABLE pgqueuer_schedules (
    id bigserial NOT NULL PRIMARY KEY,
    expression text NOT NULL,
    entrypoint text NOT NULL,
    heartbeat timestamp with time zone NOT NULL DEFAULT now(),
    created timestamp with time zone NOT NULL DEFAULT now(),
    updated timestamp with time zone NOT NULL DEFAULT now(),
    next_run timestamp with time zone NOT NULL DEFAULT now(),
    last_run timestamp with time zone,
    status pgqueuer_status DEFAULT 'queued'::pgqueuer_status,
    UNIQUE (expression, entrypoint)
);

CREATE TABLE pgqueuer_statistics (
    id bigserial NOT NULL PRIMARY KEY,
    created timestamp with time zone NOT NULL DEFAULT date_trunc('sec'::text, now()),
    count bigint NOT NULL,
    priority integer NOT NULL,
    status pgqueuer_status NOT NULL,
    entrypoint text NOT NULL
);

CREATE INDEX pgqueuer_ep_ea_idx ON pgqueuer USING btree (entrypoint, execute_after) WHERE (status = 'queued'::pgqueuer_status);

CREATE INDEX pgqueuer_ep_prio_id_idx ON pgqueuer USING btree (entrypoint, priority DESC, id) WHERE (status = 'queued'::pgqueuer_status);

CREATE INDEX pgqueuer_log_created ON pgqueuer_log USING btree (created);

CREATE INDEX pgqueuer_log_job_id_status ON pgqueuer_log USING btree (job_id, created DESC);

CREATE INDEX pgqueuer_log_not_aggregated ON pgqueuer_log USING btree ((1)) WHERE (NOT aggregated);

CREATE INDEX pgqueuer_log_status ON pgqueuer_log USING btree (status);

CREATE INDEX pgqueuer_picked_heartbeat_idx ON pgqueuer USING btree (heartbeat) WHERE (status = 'picked'::pgqueuer_status);

CREATE UNIQUE INDEX pgqueuer_picked_slot_idx ON pgqueuer USING btree (entrypoint, slot) WHERE ((status = 'picked'::pgqueuer_status) AND (slot IS NOT NULL));

CREATE INDEX pgqueuer_priority_id_id1_idx ON pgqueuer USING btree (priority, id DESC) INCLUDE (id) WHERE (status = 'queued'::pgqueuer_status);

CREATE INDEX pgqueuer_queue_manager_id_idx ON pgqueuer USING btree (queue_manager_id) WHERE (queue_manager_id IS NOT NULL);

CREATE UNIQUE INDEX pgqueuer_statistics_unique_count ON pgqueuer_statistics USING btree (priority, date_trunc('sec'::text, timezone('UTC'::text, created)), status, entrypoint);

CREATE UNIQUE INDEX pgqueuer_unique_dedupe_key ON pgqueuer USING btree (dedupe_key) WHERE ((status = ANY (ARRAY['queued'::pgqueuer_status, 'picked'::pgqueuer_status])) AND (dedupe_key IS NOT NULL));

CREATE INDEX pgqueuer_updated_id_id1_idx ON pgqueuer USING btree (updated, id DESC) INCLUDE (id) WHERE (status = 'picked'::pgqueuer_status);

CREATE FUNCTION fn_pgqueuer_changed() RETURNS TRIGGER AS $$
DECLARE
    to_emit BOOLEAN := false;  -- Flag to decide whether to emit a notification
BEGIN
    -- Check operation type and set the emit flag accordingly
    IF TG_OP = 'UPDATE' AND OLD IS DISTINCT FROM NEW THEN
        to_emit := true;
    ELSIF TG_OP = 'DELETE' THEN
        to_emit := true;
    ELSIF TG_OP = 'INSERT' THEN
        to_emit := true;
    ELSIF TG_OP = 'TRUNCATE' THEN
        to_emit := true;
    END IF;

    -- Perform notification if the emit flag is set
    IF to_emit THEN
        PERFORM pg_notify(
            'ch_pgqueuer',
            json_build_object(
                'channel', 'ch_pgqueuer',
                'operation', lower(TG_OP),
                'sent_at', NOW(),
                'table', TG_TABLE_NAME,
                'type', 'table_changed_event'
            )::text
        );
    END IF;

    -- Return appropriate value based on the operation
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        RETURN NEW;
    ELSIF TG_OP = 'DELETE' THEN
        RETURN OLD;
    ELSE
        RETURN NULL; -- For TRUNCATE and other non-row-specific contexts
    END IF;

END;
$$ LANGUAGE plpgsql;

CREATE TRIGGER tg_pgqueuer_changed
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgqueuer
EXECUTE FUNCTION fn_pgqueuer_changed();
