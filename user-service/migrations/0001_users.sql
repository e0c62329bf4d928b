-- People and their public profiles. The schema and its search_path are the runner's business.
CREATE TABLE users (
    user_id uuid PRIMARY KEY,
    -- Folded (see internal/domain/handle.c); byte order, so that a prefix is a range of the index.
    handle text COLLATE "C" NOT NULL CONSTRAINT users_handle_key UNIQUE,
    display_name text NOT NULL,
    email text NOT NULL,
    bio text NOT NULL DEFAULT '',
    avatar_media_id uuid,
    locale text NOT NULL DEFAULT '',
    time_zone text NOT NULL DEFAULT '',
    metadata json NOT NULL DEFAULT '{}',
    version bigint NOT NULL DEFAULT 1,
    -- Changed by its owner: a late repeat of the registration no longer replaces anything.
    edited boolean NOT NULL DEFAULT false,
    created_at_ms bigint NOT NULL
);

-- Facts that user.updated still has to tell; a row is deleted when Kafka has it.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL,
    user_id uuid NOT NULL,
    change text NOT NULL,
    handle text NOT NULL,
    display_name text NOT NULL,
    occurred_at_ms bigint NOT NULL
);
CREATE INDEX outbox_by_user ON outbox (user_id, id);
