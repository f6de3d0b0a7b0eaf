-- A client that is neither pinned nor follows: the person says each time in which Space it works.

ALTER TABLE clients ADD COLUMN asks INTEGER NOT NULL DEFAULT 0 CHECK (asks IN (0, 1) AND (asks = 0 OR space_id IS NULL));
