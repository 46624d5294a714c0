#ifndef CBX_DAEMON_FETCH_DIGEST_H
#define CBX_DAEMON_FETCH_DIGEST_H

#include "rt/status.h"

#include <stdint.h>

/* How a hub names the contents of a file: sha256 for large ones, and git's name
 * of a blob for small ones (sha1 over "blob SIZE", a zero byte, the file). */
typedef enum digest_kind { DIGEST_SHA256, DIGEST_GIT } digest_kind;

enum { DIGEST_TEXT = 65 }; /* hexadecimal, with its end */

/* [setup] Of a file of `size` bytes; CBX_E_FILE when it cannot be read. */
CBX_CHECK cbx_status digest_file(const char *path, uint64_t size,
                                 digest_kind kind, char out[DIGEST_TEXT],
                                 cbx_error *err);

#endif
