-- What people have set for themselves, on all their devices; who has no row has the defaults.
CREATE TABLE settings (
    user_id uuid PRIMARY KEY,
    version bigint NOT NULL,
    -- Who sees presence: everybody, shared_chats, nobody.
    presence_audience text NOT NULL,
    invisible boolean NOT NULL,
    do_not_disturb boolean NOT NULL,
    -- Epoch ms; 0 = until it is switched off.
    do_not_disturb_until_ms bigint NOT NULL,
    -- The clients' own, kept as it came.
    client json NOT NULL
);
