-- What `cocut doctor --repair` took out of a log that could not be read. No foreign key: it is kept
-- for whoever wants to look into it, also after the video was deleted.
CREATE TABLE quarantine (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  video_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('snapshot', 'row')),
  seq bigint NOT NULL,
  content bytea NOT NULL,
  reason text NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX quarantine_video_id ON quarantine (video_id, id);
