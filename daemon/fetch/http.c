#include "daemon/fetch/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    TRIES = 5, /* without a byte in between */
    REDIRECTS = 5,
    CONNECT_S = 30,
};

struct http {
    CURL *curl;
    struct curl_slist *headers;
    http_options options;
    char why[CURL_ERROR_SIZE];
};

cbx_status http_open(const http_options *options, http **out, cbx_error *err)
{
    http *h = calloc(1, sizeof *h);
    if (h)
        h->options = *options;
    if (!h || curl_global_init(CURL_GLOBAL_DEFAULT) ||
        !(h->curl = curl_easy_init())) {
        free(h);
        return cbx_fail(err, CBX_E_NOMEM, "the network library does not start");
    }
    if (options->token) {
        char line[4096];
        const int n = snprintf(line, sizeof line, "Authorization: Bearer %s",
                               options->token);
        if (n >= (int)sizeof line || strpbrk(options->token, "\r\n")) {
            http_close(h);
            return cbx_fail(err, CBX_E_ARG,
                            "HF_TOKEN is no token: it is too long, or holds a "
                            "line break");
        }
        h->headers = curl_slist_append(NULL, line);
    }
    *out = h;
    return CBX_OK;
}

void http_close(http *h)
{
    if (!h)
        return;
    curl_slist_free_all(h->headers);
    curl_easy_cleanup(h->curl);
    free(h);
}

/* -- one request ----------------------------------------------------------- */

/* What arrives, and where it goes: memory or a file. */
typedef struct arrival {
    http *h;
    char *text;
    size_t n, most;
    FILE *file;
    uint64_t at, size; /* of the file */
    bool ranged;       /* bytes from `at` on were asked for */
    bool checked;      /* the status was looked at */
    bool restarted, too_much, interrupted, wrong_range, disk;
    uint64_t from; /* the first byte of the server's range */
    uint64_t came; /* in this request */
} arrival;

/* Content-Range: bytes FROM-TO/ALL */
static size_t on_header(char *line, size_t one, size_t n, void *arg)
{
    arrival *a = arg;
    uint64_t from;
    char text[128];
    (void)one;
    snprintf(text, sizeof text, "%.*s", (int)(n < 127 ? n : 127), line);
    if (!strncmp(text, "HTTP/", 5))
        a->from = UINT64_MAX; /* of this answer nothing is known yet */
    if (!strncasecmp(text, "content-range:", 14) &&
        sscanf(text + 14, " bytes %" SCNu64 "-", &from) == 1)
        a->from = from;
    return n;
}

/* The first bytes of an answer: is it what was asked for? */
static bool check(arrival *a)
{
    long status = 0;
    curl_easy_getinfo(a->h->curl, CURLINFO_RESPONSE_CODE, &status);
    a->checked = true;
    if (status == 206 && a->ranged && a->from == a->at)
        return true;
    if (status == 206) {
        a->wrong_range = true;
        return false;
    }
    if (a->file && status == 200 && a->at) { /* it cannot go on: anew */
        if (fflush(a->file) || ftruncate(fileno(a->file), 0) ||
            fseek(a->file, 0, SEEK_SET)) {
            a->disk = true;
            return false;
        }
        a->at = 0;
        a->restarted = true;
    }
    return true;
}

static size_t on_bytes(char *bytes, size_t one, size_t n, void *arg)
{
    arrival *a = arg;
    long status = 0;
    (void)one;
    curl_easy_getinfo(a->h->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 300)
        return n; /* nobody reads that */
    if (!a->checked && !check(a))
        return 0;
    if (a->file) {
        if (n > a->size - a->at) {
            a->too_much = true;
            return 0;
        }
        if (fwrite(bytes, 1, n, a->file) != n) {
            a->disk = true;
            return 0;
        }
        a->at += n;
    } else {
        if (n > a->most - a->n) {
            a->too_much = true;
            return 0;
        }
        char *text = realloc(a->text, a->n + n + 1);
        if (!text)
            return 0;
        memcpy(text + a->n, bytes, n);
        a->text = text;
        a->n += n;
        a->text[a->n] = 0;
    }
    a->came += n;
    return n;
}

static int on_progress(void *arg, curl_off_t total, curl_off_t now,
                       curl_off_t up, curl_off_t up_now)
{
    arrival *a = arg;
    (void)total;
    (void)now;
    (void)up;
    (void)up_now;
    if (a->h->options.progress &&
        a->h->options.progress(a->h->options.user, a->at))
        a->interrupted = true;
    return a->interrupted;
}

static CURLcode request(arrival *a, const char *url, long *status)
{
    http *h = a->h;
    CURL *c = h->curl;
    char range[32];
    const char *protocols =
        !strncasecmp(url, "https:", 6) ? "https" : "http,https";
    curl_easy_reset(c);
    h->why[0] = 0;
    a->checked = false;
    a->came = 0;
    a->ranged = a->file && a->at;
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, protocols);
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, protocols);
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)REDIRECTS);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, h->headers);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "chatterbox");
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)h->options.timeout);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, h->why);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, a);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, a);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, a);
    if (a->ranged) {
        snprintf(range, sizeof range, "%" PRIu64 "-", a->at);
        curl_easy_setopt(c, CURLOPT_RANGE, range);
    }
    const CURLcode code = curl_easy_perform(c);
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, status);
    return code;
}

/* -- what became of it ----------------------------------------------------- */

