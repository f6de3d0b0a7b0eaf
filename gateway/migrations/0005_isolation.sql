-- Who shares the process of a server.

ALTER TABLE servers ADD COLUMN isolation TEXT NOT NULL DEFAULT 'shared'
  CHECK (isolation IN ('shared', 'client', 'session'));
