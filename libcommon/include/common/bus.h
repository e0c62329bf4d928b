#ifndef COMMON_BUS_H
#define COMMON_BUS_H

/*
 * What travels through Redis pub/sub: one header line of space separated fields, "\n", then the
 * client frame that is sent as it is ("encoded once"). On chat:{id} and user:{id}: 1 <kind>
 * <chat_id or -> <rev> <seq> <sender_id or -> <origin_conn or -> <member_version> <message_seq>
 * <since_joining: 0 or 1> <counts>\n<frame> kind:
 * message (takes a rev; the sender's own connection is skipped), receipt (user channel, of a
 * message's author: delivered in the chat's order), typing, presence, chat,
 * unread, notification, user (no rev: 0), personal: what only this person sees otherwise (no rev:
 * 0), member (member_version raised: no frame needed), revoked (frame: ev_session_publication; user
 * channel). user: something of that person's own account has changed; the frame is for the person's
 * own sockets, and who shows others something of them looks again. On node:{id}: 1 outcome
 * <chat_id> <rev> <seq> <sender_id> <conn_id> <member_version> 0 0 0\n<frame for that connection>.
 * Receivers ignore kinds they don't know. An unread message (user channel) has the rev and seq up
 * to which it counts: it is not judged by them. Versions may meet while they are exchanged:
 * <counts> may be missing (then a message counts CC_COUNTS_OTHERWISE, all else CC_COUNTS_SAME), and
 * fields behind it are ignored.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/id.h"
#include "common/strbuf.h"

#define CC_NODE_BYTES           65
#define CC_CONN_BYTES           40
#define CC_BUS_HEADER_MAX_BYTES 256 /* of the line before the frame */

enum cc_bus_kind {
    CC_BUS_MESSAGE,
    CC_BUS_RECEIPT,
    CC_BUS_TYPING,
    CC_BUS_PRESENCE,
    CC_BUS_CHAT,
    CC_BUS_UNREAD,
    CC_BUS_NOTIFICATION,
    CC_BUS_PERSONAL,
    CC_BUS_MEMBER,
    CC_BUS_REVOKED,
    CC_BUS_OUTCOME,
    CC_BUS_CANARY,
    CC_BUS_USER,
    CC_BUS_UNKNOWN
};
/* What a change of a chat does to what its members have unread. */
enum cc_bus_counts {
    CC_COUNTS_SAME,
    CC_COUNTS_ONE_MORE,  /* a message: one more for all but its sender, who has read up to it */
    CC_COUNTS_MENTIONS,  /* the same, and it mentions somebody: the frame says whom */
    CC_COUNTS_OTHERWISE, /* for whoever has not read message_seq: only message-service knows */
    CC_COUNTS_CROWD,     /* a message in a chat so large that nobody's counts are followed */
};
struct cc_bus_message {
    enum cc_bus_kind kind;
    char chat_id[CC_UUID_BYTES]; /* "" = none */
    int64_t rev, seq;
    char sender_id[CC_UUID_BYTES]; /* "" = none; "system" possible */
    char conn_id[CC_CONN_BYTES];   /* "" = none */
    int64_t member_version;
    int64_t message_seq; /* of the message that it is about; 0 = none */
    bool since_joining;  /* members see nothing of the chat from before they came */
    enum cc_bus_counts counts;
    const char *frame; /* borrowed; not NUL-terminated */
    size_t frame_count;
};
/* False when the header line is malformed. */
bool cc_bus_read(const char *payload, size_t count, struct cc_bus_message *out);
/* The message carries what is written there; borrowed. */
void cc_bus_carry(struct cc_bus_message *message, const struct cc_strbuf *frame);
void cc_bus_write(const struct cc_bus_message *message, struct cc_strbuf *out);

#endif
