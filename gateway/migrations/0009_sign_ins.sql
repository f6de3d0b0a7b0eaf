-- Clients without an access key: who asked to sign in, what a person allowed, and what they come back with.

-- Gets the default Feature Set of whatever Space it works in.
ALTER TABLE clients ADD COLUMN everywhere INTEGER NOT NULL DEFAULT 0 CHECK (everywhere IN (0, 1));

-- All that an applicant says of itself is a claim. client_id is set by an approval.
CREATE TABLE applicants (
  id TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('registered', 'document')),
  name TEXT NOT NULL,
  redirect_uris TEXT NOT NULL,
  client_id TEXT REFERENCES clients (id) ON DELETE SET NULL,
  created_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL
) STRICT;

CREATE INDEX applicants_by_client ON applicants (client_id) WHERE client_id IS NOT NULL;

CREATE TABLE sign_ins (
  id TEXT NOT NULL PRIMARY KEY,
  client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
  applicant_id TEXT NOT NULL REFERENCES applicants (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  last_used_at INTEGER,
  revoked_at INTEGER
) STRICT;

CREATE INDEX sign_ins_by_client ON sign_ins (client_id);
CREATE INDEX sign_ins_by_applicant ON sign_ins (applicant_id);

-- hash is the SHA-256 of the token. One that was used stays for a while, so that its second use is noticed.
CREATE TABLE refresh_tokens (
  hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
  sign_in_id TEXT NOT NULL REFERENCES sign_ins (id) ON DELETE CASCADE,
  issued_at INTEGER NOT NULL,
  used_at INTEGER,
  next_hash BLOB CHECK (length(next_hash) = 32),
  CHECK ((used_at IS NULL) = (next_hash IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX refresh_tokens_by_sign_in ON refresh_tokens (sign_in_id);