static bool worth_another_try(CURLcode code, long status)
{
    switch (code) {
    case CURLE_OK:
        return status == 408 || status == 429 || status >= 500;
    case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2_STREAM:
        return true;
    default:
        return false;
    }
}

static cbx_status explain(const arrival *a, const char *url, CURLcode code,
                          long status, cbx_error *err)
{
    const char *why = a->h->why[0] ? a->h->why : curl_easy_strerror(code);
    if (a->interrupted)
        return cbx_fail(err, CBX_E_LIMIT,
                        "interrupted; the same command goes "
                        "on from here");
    if (a->too_much)
        return cbx_fail(err, CBX_E_FORMAT,
                        "%.300s: the server sends more than its list says",
                        url);
    if (a->wrong_range)
        return cbx_fail(err, CBX_E_FORMAT,
                        "%.300s: the server sends another part than the one "
                        "that was asked for",
                        url);
    if (a->disk)
        return cbx_fail(err, CBX_E_FILE, "%.300s cannot be written: %s", url,
                        strerror(errno));
    if (code != CURLE_OK)
        return cbx_fail(err, CBX_E_FILE, "%.300s: %s", url, why);
    if (status == 401 || status == 403)
        return cbx_fail(err, CBX_E_FILE,
                        "%.300s: the server does not allow that (%ld); if the "
                        "model asks for a login, set HF_TOKEN",
                        url, status);
    if (status == 404)
        return cbx_fail(err, CBX_E_FILE, "%.300s: there is no such thing (404)",
                        url);
    return cbx_fail(err, CBX_E_FILE, "%.300s: the server answers %ld", url,
                    status);
}

static void pause_before(int try)
{
    /* doubled each time; CHATTERBOX_RETRY_MS is the first one */
    const char *given = getenv("CHATTERBOX_RETRY_MS");
    const long first = given ? strtol(given, NULL, 10) : 250;
    const long ms = (first < 0 || first > 60000 ? 250 : first) << (try - 1);
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

cbx_status http_get(http *h, const char *url, size_t most, char **out,
                    size_t *n, cbx_error *err)
{
    arrival a;
    long status = 0;
    CURLcode code = CURLE_OK;
    for (int try = 0; try < TRIES; try++) {
        if (try)
            pause_before(try);
        a = (arrival){.h = h, .most = most};
        code = request(&a, url, &status);
        if (code == CURLE_OK && status == 200 && a.text) {
            *out = a.text;
            *n = a.n;
            return CBX_OK;
        }
        free(a.text);
        if (!worth_another_try(code, status) || a.too_much || a.interrupted)
            break;
    }
    return explain(&a, url, code, status, err);
}

/* Opens what is there for going on. */
static cbx_status open_part(const char *path, uint64_t size, FILE **out,
                            uint64_t *at, cbx_error *err)
{
    struct stat s;
    FILE *f = fopen(path, "ab");
    if (!f || fstat(fileno(f), &s)) {
        if (f)
            fclose(f);
        return cbx_fail(err, CBX_E_FILE, "%s: %s", path, strerror(errno));
    }
    *at = (uint64_t)s.st_size;
    if (*at > size) { /* never ours */
        if (ftruncate(fileno(f), 0)) {
            fclose(f);
            return cbx_fail(err, CBX_E_FILE, "%s: %s", path, strerror(errno));
        }
        *at = 0;
    }
    *out = f;
    return CBX_OK;
}

/* One attempt. *again: another one makes sense; *came: bytes. */
static cbx_status attempt(http *h, const char *url, uint64_t size,
                          const char *path, bool *again, uint64_t *came,
                          cbx_error *err)
{
    arrival a = {.h = h, .size = size};
    long status = 0;
    cbx_status st = open_part(path, size, &a.file, &a.at, err);
    *again = false;
    *came = 0;
    if (st)
        return st;
    CURLcode code = CURLE_OK;
    const bool needed = a.at < size || size == 0;
    if (needed && size > 0)
        code = request(&a, url, &status);
    const bool closed = fflush(a.file) || fsync(fileno(a.file));
    if (fclose(a.file) || closed)
        a.disk = true;
    /* an answer that ended well, or began anew, is no step on */
    *came = code == CURLE_OK || a.restarted ? 0 : a.came;
    if (!a.disk && a.at == size && !a.too_much)
        return CBX_OK;
    const bool stopped = a.too_much || a.disk || a.interrupted || a.wrong_range;
    /* 416: nothing lies behind what we have, so that is not the file */
    if (status == 416 || a.wrong_range || a.too_much)
        (void)!truncate(path, 0);
    *again = !stopped && (worth_another_try(code, status) || status == 416 ||
                          (code == CURLE_OK && status >= 200 && status < 300));
    if (a.wrong_range && a.ranged)
        *again = true;
    if (*again && code == CURLE_OK && status < 300)
        return cbx_fail(err, CBX_E_FORMAT,
                        "%.300s: the server sends %" PRIu64
                        " bytes where its list says %" PRIu64,
                        url, a.at, size);
    return explain(&a, url, code, status, err);
}

cbx_status http_download(http *h, const char *url, uint64_t size,
                         const char *path, cbx_error *err)
{
    cbx_status st = CBX_OK;
    bool again = true;
    for (int try = 0, all = 0; again && try < TRIES && all < 1000; all++) {
        uint64_t came;
        if (try)
            pause_before(try);
        st = attempt(h, url, size, path, &again, &came, err);
        if (!st)
            return CBX_OK;
        try = came > 65536 ? 1 : try + 1;
    }
    return st;
}
