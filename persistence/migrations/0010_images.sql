-- What made a generated picture: `procedural` for the built-in painter, else a model's name.
ALTER TABLE media_library ADD COLUMN generator varchar(100);
