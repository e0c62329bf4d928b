/* Counters in Redis; see guess_limits.h. Runs on request threads. Keys hold hashes of addresses. */

#include "guess_limits.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/metrics.h"
#include "domain/network_address.h"
#include "domain/otp.h"

struct rule {
    const char *name; /* of the key, and of the metric */
    int most, window_s;
};
static const struct rule password_here = {"password-here", 10, 900}, /* one account, one place */
    password_all = {"password", 50, 900},                            /* one account */
    device_here = {"password-device", 10, 900}, /* one account, one device that it knows */
    device_all = {"password-devices", 50, 900}, /* one account, all those: who knew the password
                                                   once may have named many */
    mail_here = {"otp-here", OTP_SENDS_MAX, OTP_SENDS_WINDOW_S},
                         mail_all = {"otp", 3 * OTP_SENDS_MAX, OTP_SENDS_WINDOW_S};

/* All or none of the buckets are counted up: what is refused does not count. */
static struct cc_redis_script take_script = {
    .source = "local wait = 0 for i = 1, #KEYS do "
              "if tonumber(redis.call('GET', KEYS[i]) or '0') >= tonumber(ARGV[2 * i - 1]) then "
              "wait = math.max(wait, redis.call('PTTL', KEYS[i]), 1) end end "
              "if wait > 0 then return wait end for i = 1, #KEYS do "
              "if redis.call('INCR', KEYS[i]) == 1 then "
              "redis.call('EXPIRE', KEYS[i], ARGV[2 * i]) end end return 0"};
static struct cc_redis_script give_back_script = {
    .source = "for i = 1, #KEYS do if tonumber(redis.call('GET', KEYS[i]) or '0') > 0 then "
              "redis.call('DECR', KEYS[i]) end end return 0"};

/* `subject` is hashed: it may be an e-mail address. `place`: an address or a device. */
static void add_bucket(struct auth_counted *buckets, const struct rule *rule, const char *subject,
                       const char *place)
{
    struct auth_bucket *bucket = &buckets->items[buckets->count++];
    char text[EMAIL_ADDRESS_BYTES + SESSION_DEVICE_ID_BYTES + 1], hash[65];
    int length = snprintf(text, sizeof text, "%s %s", subject, place);
    cc_sha256_hex(text, (size_t)length, hash);
    (void)snprintf(bucket->key, sizeof bucket->key, "rate:%s:%s", rule->name, hash);
    (void)snprintf(bucket->most, sizeof bucket->most, "%d", rule->most);
    (void)snprintf(bucket->window_s, sizeof bucket->window_s, "%d", rule->window_s);
}

static enum cc_code eval(struct auth_app *app, struct cc_redis_script *script,
                         const struct auth_counted *buckets, int64_t *out, struct cc_error *err)
{
    CC_AUTO(redis_reply) redisReply *reply = NULL;
    const char *argv[3 * AUTH_BUCKETS_MAX];
    for (size_t i = 0; i < buckets->count; i++) {
        argv[i] = buckets->items[i].key;
        argv[buckets->count + 2 * i] = buckets->items[i].most;
        argv[buckets->count + 2 * i + 1] = buckets->items[i].window_s;
    }
    CC_TRY(cc_redis_eval(app->redis, script, buckets->count, 3 * buckets->count, argv, NULL, &reply,
                         err));
    *out = reply->integer;
    return CC_OK;
}

static enum cc_code take(struct auth_app *app, const struct auth_counted *buckets, const char *what,
                         struct cc_error *err)
{
    int64_t wait_ms;
    CC_TRY(eval(app, &take_script, buckets, &wait_ms, err));
    if (wait_ms == 0)
        return CC_OK;
    cc_counter_add(
        cc_counter_get("auth_limited_total", "Requests refused by a limit.", "limit", what, NULL),
        1);
    (void)cc_fail(err, CC_RATE_LIMITED, NULL, "Too many tries. Please wait.");
    return cc_fail_retry_after(err, (int)wait_ms);
}

/* Counts against the account, unless its owner was logged in from there before. */
static enum cc_code take_for_account(struct auth_app *app, struct auth_counted *buckets,
                                     const struct rule *account_rule, const char *email,
                                     const char *address, struct cc_error *err)
{
    bool is_known = false;
    struct cc_error ignored = {0};
    const size_t of_place = buckets->count;
    add_bucket(buckets, account_rule, email, "");
    enum cc_code code = take(app, buckets, account_rule->name, err);
    if (code != CC_RATE_LIMITED)
        return code;
    if (account_store_has_used_address(app->accounts, email, address, &is_known, &ignored) !=
            CC_OK ||
        !is_known)
        return code;
    buckets->count = of_place;
    return take(app, buckets, account_rule->name, err);
}

static void add_place(struct auth_counted *buckets, const struct rule *rule, const char *email,
                      const char *address)
{
    char place[NETWORK_ADDRESS_BYTES];
    network_address_scope(address, place);
    add_bucket(buckets, rule, email, place);
}

/* Of all accounts together. */
static void add_guesses_of_place(const struct auth_app *app, struct auth_counted *buckets,
                                 const char *address)
{
    const struct rule rule = {"guess-from", (int)app->settings->guesses_per_address, 900};
    add_place(buckets, &rule, "", address);
}

void auth_uncount(struct auth_app *app, const struct auth_counted *counted)
{
    struct cc_error err = {0};
    int64_t ignored;
    if (eval(app, &give_back_script, counted, &ignored, &err) != CC_OK)
        cc_log_error(CC_LOG_WARN, "what should not count was counted", &err, NULL);
}

static enum cc_code limit_known_device(struct auth_app *app, const struct auth_guesser *guesser,
                                       struct auth_counted *out, struct cc_error *err)
{
    add_bucket(out, &device_here, guesser->email, guesser->device_id);
    add_bucket(out, &device_all, guesser->email, "");
    return take(app, out, device_here.name, err);
}

enum cc_code auth_limit_password(struct auth_app *app, const struct auth_guesser *guesser,
                                 struct auth_counted *out, struct cc_error *err)
{
    out->count = 0;
    if (guesser->device_id != NULL)
        return limit_known_device(app, guesser, out, err);
    add_place(out, &password_here, guesser->email, guesser->address);
    add_guesses_of_place(app, out, guesser->address);
    return take_for_account(app, out, &password_all, guesser->email, guesser->address, err);
}

enum cc_code auth_limit_code(struct auth_app *app, const char *address, struct auth_counted *out,
                             struct cc_error *err)
{
    out->count = 0;
    add_guesses_of_place(app, out, address);
    return take(app, out, "code", err);
}

enum cc_code auth_limit_mail(struct auth_app *app, const char *email, const char *address,
                             struct auth_counted *out, struct cc_error *err)
{
    out->count = 0;
    add_place(out, &mail_here, email, address);
    return take_for_account(app, out, &mail_all, email, address, err);
}
