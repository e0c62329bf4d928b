-- Registrations that wait for their code, one row for each that was asked for: none replaces another one of the same
-- address. They are found by the SHA-256 of the id that whoever registered was answered. An account is made of one when
-- its code came back; accounts that were pending until now wait for another registration of their address.

CREATE TABLE registrations (
    registration_key text   PRIMARY KEY,
    account_id       uuid   NOT NULL, -- of the account that it may become
    email            text   NOT NULL CHECK (email = lower(email)),
    password_hash    text   NOT NULL,
    handle           text   NOT NULL,
    display_name     text   NOT NULL,
    role             text   NOT NULL,
    created_at_ms    bigint NOT NULL,
    expires_at_ms    bigint NOT NULL
);
CREATE INDEX registrations_email_idx ON registrations (email);
CREATE INDEX registrations_expiry_idx ON registrations (expires_at_ms);
