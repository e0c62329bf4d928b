#ifndef COMMON_CHAT_TERMS_H
#define COMMON_CHAT_TERMS_H

/*
 * A contract between daemons: what chat-service decides about a chat and others must understand,
 * roles, memberships, who may post, what newcomers see. Names on the wire and in stores,
 * NULL-terminated, indexed by the enum; 0 is what gives the least or is usual. Source:
 * docs/contracts.md "Making a chat".
 */

enum cc_chat_role { CC_ROLE_MEMBER, CC_ROLE_ADMIN, CC_ROLE_OWNER }; /* the higher, the more */
enum cc_member_state { CC_MEMBER_ACTIVE, CC_MEMBER_LEFT, CC_MEMBER_REMOVED, CC_MEMBER_BANNED };
enum cc_chat_posting { CC_POST_ALL, CC_POST_ADMINS, CC_POST_NOBODY };
enum cc_chat_history { CC_HISTORY_ALL, CC_HISTORY_JOINED }; /* joined: nothing from before */

extern const char *const cc_chat_role_names[];
extern const char *const cc_member_state_names[];
extern const char *const cc_chat_posting_names[];
extern const char *const cc_chat_history_names[];

/* Index of `name` (NULL: no name) in a NULL-terminated list; `fallback` when it is not in it. */
int cc_name_index(const char *const *names, const char *name, int fallback);

#endif
