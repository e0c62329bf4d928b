#ifndef COMMON_CLEANUP_H
#define COMMON_CLEANUP_H

/*
 * Cleanup attributes: `CC_AUTO(fn) T *x = ...;` calls fn(x) when x leaves its scope (x may be NULL
 * when fn accepts NULL). Foreign objects have theirs next to their wrapper: pg_pool.h (PGresult),
 * redis_pool.h (redisReply), mongo_pool.h (bson_t, cursors). docs/ownership.md lists who owns what.
 */

#define CC_DEFINE_AUTO(name, type, destroy)                                                        \
    static inline void cc_auto_##name(type **pointer)                                              \
    {                                                                                              \
        if (*pointer != NULL)                                                                      \
            destroy(*pointer);                                                                     \
    }                                                                                              \
    typedef type *cc_auto_##name##_pointer /* gives the macro a place for its semicolon */

/* Usage: CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0); */
#define CC_AUTO(name) __attribute__((cleanup(cc_auto_##name)))

#endif
