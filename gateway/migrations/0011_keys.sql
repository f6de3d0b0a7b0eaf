-- What a person calls a key, and which key took over from it.

ALTER TABLE access_keys ADD COLUMN label TEXT;

ALTER TABLE access_keys ADD COLUMN replaced_by TEXT REFERENCES access_keys (id) ON DELETE SET NULL;
