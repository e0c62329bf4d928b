#ifndef CONFIG_PRIVATE_H
#define CONFIG_PRIVATE_H

/* For the skeleton only: reloading and the text of --help. */

#include "common/config.h"
#include "common/strbuf.h"

/* Gives `fresh` the values of `current` in every row that is not marked reloadable; `current` must
 * then outlive `fresh`. */
void cc_settings_keep_fixed(const struct cc_setting *table, const void *current, void *fresh);
/* One line a setting: key, default, help. */
void cc_settings_describe(const struct cc_setting *table, struct cc_strbuf *out);

#endif
