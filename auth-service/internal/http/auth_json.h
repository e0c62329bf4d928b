#ifndef HTTP_AUTH_JSON_H
#define HTTP_AUTH_JSON_H

/* JSON of auth-service's endpoints to checked structs and back; nowhere else. Inputs live as long
 * as the request; reading fails with CC_INVALID and the pointer of the field at fault. */

#include "common/http_route.h"
#include "domain/email_address.h"
#include "domain/otp.h"
#include "domain/session.h"
#include "storage/account_store.h"
#include "tokens.h"

struct register_input {
    char email[EMAIL_ADDRESS_BYTES];
    const char *password, *handle, *display_name;
};
CC_MUST_CHECK enum cc_code register_input_read(struct cc_request *req, struct register_input *out,
                                               struct cc_error *err);

/* {"verification_id", "email"} and, for a try, {"code"}. */
struct code_input {
    const char *verification_id; /* NULL = the client knows the address alone */
    char email[EMAIL_ADDRESS_BYTES];
    const char *code; /* NULL when another one is asked for */
};
CC_MUST_CHECK enum cc_code resend_input_read(struct cc_request *req, struct code_input *out,
                                             struct cc_error *err);

struct verify_input {
    struct code_input code;
    const char *handle; /* instead of the one that was registered; NULL = that one */
};
CC_MUST_CHECK enum cc_code verify_input_read(struct cc_request *req, struct verify_input *out,
                                             struct cc_error *err);

/* {"email"} in lower case. */
CC_MUST_CHECK enum cc_code email_input_read(struct cc_request *req, char out[EMAIL_ADDRESS_BYTES],
                                            struct cc_error *err);

struct login_input {
    char email[EMAIL_ADDRESS_BYTES]; /* "" when it has not the shape of one: nobody's */
    const char *password, *device_id, *device_name;
    const char *device_token; /* of its last log-in; NULL = none */
};
CC_MUST_CHECK enum cc_code login_input_read(struct cc_request *req, struct login_input *out,
                                            struct cc_error *err);

struct refresh_input {
    const char *refresh_token, *device_id;
};
CC_MUST_CHECK enum cc_code refresh_input_read(struct cc_request *req, struct refresh_input *out,
                                              struct cc_error *err);

/* {"refresh_token"}, of any device */
CC_MUST_CHECK enum cc_code logout_input_read(struct cc_request *req, const char **out_token,
                                             struct cc_error *err);

struct reset_input {
    struct code_input code;
    const char *password;
};
CC_MUST_CHECK enum cc_code reset_input_read(struct cc_request *req, struct reset_input *out,
                                            struct cc_error *err);

struct change_password_input {
    const char *current_password, *new_password; /* the new one is judged by the use case */
};
CC_MUST_CHECK enum cc_code change_password_input_read(struct cc_request *req,
                                                      struct change_password_input *out,
                                                      struct cc_error *err);

/* {"password"}: the present one */
CC_MUST_CHECK enum cc_code password_input_read(struct cc_request *req, const char **out,
                                               struct cc_error *err);

/* The answers; all of them forbid caches to keep them. */
void status_write(struct cc_response *res, const char *status); /* 200 */
/* 202: a code may be on its way; with what it has to come back. */
void verification_write(struct cc_response *res, const char *status, const char *verification_id);
void tokens_write(struct cc_response *res, const struct auth_tokens *tokens);
void sessions_write(struct cc_response *res, const struct session_list *sessions,
                    const char *current_session_id);
void devices_write(struct cc_response *res, const struct session_list *sessions,
                   const char *current_session_id);
void deletion_write(struct cc_response *res, const struct account_deletion *deletion);
void account_write(struct cc_response *res, const struct account *account);
void revocations_write(struct cc_response *res, const struct revocation_list *revocations);

#endif
