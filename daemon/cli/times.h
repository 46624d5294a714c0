#ifndef CBX_DAEMON_CLI_TIMES_H
#define CBX_DAEMON_CLI_TIMES_H

#include "chatterbox/chatterbox.h"
#include "daemon/cli/options.h"

/* When what was said: --srt, --vtt, --json and --chapters of render. Text and
 * events are kept while they pass by; the files are written beside the sound
 * when that is complete. */
typedef struct times times;

/* NULL when the options ask for none of them, or there is no memory. */
times *times_open(const cli_options *o);
void times_close(times *t);

/* Both accept NULL. */
void times_text(times *t, const char *text, size_t n);
void times_event(times *t, const cbx_event *e);

/* Writes what was asked for beside `output`: its name with another ending. */
cbx_status times_write(times *t, const char *output, uint32_t rate,
                       uint64_t frames, cbx_error *err);

/* A line of text that begins a chapter: "# ...", "## ...", "Chapter 5". */
bool times_is_heading(const char *line, size_t n);

#endif
