/* Digests of lists of chats. Any thread; pure. */

#include "domain/chat_digest.h"

#include <string.h>

#include "common/id.h"

#define FORMAT         2 /* another one when what is hashed changes: then everything differs once */
#define SUMS_FORMAT    1 /* without reads */
#define SUM_BYTES      6
#define SUM_MASK       ((UINT64_C(1) << (8 * SUM_BYTES)) - 1)
#define ALL_SUMS_BYTES (CHAT_DIGEST_BUCKETS * SUM_BYTES)
#define TEXT_BYTES     (1 + 2 * ALL_SUMS_BYTES)

#define FNV_OFFSET UINT64_C(14695981039346656037)
#define FNV_PRIME  UINT64_C(1099511628211)

static uint64_t mix_bytes(uint64_t hash, const void *bytes, size_t count)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < count; i++)
        hash = (hash ^ at[i]) * FNV_PRIME;
    return hash;
}

static uint64_t mix_number(uint64_t hash, int64_t number)
{
    unsigned char bytes[8];

    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)((uint64_t)number >> (8 * i));
    return mix_bytes(hash, bytes, sizeof(bytes));
}

/* Spreads every bit over all others (the finaliser of splitmix64): sums of near hashes differ. */
static uint64_t spread(uint64_t hash)
{
    hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
    return hash ^ (hash >> 31);
}

static uint64_t hash_of(const char *chat_id)
{
    return mix_bytes(FNV_OFFSET, chat_id, strlen(chat_id));
}

size_t chat_digest_bucket(const char *chat_id)
{
    return spread(hash_of(chat_id)) % CHAT_DIGEST_BUCKETS;
}

static void add_to(uint64_t *sum, uint64_t hash)
{
    *sum = (*sum + spread(hash)) & SUM_MASK;
}

void chat_digest_add(struct chat_digest *digest, const struct chat_list_entry *entry)
{
    const char *chat_id = entry->membership->chat_id;
    size_t bucket = chat_digest_bucket(chat_id);
    uint64_t id_hash = hash_of(chat_id), hash = id_hash;

    hash = mix_number(hash, entry->membership->version);
    hash = mix_number(hash, entry->membership->state);
    hash = mix_number(hash, entry->activity.rev);
    hash = mix_number(hash, entry->personal == NULL ? 0 : entry->personal->version);
    add_to(&digest->sums[bucket], hash);
    if (entry->read_seq > 0)
        add_to(&digest->reads[bucket], mix_number(id_hash, entry->read_seq));
}

static void put_sums(const uint64_t *sums, unsigned char *out)
{
    for (size_t i = 0; i < CHAT_DIGEST_BUCKETS; i++)
        for (size_t k = 0; k < SUM_BYTES; k++)
            out[i * SUM_BYTES + k] = (unsigned char)(sums[i] >> (8 * k));
}

static void take_sums(const unsigned char *bytes, uint64_t *out)
{
    for (size_t i = 0; i < CHAT_DIGEST_BUCKETS; i++)
        for (size_t k = 0; k < SUM_BYTES; k++)
            out[i] |= (uint64_t)bytes[i * SUM_BYTES + k] << (8 * k);
}

const char *chat_digest_text(struct cc_arena *arena, const struct chat_digest *digest)
{
    unsigned char bytes[TEXT_BYTES] = {FORMAT};
    char *text = cc_arena_alloc(arena, (TEXT_BYTES * 4 + 2) / 3 + 1);

    put_sums(digest->sums, bytes + 1);
    put_sums(digest->reads, bytes + 1 + ALL_SUMS_BYTES);
    cc_base64url_encode(bytes, sizeof(bytes), text);
    return text;
}

bool chat_digest_read(const char *text, struct chat_digest *out)
{
    unsigned char bytes[TEXT_BYTES] = {0};
    size_t count = 0;

    if (!cc_base64url_decode(text, strlen(text), bytes, sizeof(bytes), &count))
        return false;
    bool whole = count == TEXT_BYTES && bytes[0] == FORMAT;
    bool without_reads = count == 1 + ALL_SUMS_BYTES && bytes[0] == SUMS_FORMAT;
    if (!whole && !without_reads)
        return false;
    *out = (struct chat_digest){0};
    take_sums(bytes + 1, out->sums);
    take_sums(bytes + 1 + ALL_SUMS_BYTES, out->reads);
    return true;
}
