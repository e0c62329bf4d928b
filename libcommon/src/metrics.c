/* Prometheus metrics. Registration and rendering take a lock; updates are relaxed atomics, from any
 * thread. Series live until the process ends. Knows nothing of HTTP. */

#include "common/metrics.h"

#include <dirent.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <pthread.h>

#include "common/alloc.h"

#define LABELS_MAX       8
#define LABELS_MAX_BYTES 1024

static const int64_t bucket_limits_us[] = {500,     1000,    2500,    5000,    10000,
                                           25000,   50000,   100000,  250000,  500000,
                                           1000000, 2500000, 5000000, 10000000};
static const char *const bucket_names[] = {"0.0005", "0.001", "0.0025", "0.005", "0.01",
                                           "0.025",  "0.05",  "0.1",    "0.25",  "0.5",
                                           "1",      "2.5",   "5",      "10"};
#define BUCKETS (sizeof bucket_limits_us / sizeof *bucket_limits_us)

struct cc_counter {
    _Atomic uint64_t value;
};
struct cc_gauge {
    _Atomic int64_t value;
};
struct cc_histogram {
    _Atomic uint64_t counts[BUCKETS + 1]; /* each bucket's own; the last is +Inf */
    _Atomic int64_t sum_us;
};

enum metric_type { COUNTER, GAUGE, HISTOGRAM };
static const char *const type_names[] = {"counter", "gauge", "histogram"};

struct series {
    struct series *next;
    const char *labels; /* rendered, without braces: a="b",c="d" */
    union {
        struct cc_counter counter;
        struct cc_gauge gauge;
        struct cc_histogram histogram;
    } as;
};
struct family {
    struct family *next;
    const char *name, *help;
    enum metric_type type;
    struct series *first, **last; /* in the order of their first use */
};

static struct {
    pthread_mutex_t lock;
    struct family *first, **last;
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- registration ---- */

static _Noreturn void misuse(const char *name, const char *what)
{
    fprintf(stderr, "metric %s: %s\n", name, what);
    abort();
}

static bool valid_name(const char *name)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    static const char rest[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    return strspn(name, first) > 0 && strspn(name, rest) == strlen(name);
}

static void append_escaped(struct cc_strbuf *out, const char *text, bool in_quotes)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            cc_strbuf_append_text(out, "\\\\");
        else if (*text == '\n')
            cc_strbuf_append_text(out, "\\n");
        else if (*text == '"' && in_quotes)
            cc_strbuf_append_text(out, "\\\"");
        else
            cc_strbuf_append_char(out, *text);
    }
}

static void render_labels(struct cc_strbuf *out, const char *metric, va_list labels)
{
    int count = 0;
    for (const char *key; (key = va_arg(labels, const char *)) != NULL; count++) {
        const char *value = va_arg(labels, const char *);
        if (count == LABELS_MAX || !valid_name(key))
            misuse(metric, "bad label names");
        cc_strbuf_append_text(out, count > 0 ? "," : "");
        cc_strbuf_append_text(out, key);
        cc_strbuf_append_text(out, "=\"");
        append_escaped(out, value, true);
        cc_strbuf_append_char(out, '"');
    }
}

static struct family *find_family(enum metric_type type, const char *name, const char *help)
{
    if (registry.last == NULL)
        registry.last = &registry.first;
    for (struct family *family = registry.first; family != NULL; family = family->next) {
        if (strcmp(family->name, name) != 0)
            continue;
        if (family->type != type)
            misuse(name, "registered before with another type");
        return family;
    }
    if (!valid_name(name))
        misuse(name, "not a metric name");
    struct family *family = cc_calloc(1, sizeof *family);
    *family = (struct family){.name = cc_strdup(name), .help = cc_strdup(help), .type = type};
    family->last = &family->first;
    *registry.last = family;
    registry.last = &family->next;
    return family;
}

