-- Sign-ins of ours at the authorization servers of upstreams. Everything is bound to one server of one Space and to one
-- issuer; what is secret of it is an envelope.

-- Our client id at an issuer. `given` by a person, a `document` of ours at that address, or registered (`dynamic`).
CREATE TABLE oauth_registrations (
  server_id TEXT NOT NULL,
  space_id TEXT NOT NULL,
  issuer TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('given', 'document', 'dynamic')),
  client_id TEXT NOT NULL,
  auth_method TEXT NOT NULL CHECK (auth_method IN ('none', 'client_secret_basic', 'client_secret_post')),
  redirect_uri TEXT NOT NULL,
  -- Where a dynamic one is managed (RFC 7592).
  configuration_uri TEXT,
  -- Epoch milliseconds at which the secret ends; null for never.
  secret_expires_at INTEGER,
  -- The client secret and the token it is managed with, sealed as JSON; null when there is neither.
  key_id TEXT,
  envelope BLOB,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (server_id, issuer),
  FOREIGN KEY (server_id, space_id) REFERENCES servers (id, space_id) ON DELETE CASCADE,
  CHECK ((envelope IS NULL) = (key_id IS NULL))
) STRICT;

-- Tokens of one server from one issuer, good for one resource (RFC 8707) and sent nowhere else.
CREATE TABLE oauth_tokens (
  server_id TEXT NOT NULL,
  space_id TEXT NOT NULL,
  issuer TEXT NOT NULL,
  resource TEXT NOT NULL,
  -- The registration they were given to.
  client_id TEXT NOT NULL,
  -- One more with every writing: who refreshes writes only over what it read.
  version INTEGER NOT NULL,
  scope TEXT,
  key_id TEXT NOT NULL,
  -- Access and refresh token, sealed as JSON, with what the issuer said of itself (RFC 8414): where they may be sent.
  envelope BLOB NOT NULL,
  issued_at INTEGER NOT NULL,
  expires_at INTEGER,
  -- Why a person is needed; null while none is. The tokens stay, whatever it says.
  needs TEXT CHECK (needs IN ('refused', 'expired', 'scope')),
  -- Scopes a server asked for beyond those it got.
  wanted_scope TEXT,
  -- Epoch milliseconds until which a process that renews them may take; null while none does.
  claimed_until INTEGER,
  PRIMARY KEY (server_id, issuer, resource),
  FOREIGN KEY (server_id, space_id) REFERENCES servers (id, space_id) ON DELETE CASCADE
) STRICT;

-- A sign-in under way. Its state is looked up by hash, so that reading this file lets nobody finish it.
CREATE TABLE oauth_flows (
  id TEXT NOT NULL PRIMARY KEY,
  state_hash BLOB NOT NULL UNIQUE CHECK (length(state_hash) = 32),
  server_id TEXT NOT NULL,
  space_id TEXT NOT NULL,
  issuer TEXT NOT NULL,
  resource TEXT NOT NULL,
  scope TEXT,
  client_id TEXT NOT NULL,
  redirect_uri TEXT NOT NULL,
  key_id TEXT NOT NULL,
  -- The PKCE verifier, the address for the browser, and what the issuer said of itself (where the code may be sent),
  -- sealed as JSON.
  envelope BLOB NOT NULL,
  phase TEXT NOT NULL CHECK (phase IN ('waiting', 'received', 'done', 'failed', 'cancelled', 'expired')),
  -- The code of what went wrong, and a sentence of ours.
  error TEXT,
  detail TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  FOREIGN KEY (server_id, space_id) REFERENCES servers (id, space_id) ON DELETE CASCADE
) STRICT;

CREATE INDEX oauth_flows_by_server ON oauth_flows (server_id);
