-- Ids are text, times are epoch milliseconds, JSON is kept as the text it came as.
-- Foreign keys that also carry space_id make a row that points into another Space impossible.

CREATE TABLE spaces (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL COLLATE NOCASE UNIQUE,
  icon TEXT,
  position INTEGER NOT NULL,
  active INTEGER NOT NULL DEFAULT 0 CHECK (active IN (0, 1)),
  default_set_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  -- A Space and its first Feature Set need each other, hence deferred.
  FOREIGN KEY (default_set_id, id) REFERENCES feature_sets (id, space_id) DEFERRABLE INITIALLY DEFERRED
) STRICT;

CREATE UNIQUE INDEX one_active_space ON spaces (active) WHERE active = 1;

CREATE TABLE servers (
  id TEXT NOT NULL PRIMARY KEY,
  space_id TEXT NOT NULL REFERENCES spaces (id) ON DELETE CASCADE,
  name TEXT NOT NULL COLLATE NOCASE,
  alias TEXT NOT NULL CHECK (length(alias) <= 20 AND alias NOT GLOB '*[^a-z0-9-]*'),
  definition TEXT NOT NULL,
  enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  keep_running INTEGER NOT NULL CHECK (keep_running IN (0, 1)),
  source TEXT NOT NULL,
  position INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (id, space_id),
  UNIQUE (space_id, name)
) STRICT;

CREATE UNIQUE INDEX one_alias_per_space ON servers (space_id, alias) WHERE alias <> '';

CREATE TABLE server_inputs (
  server_id TEXT NOT NULL REFERENCES servers (id) ON DELETE CASCADE,
  id TEXT NOT NULL,
  secret INTEGER NOT NULL CHECK (secret IN (0, 1)),
  value TEXT,
  position INTEGER NOT NULL,
  PRIMARY KEY (server_id, id),
  -- A secret has no place in this table; it is a credential.
  CHECK (secret = 0 OR value IS NULL)
) STRICT, WITHOUT ROWID;

CREATE TABLE handshakes (
  server_id TEXT NOT NULL PRIMARY KEY REFERENCES servers (id) ON DELETE CASCADE,
  protocol_version TEXT NOT NULL,
  capabilities TEXT NOT NULL,
  server_info TEXT NOT NULL,
  instructions TEXT,
  refreshed_at INTEGER NOT NULL
) STRICT;

CREATE TABLE features (
  server_id TEXT NOT NULL REFERENCES servers (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('tool', 'prompt', 'resource', 'template')),
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  descriptor TEXT NOT NULL,
  first_seen_at INTEGER NOT NULL,
  PRIMARY KEY (server_id, kind, position),
  UNIQUE (server_id, kind, name)
) STRICT;

CREATE TABLE feature_sets (
  id TEXT NOT NULL PRIMARY KEY,
  space_id TEXT NOT NULL REFERENCES spaces (id) ON DELETE CASCADE,
  name TEXT NOT NULL COLLATE NOCASE,
  created_at INTEGER NOT NULL,
  UNIQUE (id, space_id),
  UNIQUE (space_id, name)
) STRICT;

CREATE TABLE set_members (
  set_id TEXT NOT NULL,
  space_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  mode TEXT NOT NULL CHECK (mode IN ('include', 'exclude')),
  type TEXT NOT NULL CHECK (type IN ('all', 'server', 'feature', 'pattern', 'set')),
  server_id TEXT,
  kind TEXT CHECK (kind IN ('tool', 'prompt', 'resource', 'template')),
  name TEXT,
  pattern TEXT,
  member_set_id TEXT,
  PRIMARY KEY (set_id, position),
  FOREIGN KEY (set_id, space_id) REFERENCES feature_sets (id, space_id) ON DELETE CASCADE,
  FOREIGN KEY (server_id, space_id) REFERENCES servers (id, space_id) ON DELETE CASCADE,
  -- No cascade: a set that others build on cannot vanish from under their excludes.
  FOREIGN KEY (member_set_id, space_id) REFERENCES feature_sets (id, space_id),
  CHECK ((server_id IS NOT NULL) = (type IN ('server', 'feature'))),
  CHECK ((kind IS NOT NULL) = (type = 'feature')),
  CHECK ((name IS NOT NULL) = (type = 'feature')),
  CHECK ((pattern IS NOT NULL) = (type = 'pattern')),
  CHECK ((member_set_id IS NOT NULL) = (type = 'set'))
) STRICT, WITHOUT ROWID;

CREATE INDEX set_members_by_server ON set_members (server_id) WHERE server_id IS NOT NULL;
CREATE INDEX set_members_by_member ON set_members (member_set_id) WHERE member_set_id IS NOT NULL;

CREATE TABLE clients (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL COLLATE NOCASE UNIQUE,
  space_id TEXT REFERENCES spaces (id) ON DELETE SET NULL,
  created_at INTEGER NOT NULL,
  last_seen_at INTEGER
) STRICT;

CREATE INDEX clients_by_space ON clients (space_id) WHERE space_id IS NOT NULL;

CREATE TABLE access_keys (
  id TEXT NOT NULL PRIMARY KEY,
  client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
  hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
  hint TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  last_used_at INTEGER,
  revoked_at INTEGER
) STRICT;

CREATE INDEX access_keys_by_client ON access_keys (client_id);

CREATE TABLE grants (
  client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
  space_id TEXT NOT NULL,
  set_id TEXT NOT NULL,
  PRIMARY KEY (client_id, space_id, set_id),
  FOREIGN KEY (set_id, space_id) REFERENCES feature_sets (id, space_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX grants_by_set ON grants (set_id);

-- id is the SHA-256 (hex) of the session id, so that reading this file opens no session.
CREATE TABLE sessions (
  id TEXT NOT NULL PRIMARY KEY,
  client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
  protocol_version TEXT NOT NULL,
  client_info TEXT NOT NULL,
  client_capabilities TEXT NOT NULL,
  log_level TEXT,
  created_at INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_client ON sessions (client_id);
CREATE INDEX sessions_by_last_seen ON sessions (last_seen_at);

CREATE TABLE session_subscriptions (
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  server_id TEXT NOT NULL REFERENCES servers (id) ON DELETE CASCADE,
  uri TEXT NOT NULL,
  PRIMARY KEY (session_id, server_id, uri)
) STRICT, WITHOUT ROWID;

CREATE INDEX session_subscriptions_by_server ON session_subscriptions (server_id);

-- An envelope is ciphertext bound to its server, Space, name and key; a row moved elsewhere does not decrypt.
CREATE TABLE credentials (
  server_id TEXT NOT NULL,
  space_id TEXT NOT NULL,
  name TEXT NOT NULL,
  key_id TEXT NOT NULL,
  envelope BLOB NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (server_id, name),
  FOREIGN KEY (server_id, space_id) REFERENCES servers (id, space_id) ON DELETE CASCADE
) STRICT;

CREATE TABLE consents (
  server_id TEXT NOT NULL PRIMARY KEY REFERENCES servers (id) ON DELETE CASCADE,
  seal TEXT NOT NULL,
  given_by TEXT NOT NULL,
  given_at INTEGER NOT NULL
) STRICT;

-- When a work that comes round again was last done.
CREATE TABLE upkeep (
  name TEXT NOT NULL PRIMARY KEY,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
  key TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
