#ifndef TEST_DATABASE_H
#define TEST_DATABASE_H

/* A PostgreSQL database for one test: created empty, dropped after it. One at a time. */

/* Its URI, derived from CHAT_TEST_POSTGRES_URI; valid until test_database_drop. */
const char *test_database_create(void);
/* Applies the service's migrations to it. */
void test_database_migrate(void);
void test_database_drop(void);

#endif
