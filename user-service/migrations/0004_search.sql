-- Under what a person is found by name: the folded name from each of its words on (internal/domain/name.c), so that any
-- word's beginning is a range of the index. Byte order, as for handles.
CREATE TABLE name_keys (
    user_id uuid NOT NULL,
    key text COLLATE "C" NOT NULL,
    PRIMARY KEY (user_id, key)
);
CREATE INDEX name_keys_by_key ON name_keys (key, user_id);

-- Names from before: folded nearly as the service does; the next change of a profile does it exactly.
INSERT INTO name_keys (user_id, key)
SELECT DISTINCT user_id, left(array_to_string(words[place:], ' '), 31)
FROM (
    SELECT user_id, regexp_split_to_array(trim(regexp_replace(regexp_replace(
        lower(normalize(display_name, NFKD)), '[\u0300-\u036F]', '', 'g'), '[\s[:punct:]]+', ' ', 'g')), ' ') AS words
    FROM users
) AS folded, generate_subscripts(words, 1) AS place
WHERE place <= 8 AND words[place] <> '';
