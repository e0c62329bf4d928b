/* Keeps one chat's events in rev order. Runs on the loop thread. It neither fetches what is missing
 * nor delivers. */

#include "ws/backlog.h"

#include "common/alloc.h"

void ws_bus_event_free(struct ws_bus_event *event)
{
    ws_buffer_unref(event->frame);
    cc_free(event);
}

void ws_backlog_init(struct ws_backlog *backlog)
{
    *backlog = (struct ws_backlog){0};
    backlog->end = &backlog->first;
}

void ws_backlog_finish(struct ws_backlog *backlog)
{
    for (struct ws_bus_event *event; (event = ws_backlog_next(backlog)) != NULL;)
        ws_bus_event_free(event);
}

enum ws_verdict ws_backlog_judge(const struct ws_backlog *backlog, int64_t rev)
{
    if (rev == 0 || rev == backlog->last_rev + 1)
        return WS_DELIVER;
    return rev <= backlog->last_rev ? WS_OLD : WS_HOLE;
}

void ws_backlog_wait(struct ws_backlog *backlog, struct ws_bus_event *event)
{
    if (backlog->count >= WS_BACKLOG_MAX) {
        ws_bus_event_free(event);
        return;
    }
    event->next = NULL;
    *backlog->end = event;
    backlog->end = &event->next;
    backlog->count++;
}

void ws_backlog_put_back(struct ws_backlog *backlog, struct ws_bus_event *event)
{
    event->next = backlog->first;
    if (backlog->first == NULL)
        backlog->end = &event->next;
    backlog->first = event;
    backlog->count++;
}

struct ws_bus_event *ws_backlog_next(struct ws_backlog *backlog)
{
    struct ws_bus_event *event = backlog->first;

    if (event == NULL)
        return NULL;
    backlog->first = event->next;
    if (backlog->first == NULL)
        backlog->end = &backlog->first;
    backlog->count--;
    return event;
}
