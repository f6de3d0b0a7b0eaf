-- Wrapping keys that may lie in a place and wrap nothing: noted before they are made, and when what they wrapped has
-- moved on. One that no data key names is removed from its place at the next unlock, and then from here.

CREATE TABLE wrapping_keys (
  wrapping_id TEXT NOT NULL PRIMARY KEY CHECK (length(wrapping_id) = 16),
  -- One that follows from a passphrase lies nowhere.
  place TEXT NOT NULL CHECK (place IN ('keychain', 'file'))
) STRICT, WITHOUT ROWID;
