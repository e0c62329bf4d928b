-- Whom people have blocked. Neither side is a foreign key: what is left of somebody who goes meanwhile does no harm.
CREATE TABLE blocks (
    blocker_id uuid NOT NULL,
    blocked_id uuid NOT NULL,
    created_at_ms bigint NOT NULL,
    PRIMARY KEY (blocker_id, blocked_id)
);
CREATE INDEX blocks_by_blocked ON blocks (blocked_id);

-- The version of what a fact is about; 0 = it has none.
ALTER TABLE outbox ADD COLUMN change_version bigint NOT NULL DEFAULT 0;
