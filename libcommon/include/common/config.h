#ifndef COMMON_CONFIG_H
#define COMMON_CONFIG_H

/*
 * Settings as a typed table: defaults < JSON file < environment (CHAT_<KEY>) < secret files
 * (CHAT_<KEY>_FILE, or
 * "<key>_file" in the JSON file, for rows marked CC_SETTING_SECRET). Unknown keys, in the file or
 * as a CHAT_*_FILE of a non-secret, and values out of range are errors that name the key. Read
 * once, before any thread starts.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct cc_arena;

enum cc_setting_type {
    CC_SETTING_TEXT, /* const char *; "" when unset */
    CC_SETTING_INT,  /* int64_t, min..max */
    CC_SETTING_BOOL, /* bool */
    CC_SETTING_LIST, /* struct cc_setting_list: comma separated in the environment, array of strings
                        in the file */
};
enum cc_setting_flag {
    CC_SETTING_SECRET = 1,     /* masked by --print-config, may come from a file */
    CC_SETTING_REQUIRED = 2,   /* empty after all sources is an error (not for --print-config) */
    CC_SETTING_RELOADABLE = 4, /* re-read on SIGHUP */
};
struct cc_setting_list {
    const char *const *items;
    size_t count;
};
struct cc_setting {
    const char *key; /* lower_snake_case; NULL ends a table */
    enum cc_setting_type type;
    size_t offset; /* into the service's settings struct */
    const char *fallback;
    int64_t min, max; /* CC_SETTING_INT only */
    unsigned flags;
    const char *help; /* one line, unit included */
};

/* Settings of the skeleton itself; the first member of every service's settings struct, its rows
 * are CC_COMMON_SETTINGS in every service's table. */
struct cc_common_settings {
    const char *host; /* listen address of both listeners */
    int64_t port, ops_port;
    const char
        *node_id; /* unique per replica; default: service name, "-" and 8 random hex digits */
    const char *log_level; /* debug, info, warn, error */
    int64_t drain_timeout_ms;
    int64_t http_workers, http_queue; /* blocking handlers in parallel, requests waiting for one */
    int64_t open_files; /* the soft limit, wherever it was before; at most the hard one */
    const char *tls_certificate_path, *tls_key_path; /* of the service listener; "" = plain HTTP */
    const char *otlp_endpoint;                       /* "" = traces are not exported */
    int64_t trace_sample_permille;
    struct cc_arena *storage; /* holds every text of the settings; cc_settings_free destroys it */
};
extern const struct cc_setting cc_common_settings_table[];

/* Fills `out` (zeroed by the caller, begins with struct cc_common_settings) from
 * cc_common_settings_table and `table`; a row of `table` with the key of a common one replaces it
 * (a service's own default port). path may be NULL. environ: as environ(7). Errors: CC_INVALID,
 * public_text names the key and the reason in one line. All strings live until cc_settings_free. */
CC_MUST_CHECK enum cc_code cc_settings_load(const struct cc_setting *table, const char *path,
                                            char *const *environ_list, bool check_required,
                                            void *out, struct cc_error *err);
void cc_settings_free(void *settings);
/* One flat JSON object of all effective settings, secrets as "***" when set. Returned text:
 * cc_free. */
char *cc_settings_print(const struct cc_setting *table, const void *settings);

#endif
