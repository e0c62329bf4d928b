#ifndef HTTP_TRANSFER_H
#define HTTP_TRANSFER_H

/*
 * One request of the HTTP client and its answer, on a curl easy handle that is used again and
 * again. Prepared on the caller's thread, ended on the client's; one thread at a time.
 */

#include <curl/curl.h>

#include "common/http_client.h"
#include "common/strbuf.h"

#define HTTP_RESPONSE_HEADERS_MAX 64

struct http_transfer {
    struct http_transfer *next, *previous; /* the client's: queue, active list or free list */
    CURL *easy;
    struct cc_arena *arena;
    struct curl_slist *header_list;
    const char *method;
    const char *body;
    size_t body_count, body_sent;
    struct cc_strbuf response;
    struct cc_http_header headers[HTTP_RESPONSE_HEADERS_MAX];
    size_t header_count;
    int64_t starts_at_ms; /* monotonic; 0 = at once */
    bool head_ended;      /* with its empty line */
    struct cc_span span;
    bool span_begun;
    char curl_error[CURL_ERROR_SIZE];
    cc_http_done done;
    void *arg;
};

struct http_transfer *http_transfer_create(void);
void http_transfer_destroy(struct http_transfer *transfer);

/* Everything of the call is copied. */
void http_transfer_prepare(struct http_transfer *transfer, const struct cc_http_call *call,
                           cc_http_done done, void *arg);
/* Calls done: with the answer, or with what curl's result means for whoever asked. */
void http_transfer_end(struct http_transfer *transfer, CURLcode result);
void http_transfer_cancel(struct http_transfer *transfer);
/* Fit to be prepared again. */
void http_transfer_reset(struct http_transfer *transfer);

#endif
