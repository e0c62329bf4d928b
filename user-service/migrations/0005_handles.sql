-- When the owner last chose another handle; 0 = never.
ALTER TABLE users ADD COLUMN handle_changed_at_ms bigint NOT NULL DEFAULT 0;

-- Handles that were given up: until then nobody but the last owner may take them.
CREATE TABLE handle_holds (
    handle text COLLATE "C" PRIMARY KEY,
    user_id uuid NOT NULL,
    until_ms bigint NOT NULL
);
