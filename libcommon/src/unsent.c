/* What a socket could not take yet. Any thread, one at a time. */

#include "common/unsent.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "common/alloc.h"

bool cc_would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

void cc_unsent_keep(struct cc_unsent *unsent, const char *bytes, size_t count)
{
    unsent->bytes = cc_alloc(count);
    memcpy(unsent->bytes, bytes, count);
    unsent->first = 0;
    unsent->count = (uint32_t)count;
}

void cc_unsent_drop(struct cc_unsent *unsent, size_t count)
{
    unsent->first += (uint32_t)count;
    unsent->count -= (uint32_t)count;
    if (unsent->count == 0)
        cc_unsent_finish(unsent);
}

void cc_unsent_finish(struct cc_unsent *unsent)
{
    cc_free(unsent->bytes);
    *unsent = (struct cc_unsent){0};
}

bool cc_unsent_flush(struct cc_unsent *unsent, int fd)
{
    ssize_t sent = send(fd, unsent->bytes + unsent->first, unsent->count, MSG_NOSIGNAL);

    if (sent < 0 && cc_would_block())
        return true;
    cc_unsent_drop(unsent, sent < 0 ? unsent->count : (size_t)sent);
    return sent >= 0;
}

bool cc_unsent_send(struct cc_unsent *unsent, int fd, const char *bytes, size_t count)
{
    ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);

    if (sent < 0 && !cc_would_block())
        return false;
    sent = sent < 0 ? 0 : sent;
    if ((size_t)sent < count)
        cc_unsent_keep(unsent, bytes + sent, count - (size_t)sent);
    return true;
}
