-- How a server is spoken to, and what it turned out to speak.

ALTER TABLE servers ADD COLUMN era TEXT NOT NULL DEFAULT 'auto' CHECK (era IN ('auto', 'legacy', 'modern'));

CREATE TABLE eras (
  server_id TEXT NOT NULL PRIMARY KEY REFERENCES servers (id) ON DELETE CASCADE,
  era TEXT NOT NULL CHECK (era IN ('legacy', 'modern')),
  server_info TEXT NOT NULL,
  found_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Another definition may be another program.
CREATE TRIGGER eras_follow_definition AFTER UPDATE OF definition ON servers
WHEN old.definition <> new.definition
BEGIN
  DELETE FROM eras WHERE server_id = old.id;
END;
