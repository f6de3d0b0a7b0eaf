-- One key at a time seals the fields of this file; what unwraps it lies outside. A retired key stays, so that what it
-- sealed can be read again should its wrapping key come back.

CREATE TABLE data_keys (
  id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  active INTEGER NOT NULL CHECK (active IN (0, 1)),
  place TEXT NOT NULL CHECK (place IN ('keychain', 'passphrase', 'file')),
  -- Names the wrapping key in its place.
  wrapping_id TEXT NOT NULL,
  -- How a wrapping key follows from a passphrase, as JSON.
  derivation TEXT,
  wrapped BLOB NOT NULL,
  -- How many envelopes it made: a random nonce may be used 2^32 times (NIST SP 800-38D, 8.3).
  sealed INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  CHECK ((derivation IS NOT NULL) = (place = 'passphrase'))
) STRICT;

CREATE UNIQUE INDEX one_active_data_key ON data_keys (active) WHERE active = 1;

-- Keys of the gateway's own that are to be secret at rest.
CREATE TABLE vault_secrets (
  name TEXT NOT NULL PRIMARY KEY,
  key_id TEXT NOT NULL,
  envelope BLOB NOT NULL
) STRICT;
