-- Accounts, sessions and what still has to leave the service. Times are epoch milliseconds (UTC).
-- No password, refresh token or access token is stored: only hashes.

CREATE TABLE accounts (
    account_id    uuid    PRIMARY KEY,
    email         text    NOT NULL CONSTRAINT accounts_email_key UNIQUE CHECK (email = lower(email)),
    password_hash text    NOT NULL,
    handle        text    NOT NULL,
    display_name  text    NOT NULL,
    role          text    NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),
    active        boolean NOT NULL DEFAULT false,
    has_profile   boolean NOT NULL DEFAULT false,
    created_at_ms bigint  NOT NULL
);

CREATE TABLE sessions (
    session_id       uuid   PRIMARY KEY,
    user_id          uuid   NOT NULL REFERENCES accounts (account_id) ON DELETE CASCADE,
    device_id        text   NOT NULL,
    device_name      text   NOT NULL,
    rotation_key     text   NOT NULL,
    created_at_ms    bigint NOT NULL,
    last_seen_at_ms  bigint NOT NULL,
    expires_at_ms    bigint NOT NULL,
    revoked_at_ms    bigint,
    revoked_until_ms bigint
);
-- One living session per device.
CREATE UNIQUE INDEX sessions_living_key ON sessions (user_id, device_id) WHERE revoked_at_ms IS NULL;
CREATE INDEX sessions_revoked_idx ON sessions (revoked_until_ms) WHERE revoked_at_ms IS NOT NULL;
CREATE INDEX sessions_expiry_idx ON sessions (expires_at_ms);

CREATE TABLE refresh_tokens (
    token_hash    text   PRIMARY KEY,
    session_id    uuid   NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
    expires_at_ms bigint NOT NULL,
    rotated_at_ms bigint
);
CREATE INDEX refresh_tokens_session_idx ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_expiry_idx ON refresh_tokens (expires_at_ms);

CREATE TABLE mail_outbox (
    mail_id       uuid    PRIMARY KEY,
    recipient     text    NOT NULL,
    subject       text    NOT NULL,
    text_body     text    NOT NULL,
    html_body     text    NOT NULL,
    created_at_ms bigint  NOT NULL,
    expires_at_ms bigint  NOT NULL,
    next_try_ms   bigint  NOT NULL,
    tries         integer NOT NULL DEFAULT 0
);
CREATE INDEX mail_outbox_due_idx ON mail_outbox (next_try_ms);

-- A session ends once: its id is the event's identity.
CREATE TABLE event_outbox (
    session_id    uuid   PRIMARY KEY,
    user_id       uuid   NOT NULL,
    reason        text   NOT NULL,
    at_ms         bigint NOT NULL,
    until_ms      bigint NOT NULL,
    next_try_ms   bigint NOT NULL
);
CREATE INDEX event_outbox_due_idx ON event_outbox (next_try_ms);
