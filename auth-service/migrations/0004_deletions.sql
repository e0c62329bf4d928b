-- Accounts that are being deleted. The row outlives the account, to say what became of it.

CREATE TABLE account_deletions (
    deletion_id     uuid   PRIMARY KEY,
    user_id         uuid   NOT NULL UNIQUE,
    state           text   NOT NULL CHECK (state IN ('requested', 'announced', 'completed')),
    requested_at_ms bigint NOT NULL,
    erase_from_ms   bigint NOT NULL, -- its last access token has expired by then
    changed_at_ms   bigint NOT NULL
);
CREATE INDEX account_deletions_open_idx ON account_deletions (state) WHERE state <> 'completed';

-- What an event is about is its key: a session, or a deletion.
ALTER TABLE event_outbox ADD COLUMN topic text NOT NULL DEFAULT 'session.revoked';
