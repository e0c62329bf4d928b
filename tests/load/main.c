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
    "chat-load delivery|idle|edge --people FILE --gateways HOST:PORT[,HOST:PORT...]\n"
    "  delivery: --rate N (messages/s) --warmup S --seconds S --grace S --bodies FOLDER\n"
    "  idle:     --sockets N --connects N (per second) --seconds S (how long they are held)\n"
    "  edge:     --rate N (requests/s at each of the gateways, in turn) --warmup S --seconds S\n";

int64_t monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* "127.0.0.1:8106,127.0.0.1:8116"; anything but loopback is refused. */
static bool parse_gateways(const char *text, struct load_options *options)
{
    while (*text != '\0' && options->gateway_count < GATEWAYS_MAX) {
        char host[32] = "";
        size_t host_length = strcspn(text, ":");
        if (host_length >= sizeof host || text[host_length] != ':')
            return false;
        memcpy(host, text, host_length);
        char *end;
        long port = strtol(text + host_length + 1, &end, 10);
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        if (port < 1 || port > 65535 || inet_pton(AF_INET, host, &address.sin_addr) != 1 ||
            (ntohl(address.sin_addr.s_addr) >> 24) != 127)
            return false;
        options->gateways[options->gateway_count++] = address;
        text = *end == ',' ? end + 1 : end;
    }
    return options->gateway_count > 0 && *text == '\0';
}

static bool parse_count(const char *text, int64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *out >= 0 && *out <= 1000000;
}

static bool parse_options(int argc, char **argv, struct load_options *options)
{
    static const struct option names[] = {
        {"people", required_argument, NULL, 'p'},   {"gateways", required_argument, NULL, 'g'},
        {"bodies", required_argument, NULL, 'b'},   {"rate", required_argument, NULL, 'r'},
        {"warmup", required_argument, NULL, 'w'},   {"seconds", required_argument, NULL, 's'},
        {"grace", required_argument, NULL, 'e'},    {"sockets", required_argument, NULL, 'n'},
        {"connects", required_argument, NULL, 'c'}, {0},
    };
    bool good = true;
    for (int option; good && (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (option) {
        case 'p':
            options->people_path = optarg;
            break;
        case 'b':
            options->bodies_path = optarg;
            break;
        case 'g':
            good = parse_gateways(optarg, options);
            break;
        case 'r':
            good = parse_count(optarg, &options->rate_per_s) && options->rate_per_s > 0;
            break;
        case 'w':
            good = parse_count(optarg, &options->warmup_s);
            break;
        case 's':
            good = parse_count(optarg, &options->seconds);
            break;
        case 'e':
            good = parse_count(optarg, &options->grace_s);
            break;
        case 'n':
            good = parse_count(optarg, &options->sockets);
            break;
        case 'c':
            good = parse_count(optarg, &options->connects_per_s) && options->connects_per_s > 0;
            break;
        default:
            good = false;
        }
    }
    return good && options->people_path != NULL && options->gateway_count > 0 && optind < argc;
}

int main(int argc, char **argv)
{
    struct load_options options = {.bodies_path = "/usr/share/games/fortunes",
                                   .rate_per_s = 200,
                                   .warmup_s = 10,
                                   .seconds = 60,
                                   .grace_s = 5,
                                   .sockets = 10000,
                                   .connects_per_s = 100};
    struct people people;
    if (!parse_options(argc, argv, &options)) {
        fputs(usage, stderr);
        return 64;
    }
    struct cc_arena *arena = cc_arena_create(0);
    int code = 1;
    if (people_load(&people, options.people_path, arena)) {
        if (strcmp(argv[optind], "delivery") == 0)
            code = run_delivery(&options, &people);
        else if (strcmp(argv[optind], "idle") == 0)
            code = run_idle(&options, &people);
        else if (strcmp(argv[optind], "edge") == 0)
            code = run_edge(&options, &people);
        else
            fputs(usage, stderr);
    }
    cc_arena_destroy(arena);
    return code;
}
