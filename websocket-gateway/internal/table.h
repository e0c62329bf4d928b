#ifndef TABLE_H
#define TABLE_H

/* Intrusive containers of the loop thread: a hash table by text key and a doubly linked list. The
 * elements own themselves; nothing here allocates but the table's buckets. Not thread-safe. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WS_CONTAINER(pointer, type, field)                                                         \
    ((type *)(void *)((char *)(pointer)-offsetof(type, field)))

struct ws_node {
    struct ws_node *next;
    const char *key; /* borrowed from the element */
    uint32_t hash;
};
struct ws_table {
    struct ws_node **buckets;
    size_t bucket_count; /* a power of two */
    size_t count;
};
void ws_table_init(struct ws_table *table);
void ws_table_finish(struct ws_table *table); /* the elements stay */
struct ws_node *ws_table_find(const struct ws_table *table, const char *key); /* NULL = none */
void ws_table_add(struct ws_table *table, struct ws_node *node, const char *key);
void ws_table_remove(struct ws_table *table, struct ws_node *node);
/* Calls each for every element, which may remove itself. */
void ws_table_each(const struct ws_table *table, void (*each)(struct ws_node *node, void *arg),
                   void *arg);

struct ws_link { /* a list's head is a link too; an empty head points to itself */
    struct ws_link *prev, *next;
};
static inline void ws_list_init(struct ws_link *head)
{
    head->prev = head->next = head;
}
static inline bool ws_list_empty(const struct ws_link *head)
{
    return head->next == head;
}
static inline void ws_list_append(struct ws_link *head, struct ws_link *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}
/* Leaves the link empty, so that it may be removed twice. */
static inline void ws_list_remove(struct ws_link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    ws_list_init(link);
}
/* The loop's body may remove the current link. */
#define WS_LIST_EACH(link, head)                                                                   \
    for (struct ws_link *link = (head)->next, *link##_next = link->next; link != (head);           \
         link = link##_next, link##_next = link->next)

#endif
