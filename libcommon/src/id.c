/* UUIDs, hashes, base64url and randomness. Any thread; a source of ids has a lock of its own. Keys
 * and signatures are jwt_*.c's. */

#include "common/id.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>

#include "common/alloc.h"

static const char hex_digits[] = "0123456789abcdef";

/* ---- randomness ---- */

static void system_fill(const struct cc_random *random, void *out, size_t count)
{
    (void)random;
    unsigned char *at = out;
    while (count > 0) {
        ssize_t got = getrandom(at, count, 0);
        if (got < 0 && errno != EINTR)
            abort(); /* no kernel that we run on can fail here; guessable secrets are worse */
        if (got > 0) {
            at += got;
            count -= (size_t)got;
        }
    }
}

const struct cc_random *cc_random_system(void)
{
    static const struct cc_random system_random = {system_fill};
    return &system_random;
}

uint64_t cc_random_below(const struct cc_random *random, uint64_t bound)
{
    uint64_t skipped = (UINT64_MAX - bound + 1) % bound; /* 2^64 mod bound: the biased values */
    uint64_t value;
    do
        random->fill(random, &value, sizeof value);
    while (value < skipped);
    return value % bound;
}

/* ---- UUIDs ---- */

struct cc_ids {
    const struct cc_clock *clock;
    const struct cc_random *random;
    pthread_mutex_t lock; /* last_ms, counter */
    int64_t last_ms;
    uint32_t counter; /* 18 bits: rand_a and the first 6 bits of rand_b */
};

#define COUNTER_BITS 18
#define COUNTER_MAX  ((UINT32_C(1) << COUNTER_BITS) - 1)
#define SEED_BITS    17 /* a fresh counter starts in the lower half: room to count up */

struct cc_ids *cc_ids_create(const struct cc_clock *clock, const struct cc_random *random)
{
    struct cc_ids *ids = cc_calloc(1, sizeof *ids);
    ids->clock = clock;
    ids->random = random;
    pthread_mutex_init(&ids->lock, NULL);
    return ids;
}

void cc_ids_destroy(struct cc_ids *ids)
{
    if (ids == NULL)
        return;
    pthread_mutex_destroy(&ids->lock);
    cc_free(ids);
}

static void format_uuid(const unsigned char bytes[16], char out[CC_UUID_BYTES])
{
    char *at = out;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = hex_digits[bytes[i] >> 4];
        *at++ = hex_digits[bytes[i] & 15];
    }
    *at = '\0';
}

static void set_version(unsigned char bytes[16], int version)
{
    bytes[6] = (unsigned char)((bytes[6] & 0x0F) | version << 4);
    bytes[8] = (unsigned char)((bytes[8] & 0x3F) | 0x80);
}

/* Within a millisecond, and while the clock goes backwards, the counter alone orders the ids; when
 * it is full, the time is taken one millisecond ahead (RFC 9562 section 6.2). */
static void next_tick(struct cc_ids *ids, uint32_t seed, int64_t *out_ms, uint32_t *out_counter)
{
    pthread_mutex_lock(&ids->lock);
    int64_t now = cc_wall_ms(ids->clock);
    if (now > ids->last_ms) {
        ids->last_ms = now;
        ids->counter = seed;
    } else if (ids->counter == COUNTER_MAX) {
        ids->last_ms++;
        ids->counter = seed;
    } else {
        ids->counter++;
    }
    *out_ms = ids->last_ms;
    *out_counter = ids->counter;
    pthread_mutex_unlock(&ids->lock);
}

void cc_ids_next(struct cc_ids *ids, char out[CC_UUID_BYTES])
{
    unsigned char bytes[16];
    uint32_t seed, counter;
    int64_t ms;
    ids->random->fill(ids->random, bytes, sizeof bytes);
    memcpy(&seed, bytes, sizeof seed); /* these bytes are overwritten below */
    next_tick(ids, seed & ((UINT32_C(1) << SEED_BITS) - 1), &ms, &counter);
    for (int i = 0; i < 6; i++)
        bytes[i] = (unsigned char)(ms >> (40 - 8 * i));
    bytes[6] = (unsigned char)(counter >> 14); /* the version takes the upper half */
    bytes[7] = (unsigned char)(counter >> 6);
    bytes[8] = (unsigned char)(counter & 0x3F); /* the variant takes two bits */
    set_version(bytes, 7);
    format_uuid(bytes, out);
}

static bool is_hex(char character)
{
    return (character >= '0' && character <= '9') || (character >= 'a' && character <= 'f') ||
           (character >= 'A' && character <= 'F');
}

