-- Who did what. Entries are only ever added, each with a hash over itself and the one before.

CREATE TABLE audit_log (
  seq INTEGER NOT NULL PRIMARY KEY,
  at INTEGER NOT NULL,
  until INTEGER NOT NULL,
  count INTEGER NOT NULL CHECK (count > 0),
  action TEXT NOT NULL,
  via TEXT NOT NULL CHECK (via IN ('socket', 'window', 'client', 'gateway')),
  pid INTEGER,
  executable TEXT,
  actor_client TEXT,
  actor_credential TEXT,
  -- No references: an entry outlives what it is about.
  space_id TEXT,
  client_id TEXT,
  server_id TEXT,
  subject TEXT,
  detail TEXT,
  chain BLOB NOT NULL CHECK (length(chain) = 32)
) STRICT;

-- The newest entry, and the newest of those that were removed because of their age or number.
CREATE TABLE audit_ends (
  one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
  head_seq INTEGER NOT NULL,
  head_chain BLOB NOT NULL CHECK (length(head_chain) = 32),
  pruned_seq INTEGER NOT NULL CHECK (pruned_seq <= head_seq),
  pruned_chain BLOB NOT NULL CHECK (length(pruned_chain) = 32)
) STRICT;

INSERT INTO audit_ends VALUES (1, 0, zeroblob(32), 0, zeroblob(32));

CREATE TRIGGER audit_log_stays BEFORE UPDATE ON audit_log BEGIN
  SELECT RAISE(ABORT, 'an entry of the audit trail does not change');
END;

CREATE TRIGGER audit_log_is_kept BEFORE DELETE ON audit_log
WHEN old.seq > (SELECT pruned_seq FROM audit_ends) BEGIN
  SELECT RAISE(ABORT, 'an entry of the audit trail is not removed');
END;

-- Also what would replace an entry: a replacement is an insertion at its number.
CREATE TRIGGER audit_log_grows BEFORE INSERT ON audit_log
WHEN new.seq <> (SELECT head_seq + 1 FROM audit_ends) BEGIN
  SELECT RAISE(ABORT, 'an entry of the audit trail comes after the last one');
END;
