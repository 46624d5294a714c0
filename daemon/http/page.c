/* The page at /, compiled in. */
#include "daemon/http/internal.h"

#include "daemon/http/page_files.h"

#include <string.h>

static const struct {
    const char *path, *type;
    const char *bytes;
    const size_t *n;
} files[] = {
    {"/", "text/html; charset=utf-8", page_index_html, &page_index_html_n},
    {"/page.css", "text/css; charset=utf-8", page_page_css, &page_page_css_n},
    {"/page.js", "text/javascript; charset=utf-8", page_page_js,
     &page_page_js_n},
};

bool http_page(http_request *r, const char *path, enum MHD_Result *out)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (strcmp(path, files[i].path) != 0)
            continue;
        struct MHD_Response *response = MHD_create_response_from_buffer(
            *files[i].n, (void *)(uintptr_t)files[i].bytes,
            MHD_RESPMEM_PERSISTENT);
        if (!response) {
            *out = MHD_NO;
            return true;
        }
        MHD_add_response_header(response, "Content-Type", files[i].type);
        MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
        MHD_add_response_header(response, "X-Frame-Options", "DENY");
        MHD_add_response_header(
            response, "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; "
            "connect-src 'self'; base-uri 'none'; form-action 'none'");
        *out = MHD_queue_response(r->connection, MHD_HTTP_OK, response);
        MHD_destroy_response(response);
        return true;
    }
    return false;
}