static struct series *find_series(enum metric_type type, const char *name, const char *help,
                                  va_list labels)
{
    struct cc_strbuf text;
    cc_strbuf_init(&text, LABELS_MAX_BYTES);
    render_labels(&text, name, labels);
    if (text.overflowed)
        misuse(name, "labels too long");
    pthread_mutex_lock(&registry.lock);
    struct family *family = find_family(type, name, help);
    struct series *series = family->first;
    while (series != NULL && strcmp(series->labels, cc_strbuf_text(&text)) != 0)
        series = series->next;
    if (series == NULL) {
        series = cc_calloc(1, sizeof *series);
        series->labels = cc_strdup(cc_strbuf_text(&text));
        *family->last = series;
        family->last = &series->next;
    }
    pthread_mutex_unlock(&registry.lock);
    cc_strbuf_finish(&text);
    return series;
}

struct cc_counter *cc_counter_get(const char *name, const char *help, ...)
{
    va_list labels;
    va_start(labels, help);
    struct series *series = find_series(COUNTER, name, help, labels);
    va_end(labels);
    return &series->as.counter;
}

struct cc_gauge *cc_gauge_get(const char *name, const char *help, ...)
{
    va_list labels;
    va_start(labels, help);
    struct series *series = find_series(GAUGE, name, help, labels);
    va_end(labels);
    return &series->as.gauge;
}

struct cc_histogram *cc_histogram_get(const char *name, const char *help, ...)
{
    va_list labels;
    va_start(labels, help);
    struct series *series = find_series(HISTOGRAM, name, help, labels);
    va_end(labels);
    return &series->as.histogram;
}

/* ---- updates ---- */

void cc_counter_add(struct cc_counter *counter, uint64_t amount)
{
    atomic_fetch_add_explicit(&counter->value, amount, memory_order_relaxed);
}

void cc_gauge_set(struct cc_gauge *gauge, int64_t value)
{
    atomic_store_explicit(&gauge->value, value, memory_order_relaxed);
}

void cc_gauge_add(struct cc_gauge *gauge, int64_t delta)
{
    atomic_fetch_add_explicit(&gauge->value, delta, memory_order_relaxed);
}

