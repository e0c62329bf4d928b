/* JSON at the edge of auth-service; see auth_json.h. Runs on request threads. Checks shapes and
 * single fields; what needs a store is checked by the use cases. */

#include "http/auth_json.h"

#include <string.h>

#include "domain/password.h"

#define PASSWORD_ANY_MAX 1024 /* a wrong password may be longer than any right one */
#define DEVICE_NAME_MAX  128
#define TEXT_MAX         512

static enum cc_code finish(struct cc_json_reader *reader, struct cc_error *err)
{
    return cc_json_reader_done(reader) ? CC_OK : cc_json_reader_error(reader, err);
}

static void read_email(struct cc_json_reader *reader, char out[EMAIL_ADDRESS_BYTES])
{
    const char *text = cc_json_text(reader, "email", CC_REQUIRED, 1, EMAIL_ADDRESS_BYTES - 1);
    out[0] = '\0';
    if (text != NULL && !email_address_read(text, out))
        cc_json_reject(reader, "email", "This is not an e-mail address.");
}

/* As it will be looked for: folded. NULL where there is none, or none that is good. */
static const char *read_handle(struct cc_request *req, struct cc_json_reader *reader,
                               enum cc_presence presence)
{
    const char *typed = cc_json_text(reader, "handle", presence, 1, TEXT_MAX);
    char folded[CC_HANDLE_BYTES];
    struct cc_error err = {0};
    if (typed == NULL)
        return NULL;
    if (cc_handle_read(typed, folded, &err) == CC_OK)
        return cc_arena_strdup(cc_request_arena(req), folded);
    cc_json_reject(reader, "handle", "%s", err.public_text);
    return NULL;
}

static void check_display_name(struct cc_json_reader *reader, const char *display_name)
{
    if (display_name != NULL && !account_display_name_valid(display_name))
        cc_json_reject(reader, "display_name",
                       "A display name has 1 to 64 characters, none of them a control character.");
}

static void check_password(struct cc_json_reader *reader, const char *password, const char *email)
{
    const char *fault = password != NULL ? password_fault(password, email) : NULL;
    if (fault != NULL)
        cc_json_reject(reader, "password", "%s", fault);
}

static void read_request(struct cc_json_reader *reader, struct code_input *out)
{
    out->verification_id = cc_json_text(reader, "verification_id", CC_OPTIONAL, 1, TEXT_MAX);
    if (out->verification_id != NULL && !verification_id_has_shape(out->verification_id))
        cc_json_reject(reader, "verification_id", "This is not a verification id.");
    read_email(reader, out->email);
}

static void read_code(struct cc_json_reader *reader, struct code_input *out)
{
    read_request(reader, out);
    out->code = cc_json_text(reader, "code", CC_REQUIRED, 1, TEXT_MAX);
    if (out->code != NULL && !otp_has_shape(out->code))
        cc_json_reject(reader, "code", "A code has six digits.");
}

enum cc_code register_input_read(struct cc_request *req, struct register_input *out,
                                 struct cc_error *err)
{
    struct cc_json_reader *reader;
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    read_email(reader, out->email);
    out->password = cc_json_text(reader, "password", CC_REQUIRED, 1, PASSWORD_ANY_MAX);
    out->handle = read_handle(req, reader, CC_REQUIRED);
    out->display_name = cc_json_text(reader, "display_name", CC_REQUIRED, 1, TEXT_MAX);
    check_password(reader, out->password, out->email);
    check_display_name(reader, out->display_name);
    return finish(reader, err);
}

enum cc_code resend_input_read(struct cc_request *req, struct code_input *out, struct cc_error *err)
{
    struct cc_json_reader *reader;
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    out->code = NULL;
    read_request(reader, out);
    return finish(reader, err);
}

enum cc_code verify_input_read(struct cc_request *req, struct verify_input *out,
                               struct cc_error *err)
{
    struct cc_json_reader *reader;
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    read_code(reader, &out->code);
    out->handle = read_handle(req, reader, CC_OPTIONAL);
    return finish(reader, err);
}

