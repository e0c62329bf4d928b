#ifndef TESTING_MONGO_DATABASE_H
#define TESTING_MONGO_DATABASE_H

/* A MongoDB database of a test's own, migrated as a service's. Fails the test, or ends the program
 * outside one, when there is none. Main thread. */

#include "common/mongo_pool.h"

/* service: whose migrations, "chat-service"; name: what the database's name begins with. */
struct cc_mongo *test_mongo_open(const char *service, const char *name);
void test_mongo_drop(struct cc_mongo *mongo);  /* the database goes; the pool stays */
void test_mongo_close(struct cc_mongo *mongo); /* both go */

#endif
