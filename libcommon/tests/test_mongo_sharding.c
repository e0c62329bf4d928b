/* What --migrate tells a sharded cluster, and that it tells it to nobody else. No mongos is to be
 * had here: a server of this test speaks the wire protocol (OP_MSG, and OP_QUERY for the
 * handshake), says what it is, and notes each command. */

#include "testing.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mongo_pool.h"

#define HEADER_BYTES 16
#define OP_REPLY     1
#define OP_QUERY     2004
#define OP_MSG       2013
#define MESSAGE_MAX  65536
#define NOTES_MAX    32
#define NOTE_BYTES   256
#define CONNECTIONS  16
#define MIGRATION    "0001_chats.json"

struct server {
    int listener;
    int port;
    _Atomic bool is_mongos;
    pthread_t acceptor, speakers[CONNECTIONS];
    int sockets[CONNECTIONS];
    _Atomic int connections;
    pthread_mutex_t lock;
    char notes[NOTES_MAX][NOTE_BYTES]; /* what was ordered, as JSON */
    int note_count;
};

static bool read_all(int socket, void *out, size_t count)
{
    return recv(socket, out, count, MSG_WAITALL) == (ssize_t)count;
}

static int32_t number_at(const uint8_t *bytes)
{
    int32_t number;
    memcpy(&number, bytes, sizeof number);
    return number;
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcasecmp(name, *names) == 0)
            return true;
    return false;
}

static void note(struct server *server, const bson_t *command)
{
    static const char *const orders[] = {"createIndexes", "enableSharding", "shardCollection",
                                         NULL};
    bson_iter_t at;

    if (!bson_iter_init(&at, command) || !bson_iter_next(&at) ||
        !is_one_of(bson_iter_key(&at), orders))
        return;
    CC_AUTO(bson) bson_t *said = bson_new();
    bson_copy_to_excluding_noinit(command, said, "$db", "lsid", "$clusterTime", "txnNumber", NULL);
    char *text = bson_as_relaxed_extended_json(said, NULL);
    pthread_mutex_lock(&server->lock);
    assert_true(server->note_count < NOTES_MAX);
    (void)snprintf(server->notes[server->note_count++], NOTE_BYTES, "%s", text);
    pthread_mutex_unlock(&server->lock);
    bson_free(text);
}

/* Everything succeeds, and there is nothing to be found. */
static void answer_to(struct server *server, const bson_t *command, bson_t *reply)
{
    static const char *const greetings[] = {"hello", "isMaster", NULL};
    bson_iter_t at;

    bson_iter_init(&at, command);
    (void)bson_iter_next(&at);
    if (is_one_of(bson_iter_key(&at), greetings)) {
        BSON_APPEND_BOOL(reply, "ismaster", true);
        BSON_APPEND_BOOL(reply, "isWritablePrimary", true);
        if (atomic_load(&server->is_mongos))
            BSON_APPEND_UTF8(reply, "msg", "isdbgrid");
        BSON_APPEND_INT32(reply, "maxBsonObjectSize", 16777216);
        BSON_APPEND_INT32(reply, "maxMessageSizeBytes", 48000000);
        BSON_APPEND_INT32(reply, "maxWriteBatchSize", 100000);
        BSON_APPEND_INT32(reply, "minWireVersion", 0);
        BSON_APPEND_INT32(reply, "maxWireVersion", 17);
    } else if (strcmp(bson_iter_key(&at), "find") == 0) {
        BCON_APPEND(reply, "cursor", "{", "id", BCON_INT64(0), "ns", "a.b", "firstBatch", "[", "]",
                    "}");
    }
    BSON_APPEND_INT32(reply, "n", 1);
    BSON_APPEND_DOUBLE(reply, "ok", 1.0);
}

static void send_reply(int socket, int32_t request, int32_t opcode, const bson_t *reply)
{
    uint8_t message[MESSAGE_MAX];
    size_t before = opcode == OP_QUERY ? 20 : 5; /* flags, cursor, start, count; flags, kind */
    int32_t length = (int32_t)(HEADER_BYTES + before + reply->len);
    const int32_t header[] = {length, 1, request, opcode == OP_QUERY ? OP_REPLY : OP_MSG};

    memset(message, 0, sizeof message);
    memcpy(message, header, sizeof header);
    if (opcode == OP_QUERY)
        message[HEADER_BYTES] = 8, message[HEADER_BYTES + 16] = 1;
    memcpy(message + HEADER_BYTES + before, bson_get_data(reply), reply->len);
    (void)send(socket, message, (size_t)length, MSG_NOSIGNAL);
}

static bool serve_one(struct server *server, int socket)
{
    uint8_t message[MESSAGE_MAX];
    bson_t command;

    if (!read_all(socket, message, HEADER_BYTES))
        return false;
    int32_t length = number_at(message), request = number_at(message + 4);
    int32_t opcode = number_at(message + 12);
    if (length > MESSAGE_MAX || !read_all(socket, message + HEADER_BYTES, (size_t)length - 16))
        return false;
    size_t at = HEADER_BYTES + 5;
    if (opcode == OP_QUERY)
        at = HEADER_BYTES + 4 + strlen((char *)message + HEADER_BYTES + 4) + 1 + 8;
    if (!bson_init_static(&command, message + at, (size_t)number_at(message + at)))
        return false;
    CC_AUTO(bson) bson_t *reply = bson_new();
    note(server, &command);
    answer_to(server, &command, reply);
    send_reply(socket, request, opcode, reply);
    return true;
}

