-- What an input may be, and what a person is told of it. What was declared before is a text that is required.

ALTER TABLE server_inputs ADD COLUMN type TEXT NOT NULL DEFAULT 'text'
  CHECK (type IN ('text', 'number', 'boolean', 'url', 'choice', 'file', 'folder'));
ALTER TABLE server_inputs ADD COLUMN title TEXT;
ALTER TABLE server_inputs ADD COLUMN description TEXT;
ALTER TABLE server_inputs ADD COLUMN required INTEGER NOT NULL DEFAULT 1 CHECK (required IN (0, 1));
ALTER TABLE server_inputs ADD COLUMN default_value TEXT;
-- A JSON array of texts.
ALTER TABLE server_inputs ADD COLUMN choices TEXT;
ALTER TABLE server_inputs ADD COLUMN minimum REAL;
ALTER TABLE server_inputs ADD COLUMN maximum REAL;
ALTER TABLE server_inputs ADD COLUMN multiple INTEGER NOT NULL DEFAULT 0 CHECK (multiple IN (0, 1));

-- Secrets that servers of one Space share by name.
CREATE TABLE space_secrets (
  space_id TEXT NOT NULL REFERENCES spaces (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  key_id TEXT NOT NULL,
  envelope BLOB NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (space_id, name)
) STRICT;
