/* chat-load: puts a running fleet under a known load and reports what came of it. One thread,
 * loopback only. */

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "load.h"

static const char usage[] =
    "chat-load MODE, each mode with --people FILE --gateways HOST:PORT[,HOST:PORT...]\n"
    "  delivery: --rate N (messages/s) --warmup S --seconds S --grace S --bodies FOLDER, and\n"
    "            --samples FILE (due, sent and there of each delivery, monotonic us)\n"
    "  fanout:   the same without samples, in the first chat, and --sockets N --connects N (per\n"
    "            second) --deaf N (of the sockets, the last ones, stop reading) --body-bytes N\n"
    "            (at least)\n"
    "  idle:     --sockets N --connects N (per second) --seconds S (how long they are held)\n"
    "  storm:    --sockets N --connects N (per second, before the storm) --seconds S (held until\n"
    "            they are cut)\n"
    "  edge:     --rate N (requests/s at each of the gateways, in turn) --warmup S --seconds S\n"
    "or with --kafka HOST:PORT --redis HOST:PORT --mongo URI --documents DATABASE --scratch "
    "DATABASE\n"
    "  hops:     --rate N --warmup S --seconds S (of each hop)\n"
    "  batches:  --batch N --wanted N (messages)\n"
    "or with --mongo URI\n"
    "  finds:    --finds FILE (\"DATABASE COLLECTION FIELD VALUE\" a line, an empty one behind "
    "each\n"
    "            page)\n";

enum needs { PEOPLE, SERVERS, STORE };

struct mode {
    const char *name;
    enum needs needs;
    int (*run)(const struct load_options *options, const struct people *people);
};

static const struct mode modes[] = {
    {"delivery", PEOPLE, run_delivery}, {"edge", PEOPLE, run_edge},
    {"fanout", PEOPLE, run_fanout},     {"idle", PEOPLE, run_idle},
    {"storm", PEOPLE, run_storm},       {"hops", SERVERS, run_hops},
    {"batches", SERVERS, run_batches},  {"finds", STORE, run_finds},
};

int64_t monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool is_loopback(const struct in_addr *address)
{
    return (ntohl(address->s_addr) >> 24) == 127;
}

/* One HOST:PORT; returns the text behind it, NULL when it is none or not loopback. */
static const char *parse_address(const char *text, struct sockaddr_in *out)
{
    char host[32] = "";
    size_t host_length = strcspn(text, ":");
    char *end;

    if (host_length >= sizeof host || text[host_length] != ':')
        return NULL;
    memcpy(host, text, host_length);
    long port = strtol(text + host_length + 1, &end, 10);
    *out = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    bool good = port >= 1 && port <= 65535 && inet_pton(AF_INET, host, &out->sin_addr) == 1 &&
                is_loopback(&out->sin_addr);
    return good ? end : NULL;
}

/* "127.0.0.1:8106,127.0.0.1:8116" */
static bool parse_gateways(const char *text, struct load_options *options)
{
    while (text != NULL && *text != '\0' && options->gateway_count < GATEWAYS_MAX) {
        text = parse_address(text, &options->gateways[options->gateway_count++]);
        if (text != NULL && *text == ',')
            text++;
    }
    return options->gateway_count > 0 && text != NULL && *text == '\0';
}

static bool parse_redis(const char *text, struct hop_servers *servers)
{
    struct sockaddr_in address = {0};
    const char *end = parse_address(text, &address);

    servers->redis_host = "127.0.0.1"; /* nothing else is let through */
    servers->redis_port = ntohs(address.sin_port);
    return end != NULL && *end == '\0';
}

static bool parse_count(const char *text, int64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *out >= 0 && *out <= 1000000;
}

/* Texts are taken as they are, numbers are checked. */
struct argument {
    const char *name;
    const char **text;
    int64_t *number;
    int64_t least;
};

static bool parse_argument(const struct argument *argument, const char *text)
{
    if (argument->text != NULL) {
        *argument->text = text;
        return true;
    }
    return parse_count(text, argument->number) && *argument->number >= argument->least;
}

static bool parse_options(int argc, char **argv, struct load_options *options)
{
    struct hop_servers *servers = &options->servers;
    const char *gateways = NULL, *redis = NULL;
    const struct argument arguments[] = {
        {"people", &options->people_path, NULL, 0},
        {"gateways", &gateways, NULL, 0},
        {"bodies", &options->bodies_path, NULL, 0},
        {"samples", &options->samples_path, NULL, 0},
        {"finds", &options->finds_path, NULL, 0},
        {"rate", NULL, &options->rate_per_s, 1},
        {"warmup", NULL, &options->warmup_s, 0},
        {"seconds", NULL, &options->seconds, 0},
        {"grace", NULL, &options->grace_s, 0},
        {"sockets", NULL, &options->sockets, 1},
        {"connects", NULL, &options->connects_per_s, 1},
        {"kafka", &servers->kafka, NULL, 0},
        {"redis", &redis, NULL, 0},
        {"mongo", &servers->mongo_uri, NULL, 0},
        {"documents", &servers->documents_db, NULL, 0},
        {"scratch", &servers->scratch_db, NULL, 0},
        {"batch", NULL, &options->batch, 1},
        {"wanted", NULL, &options->wanted, 1},
        {"deaf", NULL, &options->deaf, 0},
        {"body-bytes", NULL, &options->body_bytes, 0},
    };
    enum { COUNT = sizeof arguments / sizeof arguments[0] };
    struct option names[COUNT + 1] = {0};
    bool good = true;

    for (int i = 0; i < COUNT; i++)
        names[i] = (struct option){arguments[i].name, required_argument, NULL, i + 1};
    for (int option; good && (option = getopt_long(argc, argv, "", names, NULL)) != -1;)
        good = option >= 1 && option <= COUNT && parse_argument(&arguments[option - 1], optarg);
    good = good && (gateways == NULL || parse_gateways(gateways, options));
    return good && (redis == NULL || parse_redis(redis, servers)) && optind < argc;
}

static const struct mode *mode_named(const char *name)
{
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        if (strcmp(modes[i].name, name) == 0)
            return &modes[i];
    return NULL;
}

/* What the mode can't do without. */
static bool is_complete(const struct mode *mode, const struct load_options *options)
{
    const struct hop_servers *servers = &options->servers;

    if (mode->needs == PEOPLE)
        return options->people_path != NULL && options->gateway_count > 0;
    if (mode->needs == STORE)
        return servers->mongo_uri != NULL && options->finds_path != NULL;
    return servers->kafka != NULL && servers->redis_host != NULL && servers->mongo_uri != NULL &&
           servers->documents_db != NULL && servers->scratch_db != NULL;
}

int main(int argc, char **argv)
{
    struct load_options options = {.bodies_path = "/usr/share/games/fortunes",
                                   .rate_per_s = 200,
                                   .warmup_s = 10,
                                   .seconds = 60,
                                   .grace_s = 5,
                                   .sockets = 10000,
                                   .connects_per_s = 100,
                                   .batch = 500,
                                   .wanted = 10000};
    struct people people = {0};
    bool parsed = parse_options(argc, argv, &options);
    const struct mode *mode = parsed ? mode_named(argv[optind]) : NULL;

    if (mode == NULL || !is_complete(mode, &options)) {
        fputs(usage, stderr);
        return 64;
    }
    struct cc_arena *arena = cc_arena_create(0);
    int code = 1;
    if (mode->needs != PEOPLE || people_load(&people, options.people_path, arena))
        code = mode->run(&options, &people);
    cc_arena_destroy(arena);
    return code;
}
