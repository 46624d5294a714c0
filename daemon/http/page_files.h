#ifndef CBX_DAEMON_HTTP_PAGE_FILES_H
#define CBX_DAEMON_HTTP_PAGE_FILES_H

#include <stddef.h>

/* The files of page/, made into C by embed.cmake. */
extern const char page_index_html[], page_page_css[], page_page_js[];
extern const size_t page_index_html_n, page_page_css_n, page_page_js_n;

#endif
