/* Who may ask. A server on loopback is reached by every page that a browser
 * here has open: so the Host must be ours (a foreign name that was made to
 * resolve to loopback is refused), and an Origin, where there is one, too. */
#include "daemon/http/internal.h"

#include <string.h>
#include <strings.h>

static const char *header(const http_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

/* "localhost:8880" -> whether that is this machine, by name or number. */
static bool is_this_machine(const char *host)
{
    char name[HTTP_ADDRESS];
    const char *end = *host == '[' ? strchr(host, ']') : strchr(host, ':');
    const size_t n = !end           ? strlen(host)
                     : *host == '[' ? (size_t)(end - host + 1)
                                    : (size_t)(end - host);
    if (n >= sizeof name)
        return false;
    memcpy(name, host, n);
    name[n] = 0;
    return strcasecmp(name, "localhost") == 0 || strcmp(name, "[::1]") == 0 ||
           (strncmp(name, "127.", 4) == 0 &&
            strspn(name, "0123456789.") == strlen(name));
}

/* Compares all of it, however early they differ. */
static bool same_secret(const char *a, const char *b)
{
    const size_t n = strlen(a), m = strlen(b);
    unsigned char different = n != m;
    for (size_t i = 0; i < n; i++)
        different |= (unsigned char)(a[i] ^ b[m ? i % m : 0]);
    return !different;
}

static bool has_token(const http_request *r)
{
    const char *given = header(r, "Authorization");
    return given && strncasecmp(given, "Bearer ", 7) == 0 &&
           same_secret(given + 7 + strspn(given + 7, " "), r->server->token);
}

/* The page itself is no secret; what it asks for is. */
static bool is_open(const char *path)
{
    return strcmp(path, "/health") == 0 || strcmp(path, "/") == 0 ||
           strncmp(path, "/page", 5) == 0;
}

const char *http_forbidden(const http_request *r, const char *path,
                           unsigned *status)
{
    const char *host = header(r, "Host"), *origin = header(r, "Origin");
    *status = MHD_HTTP_FORBIDDEN;
    if (r->server->loopback && host && !is_this_machine(host))
        return "this server speaks for this machine only: ask it as "
               "localhost or 127.0.0.1";
    if (origin && host) {
        const char *slashes = strstr(origin, "://");
        if (!slashes || strcasecmp(slashes + 3, host) != 0)
            return "a page from elsewhere may not make this machine speak";
    }
    *status = MHD_HTTP_UNAUTHORIZED;
    if (*r->server->token && !is_open(path) && !has_token(r))
        return "this server wants a token: Authorization: Bearer TOKEN";
    return NULL;
}
