-- Where a session was last seen from, and whether an administrator has closed the account for now.

ALTER TABLE sessions ADD COLUMN address text NOT NULL DEFAULT '';
CREATE INDEX sessions_address_idx ON sessions (user_id, address);

ALTER TABLE accounts ADD COLUMN suspended_at_ms bigint;
