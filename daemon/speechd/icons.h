#ifndef CBX_DAEMON_SPEECHD_ICONS_H
#define CBX_DAEMON_SPEECHD_ICONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* [any] The file of a sound icon, NAME or NAME.wav in the folder. False: there
 * is none; names with '/' have none. */
bool sd_icon_file(const char *folder, const char *name, char *path,
                  size_t size);

/* [any] The sound before a capital letter where there is no file for it: a
 * tone of at most `most` frames. Returns how many. */
size_t sd_icon_tone(float gain, int16_t *out, size_t most);

#endif