void cc_histogram_observe_us(struct cc_histogram *histogram, int64_t microseconds)
{
    size_t bucket = 0;
    while (bucket < BUCKETS && microseconds > bucket_limits_us[bucket])
        bucket++;
    atomic_fetch_add_explicit(&histogram->counts[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum_us, microseconds, memory_order_relaxed);
}

uint64_t cc_counter_value(const struct cc_counter *counter)
{
    return atomic_load_explicit(&counter->value, memory_order_relaxed);
}

int64_t cc_gauge_value(const struct cc_gauge *gauge)
{
    return atomic_load_explicit(&gauge->value, memory_order_relaxed);
}

/* ---- rendering ---- */

static void render_head(struct cc_strbuf *out, const char *name, const char *help, const char *type)
{
    cc_strbuf_printf(out, "# HELP %s ", name);
    append_escaped(out, help, false);
    cc_strbuf_printf(out, "\n# TYPE %s %s\n", name, type);
}

/* "name_suffix{labels,extra} ", each part only where there is one. */
static void render_series_name(struct cc_strbuf *out, const char *name, const char *suffix,
                               const char *labels, const char *bucket)
{
    bool has_labels = labels[0] != '\0';
    cc_strbuf_append_text(out, name);
    cc_strbuf_append_text(out, suffix);
    if (has_labels || bucket != NULL)
        cc_strbuf_append_char(out, '{');
    cc_strbuf_append_text(out, labels);
    if (bucket != NULL)
        cc_strbuf_printf(out, "%sle=\"%s\"", has_labels ? "," : "", bucket);
    if (has_labels || bucket != NULL)
        cc_strbuf_append_char(out, '}');
    cc_strbuf_append_char(out, ' ');
}

/* The count is the sum of the buckets as read here, so that one scrape is consistent in itself. */
static void render_histogram(struct cc_strbuf *out, const char *name, const char *labels,
                             const struct cc_histogram *histogram)
{
    uint64_t total = 0;
    for (size_t i = 0; i <= BUCKETS; i++) {
        total += atomic_load_explicit(&histogram->counts[i], memory_order_relaxed);
        render_series_name(out, name, "_bucket", labels, i < BUCKETS ? bucket_names[i] : "+Inf");
        cc_strbuf_printf(out, "%llu\n", (unsigned long long)total);
    }
    int64_t sum_us = atomic_load_explicit(&histogram->sum_us, memory_order_relaxed);
    render_series_name(out, name, "_sum", labels, NULL);
    cc_strbuf_printf(out, "%.6f\n", (double)sum_us / 1e6);
    render_series_name(out, name, "_count", labels, NULL);
    cc_strbuf_printf(out, "%llu\n", (unsigned long long)total);
}

static void render_family(struct cc_strbuf *out, const struct family *family)
{
    render_head(out, family->name, family->help, type_names[family->type]);
    for (const struct series *series = family->first; series != NULL; series = series->next) {
        if (family->type == HISTOGRAM) {
            render_histogram(out, family->name, series->labels, &series->as.histogram);
            continue;
        }
        render_series_name(out, family->name, "", series->labels, NULL);
        if (family->type == COUNTER)
            cc_strbuf_printf(out, "%llu\n",
                             (unsigned long long)cc_counter_value(&series->as.counter));
        else
            cc_strbuf_printf(out, "%lld\n", (long long)cc_gauge_value(&series->as.gauge));
    }
}

/* ---- the process itself ---- */

static int64_t resident_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%*s %ld", &pages) != 1)
        pages = 0;
    fclose(file);
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static int64_t open_fds(void)
{
    int64_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return 0;
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count - 3; /* ".", ".." and the folder's own descriptor */
}

static int64_t max_fds(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (int64_t)limit.rlim_cur : 0;
}

/* What the program holds: arenas of all threads, and what is too large for one. */
static size_t heap_bytes(void)
{
    struct mallinfo2 heap = mallinfo2();
    return heap.uordblks + heap.hblkhd;
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Field 22 of /proc/self/stat counts clock ticks since boot; the command's name before it may hold
 * spaces, so reading starts behind its closing bracket. */
static double start_time_seconds(void)
{
    char text[1024];
    FILE *file = fopen("/proc/self/stat", "re");
    if (file == NULL)
        return 0;
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    const char *at = strrchr(text, ')');
    for (int field = 2; at != NULL && field < 22; field++)
        at = strchr(at + 1, ' ');
    struct timespec boot, now;
    clock_gettime(CLOCK_BOOTTIME, &boot);
    clock_gettime(CLOCK_REALTIME, &now);
    double booted_at =
        (double)(now.tv_sec - boot.tv_sec) + (double)(now.tv_nsec - boot.tv_nsec) / 1e9;
    return at == NULL ? 0 : booted_at + strtod(at, NULL) / (double)sysconf(_SC_CLK_TCK);
}

static void render_process(struct cc_strbuf *out)
{
    render_head(out, "process_resident_memory_bytes", "Resident memory.", "gauge");
    cc_strbuf_printf(out, "process_resident_memory_bytes %lld\n", (long long)resident_bytes());
    render_head(out, "process_heap_bytes", "Heap in use. What is resident beyond it may be gaps.",
                "gauge");
    cc_strbuf_printf(out, "process_heap_bytes %zu\n", heap_bytes());
    render_head(out, "process_cpu_seconds_total", "User and system CPU time.", "counter");
    cc_strbuf_printf(out, "process_cpu_seconds_total %.3f\n", cpu_seconds());
    render_head(out, "process_open_fds", "Open file descriptors.", "gauge");
    cc_strbuf_printf(out, "process_open_fds %lld\n", (long long)open_fds());
    render_head(out, "process_max_fds", "Open file descriptors at most.", "gauge");
    cc_strbuf_printf(out, "process_max_fds %lld\n", (long long)max_fds());
    render_head(out, "process_start_time_seconds", "Start of the process, Unix time.", "gauge");
    cc_strbuf_printf(out, "process_start_time_seconds %.2f\n", start_time_seconds());
    render_head(out, "build_info", "1, labelled with the version.", "gauge");
    cc_strbuf_printf(out, "build_info{version=\"%s\"} 1\n", CC_VERSION);
}

void cc_metrics_render(struct cc_strbuf *out)
{
    pthread_mutex_lock(&registry.lock);
    for (const struct family *family = registry.first; family != NULL; family = family->next)
        render_family(out, family);
    pthread_mutex_unlock(&registry.lock);
    render_process(out);
}
