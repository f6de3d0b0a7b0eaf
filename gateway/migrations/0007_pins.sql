-- Definitions as they were accepted, or seen first. A pin outlives its feature: a tool that is removed and comes back
-- is held against what it was.

CREATE TABLE pins (
  server_id TEXT NOT NULL,
  space_id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('tool', 'prompt', 'template', 'instructions')),
  name TEXT NOT NULL,
  -- The accepted text; null while nothing under this name was accepted. '' for a server without instructions.
  descriptor TEXT,
  -- SHA-256 (hex) over its canonical JSON.
  digest TEXT CHECK (length(digest) = 64),
  -- Null when it was seen first and nobody was asked.
  accepted_by TEXT,
  pinned_at INTEGER NOT NULL,
  -- What was last noticed to be offered instead, and since when something is.
  change_digest TEXT,
  changed_at INTEGER,
  PRIMARY KEY (server_id, kind, name),
  FOREIGN KEY (server_id, space_id) REFERENCES servers (id, space_id) ON DELETE CASCADE,
  CHECK ((descriptor IS NULL) = (digest IS NULL)),
  CHECK (accepted_by IS NULL OR descriptor IS NOT NULL),
  CHECK ((change_digest IS NULL) = (changed_at IS NULL))
) STRICT;

-- What a Space does with a definition that is not the pinned one; 'guard' where nothing was chosen.
CREATE TABLE pin_policies (
  space_id TEXT NOT NULL PRIMARY KEY REFERENCES spaces (id) ON DELETE CASCADE,
  policy TEXT NOT NULL CHECK (policy IN ('guard', 'strict', 'off'))
) STRICT, WITHOUT ROWID;
