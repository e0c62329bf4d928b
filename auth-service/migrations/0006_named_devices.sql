-- Whether a refresh of the session has said which device it comes from: then all must.

ALTER TABLE sessions ADD COLUMN device_named boolean NOT NULL DEFAULT false;
