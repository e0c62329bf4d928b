/*
 * Redis URLs and connections; see redis_connection.h. Runs on the caller's thread. hiredis 0.14 has
 * no TLS: where that is needed, a side-car terminates it.
 */

#include "redis_connection.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"

#define CONNECT_TIMEOUT_MS 500
#define DEFAULT_PORT       6379
#define PREFIX             "redis://"

static struct timeval timeval_of_ms(int ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

static int hex_digit(char character)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = character == '\0' ? NULL : strchr(digits, character | 0x20);
    return found == NULL ? -1 : (int)(found - digits);
}

/* A copy of text[0..length) with %XX decoded; NULL when an escape is malformed or a NUL. */
static char *percent_decode(const char *text, size_t length)
{
    char *decoded = cc_alloc(length + 1);
    size_t at = 0;
    for (size_t i = 0; i < length; i++) {
        decoded[at++] = text[i];
        if (text[i] != '%')
            continue;
        int high = i + 2 < length ? hex_digit(text[i + 1]) : -1;
        int low = i + 2 < length ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0 || high + low == 0) {
            cc_free(decoded);
            return NULL;
        }
        decoded[at - 1] = (char)(high * 16 + low);
        i += 2;
    }
    decoded[at] = '\0';
    return decoded;
}

/* Decimal number in [0, most]; false for anything else. */
static bool parse_number(const char *text, size_t length, int most, int *out)
{
    int value = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9' || value > most / 10)
            return false;
        value = value * 10 + (text[i] - '0');
    }
    *out = value;
    return length > 0 && value <= most;
}

/* [user]:password in text[0..length), or nothing. */
static bool parse_credentials(const char *text, size_t length, struct cc_redis_address *out)
{
    const char *colon = memchr(text, ':', length);
    if (colon == NULL && length > 0)
        return false;
    size_t user_length = colon == NULL ? 0 : (size_t)(colon - text);
    out->user = percent_decode(text, user_length);
    out->password =
        colon == NULL ? cc_strdup("") : percent_decode(colon + 1, length - user_length - 1);
    return out->user != NULL && out->password != NULL;
}

/* host, host:port or [IPv6]:port in text[0..length). */
static bool parse_host(const char *text, size_t length, struct cc_redis_address *out)
{
    const char *end = text + length;
    bool bracketed = length > 0 && text[0] == '[';
    const char *close = bracketed ? memchr(text, ']', length) : NULL;
    if (bracketed && close == NULL)
        return false;
    const char *name = bracketed ? text + 1 : text;
    const char *colon = bracketed ? close + 1 : memchr(text, ':', length);
    const char *name_end = bracketed ? close : colon == NULL ? end : colon;
    out->host = cc_strndup(name, (size_t)(name_end - name));
    out->port = DEFAULT_PORT;
    if (colon != NULL && colon < end &&
        (*colon != ':' || !parse_number(colon + 1, (size_t)(end - colon - 1), 65535, &out->port)))
        return false;
    return out->host[0] != '\0' && out->port > 0;
}

static bool parse(const char *url, struct cc_redis_address *out)
{
    if (strncmp(url, PREFIX, strlen(PREFIX)) != 0)
        return false;
    const char *authority = url + strlen(PREFIX);
    size_t length = strcspn(authority, "/?#");
    const char *path = authority + length;
    const char *at = memrchr(authority, '@', length);
    size_t credentials = at == NULL ? 0 : (size_t)(at - authority);
    const char *host = at == NULL ? authority : at + 1;
    return parse_credentials(authority, credentials, out) &&
           parse_host(host, (size_t)(path - host), out) &&
           (path[0] == '\0' || strcmp(path, "/") == 0 ||
            (path[0] == '/' && parse_number(path + 1, strlen(path + 1), 9999, &out->database)));
}

enum cc_code cc_redis_address_parse(const char *url, struct cc_redis_address *out,
                                    struct cc_error *err)
{
    struct cc_redis_address address = {0};
    if (strncmp(url, "rediss:", 7) == 0)
        return cc_fail(
            err, CC_INVALID, "redis_url",
            "asks for TLS, which hiredis does not have here: put a TLS proxy next to it");
    if (!parse(url, &address)) {
        cc_redis_address_finish(&address);
        return cc_fail(err, CC_INVALID, "redis_url",
                       "is not of the form redis://[user:password@]host:port/db");
    }
    *out = address;
    return CC_OK;
}

void cc_redis_address_finish(struct cc_redis_address *address)
{
    cc_free(address->host);
    cc_free(address->user);
    cc_free(address->password);
    *address = (struct cc_redis_address){0};
}

static enum cc_code introduce(redisContext *context, int argc, const char **argv,
                              struct cc_error *err)
{
    CC_AUTO(redis_reply) redisReply *reply = redisCommandArgv(context, argc, argv, NULL);
    if (reply == NULL)
        return cc_fail_detail(err, CC_UNAVAILABLE, "redis: %s", context->errstr);
    if (reply->type == REDIS_REPLY_ERROR)
        return cc_fail_detail(err, CC_UNAVAILABLE, "redis: %s", reply->str);
    return CC_OK;
}

static enum cc_code log_in(redisContext *context, const struct cc_redis_address *address,
                           struct cc_error *err)
{
    const char *with_user[] = {"AUTH", address->user, address->password};
    const char *without[] = {"AUTH", address->password};
    if (address->password[0] == '\0')
        return CC_OK;
    return address->user[0] != '\0' ? introduce(context, 3, with_user, err)
                                    : introduce(context, 2, without, err);
}

static enum cc_code select_database(redisContext *context, const struct cc_redis_address *address,
                                    struct cc_error *err)
{
    char number[16];
    snprintf(number, sizeof number, "%d", address->database);
    const char *select[] = {"SELECT", number};
    return address->database == 0 ? CC_OK : introduce(context, 2, select, err);
}

redisContext *cc_redis_connect(const struct cc_redis_address *address, struct cc_error *err)
{
    redisContext *context =
        redisConnectWithTimeout(address->host, address->port, timeval_of_ms(CONNECT_TIMEOUT_MS));
    if (context == NULL || context->err != 0) {
        cc_fail_detail(err, CC_UNAVAILABLE, "redis: %s",
                       context == NULL ? "out of memory" : context->errstr);
    } else if (redisSetTimeout(context, timeval_of_ms(CC_REDIS_COMMAND_TIMEOUT_MS)) != REDIS_OK ||
               redisEnableKeepAlive(context) != REDIS_OK) {
        cc_fail_detail(err, CC_UNAVAILABLE, "redis: can't set socket options");
    } else if (log_in(context, address, err) == CC_OK &&
               select_database(context, address, err) == CC_OK) {
        return context;
    }
    if (context != NULL)
        redisFree(context);
    return NULL;
}

bool cc_redis_unblock(redisContext *context)
{
    context->flags &= ~REDIS_BLOCK; /* EAGAIN is no fault from now on */
    int flags = fcntl(context->fd, F_GETFL);
    return flags >= 0 && fcntl(context->fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

bool cc_redis_reply_is_transient(const redisReply *reply)
{
    static const char *const kinds[] = {"LOADING ",  "READONLY ", "MASTERDOWN ", "CLUSTERDOWN ",
                                        "TRYAGAIN ", "BUSY ",     "OOM ",        "NOREPLICAS "};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strncmp(reply->str, kinds[i], strlen(kinds[i])) == 0)
            return true;
    }
    return false;
}