struct speaker {
    struct server *server;
    int socket;
};

static void *speak(void *arg)
{
    struct speaker speaker = *(struct speaker *)arg;

    free(arg);
    while (serve_one(speaker.server, speaker.socket))
        continue;
    return NULL;
}

static void *accept_all(void *arg)
{
    struct server *server = arg;

    for (;;) {
        int socket = accept(server->listener, NULL, NULL);
        int place = atomic_load(&server->connections);
        if (socket < 0 || place == CONNECTIONS)
            return NULL;
        struct speaker *speaker = calloc(1, sizeof *speaker);
        *speaker = (struct speaker){server, socket};
        server->sockets[place] = socket;
        pthread_create(&server->speakers[place], NULL, speak, speaker);
        atomic_store(&server->connections, place + 1);
    }
}

static void start_server(struct server *server, bool is_mongos)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;

    memset(server, 0, sizeof *server);
    atomic_store(&server->is_mongos, is_mongos);
    pthread_mutex_init(&server->lock, NULL);
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(server->listener, CONNECTIONS), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &length), 0);
    server->port = ntohs(address.sin_port);
    pthread_create(&server->acceptor, NULL, accept_all, server);
}

static void stop_server(struct server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->acceptor, NULL);
    close(server->listener);
    for (int i = 0; i < atomic_load(&server->connections); i++) {
        shutdown(server->sockets[i], SHUT_RDWR);
        pthread_join(server->speakers[i], NULL);
        close(server->sockets[i]);
    }
    pthread_mutex_destroy(&server->lock);
}

static enum cc_code migrate(struct server *server, const char *migration, struct cc_error *err)
{
    char folder[] = "/tmp/chat-shards-XXXXXX", path[64], uri[64];

    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/%s", folder, MIGRATION);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(migration, file);
    fclose(file);
    (void)snprintf(uri, sizeof uri, "mongodb://127.0.0.1:%d/", server->port);
    enum cc_code code = cc_mongo_migrate(uri, "shop", folder, err);
    unlink(path);
    rmdir(folder);
    return code;
}

static const char declared[] =
    "{\"collections\":["
    "{\"name\":\"log\",\"indexes\":[{\"name\":\"chat_op\",\"keys\":{\"chat_id\":1,\"op\":1},"
    "\"unique\":true}],\"shard_key\":{\"chat_id\":1}},"
    "{\"name\":\"heads\",\"indexes\":[],\"shard_key\":{\"_id\":\"hashed\"}}]}";

static void a_cluster_is_told_the_shard_keys_after_the_indexes(void **state)
{
    (void)state;
    static struct server server;
    struct cc_error err = {0};
    static const char *const wanted[] = {
        "{ \"createIndexes\" : \"log\", \"indexes\" : [ { \"name\" : \"chat_op\", \"key\" : { "
        "\"chat_id\" : 1, \"op\" : 1 }, \"unique\" : true } ] }",
        "{ \"enableSharding\" : \"shop\" }",
        "{ \"shardCollection\" : \"shop.log\", \"key\" : { \"chat_id\" : 1 } }",
        "{ \"createIndexes\" : \"heads\", \"indexes\" : [ { \"name\" : \"shard_key\", \"key\" : { "
        "\"_id\" : \"hashed\" } } ] }",
        "{ \"enableSharding\" : \"shop\" }",
        "{ \"shardCollection\" : \"shop.heads\", \"key\" : { \"_id\" : \"hashed\" } }",
    };

    start_server(&server, true);
    enum cc_code code = migrate(&server, declared, &err);
    stop_server(&server);

    if (code != CC_OK)
        fail_msg("%s %s", err.public_text, err.detail);
    assert_int_equal(server.note_count, 6);
    for (int i = 0; i < 6; i++)
        assert_string_equal(server.notes[i], wanted[i]);
}

static void a_server_that_is_no_cluster_is_told_of_no_shards(void **state)
{
    (void)state;
    static struct server server;
    struct cc_error err = {0};

    start_server(&server, false);
    enum cc_code code = migrate(&server, declared, &err);
    stop_server(&server);

    assert_int_equal(code, CC_OK);
    assert_int_equal(server.note_count, 1);
    assert_non_null(strstr(server.notes[0], "\"createIndexes\" : \"log\""));
}

static void a_shard_key_that_is_none_is_a_fault_everywhere(void **state)
{
    (void)state;
    static struct server server;
    struct cc_error err = {0};

    start_server(&server, false);
    enum cc_code code =
        migrate(&server, "{\"collections\":[{\"name\":\"log\",\"shard_key\":\"chat_id\"}]}", &err);
    stop_server(&server);

    assert_int_equal(code, CC_INVALID);
    assert_non_null(strstr(err.public_text, "shard_key"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cluster_is_told_the_shard_keys_after_the_indexes),
        cmocka_unit_test(a_server_that_is_no_cluster_is_told_of_no_shards),
        cmocka_unit_test(a_shard_key_that_is_none_is_a_fault_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
