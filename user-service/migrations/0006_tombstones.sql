-- When the account was deleted; 0 = it was not. What is left of the row says only that there was somebody.
ALTER TABLE users ADD COLUMN deleted_at_ms bigint NOT NULL DEFAULT 0;
