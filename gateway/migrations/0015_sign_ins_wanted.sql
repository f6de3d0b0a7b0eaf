-- Servers that refused a request because nobody was signed in: known for it before they are contacted again.

CREATE TABLE sign_ins_wanted (
  server_id TEXT NOT NULL PRIMARY KEY REFERENCES servers (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Where a person signed in already, or McpMux registered for that.
INSERT INTO sign_ins_wanted (server_id)
  SELECT server_id FROM oauth_tokens
  UNION
  SELECT server_id FROM oauth_registrations WHERE kind <> 'given';

-- Another definition may be another server.
CREATE TRIGGER sign_ins_wanted_follow_definition AFTER UPDATE OF definition ON servers
WHEN old.definition <> new.definition
BEGIN
  DELETE FROM sign_ins_wanted WHERE server_id = old.id;
END;