enum cc_code reset_input_read(struct cc_request *req, struct reset_input *out, struct cc_error *err)
{
    struct cc_json_reader *reader;
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    read_code(reader, &out->code);
    out->password = cc_json_text(reader, "password", CC_REQUIRED, 1, PASSWORD_ANY_MAX);
    check_password(reader, out->password, out->code.email);
    return finish(reader, err);
}

enum cc_code change_password_input_read(struct cc_request *req, struct change_password_input *out,
                                        struct cc_error *err)
{
    struct cc_json_reader *reader;
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    out->current_password =
        cc_json_text(reader, "current_password", CC_REQUIRED, 1, PASSWORD_ANY_MAX);
    out->new_password = cc_json_text(reader, "new_password", CC_REQUIRED, 1, PASSWORD_ANY_MAX);
    return finish(reader, err);
}

enum cc_code email_input_read(struct cc_request *req, char out[EMAIL_ADDRESS_BYTES],
                              struct cc_error *err)
{
    struct cc_json_reader *reader;
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    read_email(reader, out);
    return finish(reader, err);
}

enum cc_code login_input_read(struct cc_request *req, struct login_input *out, struct cc_error *err)
{
    struct cc_json_reader *reader;
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    const char *email = cc_json_text(reader, "email", CC_REQUIRED, 1, TEXT_MAX);
    out->password = cc_json_text(reader, "password", CC_REQUIRED, 1, PASSWORD_ANY_MAX);
    out->device_id = cc_json_text(reader, "device_id", CC_REQUIRED, 1, SESSION_DEVICE_ID_BYTES - 1);
    out->device_name = cc_json_text(reader, "device_name", CC_OPTIONAL, 0, DEVICE_NAME_MAX);
    out->device_token = cc_json_text(reader, "device_token", CC_OPTIONAL, 1, TEXT_MAX);
    if (out->device_name == NULL)
        out->device_name = "";
    out->email[0] = '\0';
    if (email != NULL)
        (void)email_address_read(email, out->email);
    return finish(reader, err);
}

enum cc_code refresh_input_read(struct cc_request *req, struct refresh_input *out,
                                struct cc_error *err)
{
    struct cc_json_reader *reader;
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    out->refresh_token = cc_json_text(reader, "refresh_token", CC_REQUIRED, 1, TEXT_MAX);
    out->device_id = cc_json_text(reader, "device_id", CC_OPTIONAL, 1, SESSION_DEVICE_ID_BYTES - 1);
    return finish(reader, err);
}

enum cc_code logout_input_read(struct cc_request *req, const char **out_token, struct cc_error *err)
{
    struct cc_json_reader *reader;
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    *out_token = cc_json_text(reader, "refresh_token", CC_REQUIRED, 1, TEXT_MAX);
    return finish(reader, err);
}

enum cc_code password_input_read(struct cc_request *req, const char **out, struct cc_error *err)
{
    struct cc_json_reader *reader;
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    *out = cc_json_text(reader, "password", CC_REQUIRED, 1, PASSWORD_ANY_MAX);
    return finish(reader, err);
}

static struct cc_json_writer *begin(struct cc_response *res)
{
    cc_response_header(res, "Cache-Control", "no-store");
    return cc_response_json(res);
}

void status_write(struct cc_response *res, const char *status)
{
    struct cc_json_writer *writer = begin(res);
    cc_json_open_object(writer, NULL);
    cc_json_put_text(writer, "status", status);
    cc_json_close_object(writer);
}

void verification_write(struct cc_response *res, const char *status, const char *verification_id)
{
    struct cc_json_writer *writer = begin(res);
    cc_response_status(res, 202);
    cc_json_open_object(writer, NULL);
    cc_json_put_text(writer, "status", status);
    cc_json_put_text(writer, "verification_id", verification_id);
    cc_json_close_object(writer);
}

void tokens_write(struct cc_response *res, const struct auth_tokens *tokens)
{
    struct cc_json_writer *writer = begin(res);
    cc_json_open_object(writer, NULL);
    cc_json_put_text(writer, "access_token", tokens->access_token);
    cc_json_put_text(writer, "token_type", "Bearer");
    cc_json_put_int(writer, "expires_in", tokens->expires_in_s);
    cc_json_put_text(writer, "refresh_token", tokens->refresh_token);
    cc_json_put_text(writer, "user_id", tokens->user_id);
    cc_json_put_text(writer, "session_id", tokens->session_id);
    cc_json_put_text(writer, "device_id", tokens->device_id);
    if (tokens->device_token != NULL)
        cc_json_put_text(writer, "device_token", tokens->device_token);
    cc_json_close_object(writer);
}

