/* Lists that are cached as a hash; see common/redis_whole.h. Runs on the callers' threads. */

#include "common/redis_whole.h"

#include <string.h>

/* Whether the mark was among the rows. The last row takes its place. */
static bool take_mark(redisReply *rows)
{
    for (size_t i = 0; i + 1 < rows->elements; i += 2) {
        redisReply **row = &rows->element[i], **last = &rows->element[rows->elements - 2];

        if (strcmp(row[0]->str, CC_REDIS_WHOLE) != 0)
            continue;
        freeReplyObject(row[0]);
        freeReplyObject(row[1]);
        row[0] = last[0];
        row[1] = last[1];
        rows->elements -= 2;
        return true;
    }
    return false;
}

enum cc_redis_whole cc_redis_whole_get(struct cc_redis *redis, const char *name, redisReply **out)
{
    redisReply *reply = NULL;
    struct cc_error err;

    *out = NULL;
    if (cc_redis_do(redis, &reply, &err, "HGETALL", name, NULL) != CC_OK)
        return CC_REDIS_WHOLE_AWAY;
    if (reply->type == REDIS_REPLY_ARRAY && take_mark(reply)) {
        *out = reply;
        return CC_REDIS_WHOLE_ALL;
    }
    freeReplyObject(reply);
    return CC_REDIS_WHOLE_PARTS;
}
