/* See people.h. */

#include "testing.h"

#include "people.h"

#include <string.h>

struct person a_person(struct fixture *f)
{
    char id[CC_UUID_BYTES];
    cc_ids_next(f->service.runtime.ids, id);
    const char *handle = cc_arena_printf(f->arena, "ada_%.8s_%.4s", id + 24, id + 19);
    return (struct person){cc_arena_printf(f->arena, "%s@example.org", handle), handle,
                           "noverificationidnoverificationidnoverificat"};
}

static struct answer remember_id(struct fixture *f, struct person *person, struct answer answer)
{
    if (answer.status == 202)
        person->verification_id = json_text(f, answer.body, "verification_id");
    return answer;
}

struct answer register_as(struct fixture *f, struct person *person, const char *password)
{
    return remember_id(
        f, person,
        service_call(f, "POST", "/v1/auth/register", NULL,
                     cc_arena_printf(f->arena,
                                     "{\"email\":\"%s\",\"password\":\"%s\",\"handle\":\"%s\","
                                     "\"display_name\":\"Ada Lovelace\"}",
                                     person->email, password, person->handle)));
}

const char *code_body(struct fixture *f, struct person person, const char *more)
{
    if (person.verification_id == NULL)
        return cc_arena_printf(f->arena, "{\"email\":\"%s\"%s}", person.email, more);
    return cc_arena_printf(f->arena, "{\"verification_id\":\"%s\",\"email\":\"%s\"%s}",
                           person.verification_id, person.email, more);
}

struct answer verify_as(struct fixture *f, struct person person, const char *code,
                        const char *handle)
{
    const char *more =
        handle == NULL
            ? cc_arena_printf(f->arena, ",\"code\":\"%s\"", code)
            : cc_arena_printf(f->arena, ",\"code\":\"%s\",\"handle\":\"%s\"", code, handle);
    return service_call(f, "POST", "/v1/auth/otp/verify", NULL, code_body(f, person, more));
}

struct answer verify(struct fixture *f, struct person person, const char *code)
{
    return verify_as(f, person, code, NULL);
}

struct answer resend(struct fixture *f, struct person person)
{
    return service_call(f, "POST", "/v1/auth/otp/resend", NULL, code_body(f, person, ""));
}

struct answer forgot(struct fixture *f, struct person *person)
{
    return remember_id(
        f, person,
        service_call(f, "POST", "/v1/auth/password/forgot", NULL,
                     cc_arena_printf(f->arena, "{\"email\":\"%s\"}", person->email)));
}

struct answer reset(struct fixture *f, struct person person, const char *code, const char *password)
{
    const char *more =
        cc_arena_printf(f->arena, ",\"code\":\"%s\",\"password\":\"%s\"", code, password);
    return service_call(f, "POST", "/v1/auth/password/reset", NULL, code_body(f, person, more));
}

const char *code_key(struct fixture *f, struct person person, const char *purpose)
{
    char hash[REGISTRATION_KEY_BYTES];
    registration_key(person.verification_id, hash);
    return cc_arena_printf(f->arena, "otp:%s:%s", purpose, hash);
}

void forget_code(struct fixture *f, struct person person)
{
    CC_AUTO(redis_reply) redisReply *reply = NULL;
    struct cc_error err = {0};
    const char *key = code_key(f, person, OTP_PURPOSE_VERIFY);
    assert_int_equal(cc_redis_do(f->service.app.redis, &reply, &err, "DEL", key, NULL), CC_OK);
    assert_int_equal(reply->integer, 1);
}

static struct answer post_login(struct fixture *f, struct person person, const char *password,
                                const char *device_id, const char *more)
{
    return service_call(
        f, "POST", "/v1/auth/login", NULL,
        cc_arena_printf(f->arena,
                        "{\"email\":\"%s\",\"password\":\"%s\",\"device_id\":\"%s\","
                        "\"device_name\":\"Telephone\"%s}",
                        person.email, password, device_id, more));
}

struct answer log_in(struct fixture *f, struct person person, const char *password,
                     const char *device_id)
{
    return post_login(f, person, password, device_id, "");
}

struct answer change_password(struct fixture *f, const char *access_token, const char *current,
                              const char *fresh)
{
    return service_call(f, "POST", "/v1/auth/password/change", access_token,
                        cc_arena_printf(f->arena,
                                        "{\"current_password\":\"%s\",\"new_password\":\"%s\"}",
                                        current, fresh));
}

struct answer log_in_known(struct fixture *f, struct person person, const char *password,
                           const char *device_id, const char *device_token)
{
    return post_login(f, person, password, device_id,
                      cc_arena_printf(f->arena, ",\"device_token\":\"%s\"", device_token));
}

const char *logout_body(struct fixture *f, const char *refresh_token)
{
    return cc_arena_printf(f->arena, "{\"refresh_token\":\"%s\"}", refresh_token);
}

const char *refresh_body(struct fixture *f, const char *refresh_token, const char *device_id)
{
    return cc_arena_printf(f->arena, "{\"refresh_token\":\"%s\",\"device_id\":\"%s\"}",
                           refresh_token, device_id);
}

struct answer refresh_on(struct fixture *f, const char *refresh_token, const char *device_id)
{
    return service_call(f, "POST", "/v1/auth/refresh", NULL,
                        refresh_body(f, refresh_token, device_id));
}

struct answer refresh(struct fixture *f, const char *refresh_token)
{
    return refresh_on(f, refresh_token, "telephone");
}

struct answer list_sessions(struct fixture *f, const char *access_token)
{
    return service_call(f, "GET", "/v1/sessions", access_token, NULL);
}

size_t count_sessions(struct fixture *f, const char *access_token)
{
    struct answer answer = list_sessions(f, access_token);
    assert_int_equal(answer.status, 200);
    struct cc_json_reader *reader =
        cc_json_reader_create(f->arena, answer.body, strlen(answer.body), CC_IGNORE_UNKNOWN);
    size_t count = cc_json_array_count(reader, "items", CC_REQUIRED, 200);
    cc_json_reader_destroy(reader);
    return count;
}

struct person must_join(struct fixture *f)
{
    struct person person = a_person(f);
    assert_int_equal(register_as(f, &person, PASSWORD).status, 202);
    assert_int_equal(verify(f, person, mailed_code(f, person.email, 1)).status, 200);
    return person;
}

struct device must_log_in(struct fixture *f, struct person person, const char *device_id)
{
    struct answer answer = log_in(f, person, PASSWORD, device_id);
    assert_int_equal(answer.status, 200);
    assert_string_equal(json_text(f, answer.body, "device_id"), device_id);
    assert_string_equal(json_text(f, answer.body, "token_type"), "Bearer");
    return (struct device){
        json_text(f, answer.body, "access_token"), json_text(f, answer.body, "refresh_token"),
        json_text(f, answer.body, "session_id"), json_text(f, answer.body, "user_id"),
        json_text(f, answer.body, "device_token")};
}

int64_t waiting_mails(struct fixture *f)
{
    int64_t mails = 0, events = 0;
    struct cc_error err = {0};
    assert_int_equal(outbox_count(f->service.app.outbox, &mails, &events, &err), CC_OK);
    return mails;
}

bool is_refused(void *arg)
{
    struct refusal *refusal = arg;
    return list_sessions(refusal->f, refusal->access_token).status == 401;
}

bool no_mail_waits(void *fixture)
{
    return waiting_mails(fixture) == 0;
}
