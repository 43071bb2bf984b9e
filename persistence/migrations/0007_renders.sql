-- What renders are made from, as it was when they were asked for; and how long they took.

CREATE TABLE render_inputs (
  job_id uuid PRIMARY KEY REFERENCES jobs(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  seq bigint NOT NULL,
  scene_count integer NOT NULL,
  duration double precision NOT NULL,
  video json NOT NULL
);

CREATE INDEX jobs_rendered ON jobs (finished_at)
  WHERE status = 'completed' AND kind IN ('render', 'regenerate');
