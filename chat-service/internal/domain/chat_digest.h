#ifndef CHAT_DOMAIN_CHAT_DIGEST_H
#define CHAT_DOMAIN_CHAT_DIGEST_H

/*
 * What a person's list of chats looked like, in a kilobyte and a half: the cursor of the list's
 * changes. Chats fall into buckets by their id; a bucket is the sum of hashes of what its chats are
 * like, and apart from it how far they are read, which another service knows and may not tell. Two
 * digests differ in a bucket exactly when one of its chats is new, gone or different (but for one
 * chance in 2^48). No clock and no memory of what was told is needed, so that any node can answer,
 * and nothing is missed that becomes known late. Pure; any thread.
 */

#include "common/arena.h"
#include "domain/chat_list.h"

#define CHAT_DIGEST_BUCKETS 128

struct chat_digest {
    uint64_t sums[CHAT_DIGEST_BUCKETS];  /* 48 bits; 0 = no chat there */
    uint64_t reads[CHAT_DIGEST_BUCKETS]; /* 48 bits; 0 = nothing read there, or not known */
};
size_t chat_digest_bucket(const char *chat_id);
void chat_digest_add(struct chat_digest *digest, const struct chat_list_entry *entry);

/* Opaque text, in the arena. */
const char *chat_digest_text(struct cc_arena *arena, const struct chat_digest *digest);
/* False when the text is not one of ours. One of before read positions were in it is read as one of
 * somebody who has read nothing. */
bool chat_digest_read(const char *text, struct chat_digest *out);

#endif