static void put_address(struct cc_json_writer *writer, const char *address)
{
    if (address[0] != '\0')
        cc_json_put_text(writer, "address", address);
    else
        cc_json_put_null(writer, "address");
}

static void put_device(struct cc_json_writer *writer, const struct session *session)
{
    cc_json_put_text(writer, "device_id", session->device_id);
    cc_json_put_text(writer, "device_name", session->device_name);
    put_address(writer, session->address);
    cc_json_put_time(writer, "last_seen_at", session->last_seen_at_ms);
}

static void session_write(struct cc_json_writer *writer, const struct session *session)
{
    cc_json_put_text(writer, "session_id", session->session_id);
    put_device(writer, session);
    cc_json_put_time(writer, "created_at", session->created_at_ms);
}

static void device_write(struct cc_json_writer *writer, const struct session *session)
{
    put_device(writer, session);
    cc_json_put_text(writer, "session_id", session->session_id);
}

static void list_write(struct cc_response *res, const struct session_list *sessions,
                       const char *current_session_id,
                       void (*write)(struct cc_json_writer *, const struct session *))
{
    struct cc_json_writer *writer = begin(res);
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    for (size_t i = 0; i < sessions->count; i++) {
        cc_json_open_object(writer, NULL);
        write(writer, &sessions->items[i]);
        cc_json_put_bool(writer, "current",
                         strcmp(sessions->items[i].session_id, current_session_id) == 0);
        cc_json_close_object(writer);
    }
    cc_json_close_array(writer);
    cc_json_put_null(writer, "next_cursor");
    cc_json_close_object(writer);
}

void sessions_write(struct cc_response *res, const struct session_list *sessions,
                    const char *current_session_id)
{
    list_write(res, sessions, current_session_id, session_write);
}

void devices_write(struct cc_response *res, const struct session_list *sessions,
                   const char *current_session_id)
{
    list_write(res, sessions, current_session_id, device_write);
}

void deletion_write(struct cc_response *res, const struct account_deletion *deletion)
{
    struct cc_json_writer *writer = begin(res);
    cc_json_open_object(writer, NULL);
    cc_json_put_text(writer, "deletion_id", deletion->deletion_id);
    cc_json_put_text(writer, "status", deletion->state);
    cc_json_put_time(writer, "requested_at", deletion->requested_at_ms);
    cc_json_put_time(writer, "changed_at", deletion->changed_at_ms);
    cc_json_close_object(writer);
}

static const char *state_of(const struct account *account)
{
    if (account->suspended_at_ms != 0)
        return "suspended";
    return account->active ? "active" : "pending";
}

void account_write(struct cc_response *res, const struct account *account)
{
    struct cc_json_writer *writer = begin(res);
    cc_json_open_object(writer, NULL);
    cc_json_put_text(writer, "user_id", account->account_id);
    cc_json_put_text(writer, "email", account->email);
    cc_json_put_text(writer, "role", account->role);
    cc_json_put_text(writer, "state", state_of(account));
    cc_json_put_time(writer, "created_at", account->created_at_ms);
    if (account->suspended_at_ms != 0)
        cc_json_put_time(writer, "suspended_at", account->suspended_at_ms);
    else
        cc_json_put_null(writer, "suspended_at");
    cc_json_close_object(writer);
}

void revocations_write(struct cc_response *res, const struct revocation_list *revocations)
{
    struct cc_json_writer *writer = begin(res);
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    for (size_t i = 0; i < revocations->count; i++) {
        cc_json_open_object(writer, NULL);
        cc_json_put_text(writer, "session_id", revocations->items[i].session_id);
        cc_json_put_time(writer, "until", revocations->items[i].until_ms);
        cc_json_close_object(writer);
    }
    cc_json_close_array(writer);
    cc_json_close_object(writer);
}
