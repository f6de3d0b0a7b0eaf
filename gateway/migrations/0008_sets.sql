-- Rules about hints and kinds, rules that outlive their server, Feature Sets that every Space has, and how often tools
-- were used.

CREATE TABLE members_of_sets (
  set_id TEXT NOT NULL,
  space_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  mode TEXT NOT NULL CHECK (mode IN ('include', 'exclude')),
  type TEXT NOT NULL CHECK (type IN ('all', 'server', 'feature', 'pattern', 'hint', 'set')),
  server_id TEXT,
  -- What the server was called when it was removed; its id is gone then.
  gone_alias TEXT,
  gone_name TEXT,
  kind TEXT CHECK (kind IN ('tool', 'prompt', 'resource', 'template')),
  name TEXT,
  pattern TEXT,
  hint TEXT CHECK (hint IN ('readOnly', 'destructive', 'idempotent', 'openWorld')),
  hint_is INTEGER CHECK (hint_is IN (0, 1)),
  member_set_id TEXT,
  filled INTEGER NOT NULL DEFAULT 0 CHECK (filled IN (0, 1)),
  PRIMARY KEY (set_id, position),
  FOREIGN KEY (set_id, space_id) REFERENCES feature_sets (id, space_id) ON DELETE CASCADE,
  -- No cascade: a rule stays when its server goes.
  FOREIGN KEY (server_id, space_id) REFERENCES servers (id, space_id),
  -- No cascade: a set that others build on cannot vanish from under their excludes.
  FOREIGN KEY (member_set_id, space_id) REFERENCES feature_sets (id, space_id),
  CHECK ((server_id IS NOT NULL) + (gone_name IS NOT NULL) = (type IN ('server', 'feature'))),
  CHECK ((gone_alias IS NOT NULL) = (gone_name IS NOT NULL)),
  CHECK (type = 'pattern' OR (kind IS NOT NULL) = (type = 'feature')),
  CHECK ((name IS NOT NULL) = (type = 'feature')),
  CHECK ((pattern IS NOT NULL) = (type = 'pattern')),
  CHECK ((hint IS NOT NULL) = (type = 'hint')),
  CHECK ((hint_is IS NOT NULL) = (type = 'hint')),
  CHECK ((member_set_id IS NOT NULL) = (type = 'set'))
) STRICT, WITHOUT ROWID;

INSERT INTO members_of_sets (set_id, space_id, position, mode, type, server_id, kind, name, pattern, member_set_id)
  SELECT set_id, space_id, position, mode, type, server_id, kind, name, pattern, member_set_id FROM set_members;
DROP TABLE set_members;
ALTER TABLE members_of_sets RENAME TO set_members;

CREATE INDEX set_members_by_server ON set_members (server_id) WHERE server_id IS NOT NULL;
CREATE INDEX set_members_by_member ON set_members (member_set_id) WHERE member_set_id IS NOT NULL;

CREATE TRIGGER rules_outlive_servers BEFORE DELETE ON servers
BEGIN
  UPDATE set_members SET server_id = NULL, gone_alias = old.alias, gone_name = old.name WHERE server_id = old.id;
END;

ALTER TABLE feature_sets ADD COLUMN preset TEXT
  CHECK (preset IN ('all', 'read-only', 'no-destructive', 'lean'));
ALTER TABLE feature_sets ADD COLUMN filled_at INTEGER;
CREATE UNIQUE INDEX one_of_each_preset ON feature_sets (space_id, preset) WHERE preset IS NOT NULL;

-- Calls of a tool on one day, counted in days since the epoch.
CREATE TABLE tool_usage (
  server_id TEXT NOT NULL REFERENCES servers (id) ON DELETE CASCADE,
  tool TEXT NOT NULL,
  day INTEGER NOT NULL,
  calls INTEGER NOT NULL CHECK (calls > 0),
  PRIMARY KEY (server_id, tool, day)
) STRICT, WITHOUT ROWID;
