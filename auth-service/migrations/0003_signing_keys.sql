-- Keys that sign access tokens, private parts encrypted; replicas read them every 2 s.

CREATE TABLE signing_keys (
    kid               text   PRIMARY KEY,
    sealed            text   NOT NULL,
    signs_from_ms     bigint NOT NULL,
    verifies_until_ms bigint -- NULL: it has no successor yet
);
