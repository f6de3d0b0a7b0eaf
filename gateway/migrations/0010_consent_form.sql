-- What was approved, as canonical JSON, so that a change can be shown against it. The seal is over this text; a consent
-- from before has none.

ALTER TABLE consents ADD COLUMN form TEXT;