bool cc_uuid_valid(const char *text, size_t length)
{
    if (length != CC_UUID_BYTES - 1)
        return false;
    for (size_t i = 0; i < length; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !is_hex(text[i]))
            return false;
    }
    return true;
}

void cc_uuid_normalise(char text[CC_UUID_BYTES])
{
    for (char *at = text; *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'F')
            *at = (char)(*at - 'A' + 'a');
}

/* ---- hashes ---- */

static void must(int openssl_result)
{
    if (openssl_result != 1)
        abort(); /* SHA-256 of bytes in memory has no way to fail but a broken library */
}

void cc_uuid_hash(const char *const *fields, size_t count, char out[CC_UUID_BYTES])
{
    unsigned char digest[32];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    must(context != NULL);
    must(EVP_DigestInit_ex(context, EVP_sha256(), NULL));
    must(EVP_DigestUpdate(context, "\x01", 1));
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(fields[i]);
        unsigned char prefix[4] = {(unsigned char)(length >> 24), (unsigned char)(length >> 16),
                                   (unsigned char)(length >> 8), (unsigned char)length};
        must(EVP_DigestUpdate(context, prefix, sizeof prefix));
        must(EVP_DigestUpdate(context, fields[i], length));
    }
    must(EVP_DigestFinal_ex(context, digest, NULL));
    EVP_MD_CTX_free(context);
    set_version(digest, 8);
    format_uuid(digest, out);
}

void cc_op_id(const char *sender_id, const char *chat_id, const char *client_msg_id,
              char out[CC_UUID_BYTES])
{
    const char *fields[] = {sender_id, chat_id, client_msg_id};
    cc_uuid_hash(fields, 3, out);
}

void cc_sha256_hex(const void *bytes, size_t count, char out[65])
{
    unsigned char digest[32];
    must(EVP_Digest(bytes, count, digest, NULL, EVP_sha256(), NULL));
    for (int i = 0; i < 32; i++) {
        out[2 * i] = hex_digits[digest[i] >> 4];
        out[2 * i + 1] = hex_digits[digest[i] & 15];
    }
    out[64] = '\0';
}

/* ---- base64url ---- */

static const char base64url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t cc_base64url_encode(const void *bytes, size_t count, char *out)
{
    const unsigned char *at = bytes;
    uint32_t pending = 0;
    unsigned pending_bits = 0;
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        pending = (pending << 8) | at[i];
        pending_bits += 8;
        while (pending_bits >= 6) {
            pending_bits -= 6;
            out[length++] = base64url_alphabet[(pending >> pending_bits) & 63];
        }
    }
    if (pending_bits > 0)
        out[length++] = base64url_alphabet[(pending << (6 - pending_bits)) & 63];
    out[length] = '\0';
    return length;
}

static int base64url_value(char character)
{
    if (character >= 'A' && character <= 'Z')
        return character - 'A';
    if (character >= 'a' && character <= 'z')
        return character - 'a' + 26;
    if (character >= '0' && character <= '9')
        return character - '0' + 52;
    return character == '-' ? 62 : character == '_' ? 63 : -1;
}

/* The unused bits of the last character must be zero: one text for one value. */
bool cc_base64url_decode(const char *text, size_t length, void *out, size_t out_size,
                         size_t *out_count)
{
    unsigned char *bytes = out;
    uint32_t pending = 0;
    unsigned pending_bits = 0;
    size_t count = 0;
    if (length % 4 == 1)
        return false;
    for (size_t i = 0; i < length; i++) {
        int value = base64url_value(text[i]);
        if (value < 0)
            return false;
        pending = (pending << 6) | (uint32_t)value;
        pending_bits += 6;
        if (pending_bits < 8)
            continue;
        pending_bits -= 8;
        if (count == out_size)
            return false;
        bytes[count++] = (unsigned char)(pending >> pending_bits);
    }
    if ((pending & ((UINT32_C(1) << pending_bits) - 1)) != 0)
        return false;
    *out_count = count;
    return true;
}

void cc_secret_token(const struct cc_random *random, char out[44])
{
    unsigned char bytes[32];
    random->fill(random, bytes, sizeof bytes);
    cc_base64url_encode(bytes, sizeof bytes, out);
    OPENSSL_cleanse(bytes, sizeof bytes);
}

bool cc_secret_equal(const char *a, const char *b)
{
    size_t length = strlen(a);
    return length == strlen(b) && CRYPTO_memcmp(a, b, length) == 0;
}
