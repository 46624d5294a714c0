#include "daemon/speechd/icons.h"

#include "daemon/speechd/sound.h"

#include <math.h>
#include <stdio.h>
#include <sys/stat.h>

bool sd_icon_file(const char *folder, const char *name, char *path, size_t size)
{
    static const char *const endings[] = {"", ".wav"};
    struct stat st;
    if (!*name || *name == '.' || strchr(name, '/'))
        return false;
    for (size_t i = 0; i < 2; i++) {
        const int n = snprintf(path, size, "%s/%s%s", folder, name, endings[i]);
        if (n > 0 && (size_t)n < size && !stat(path, &st) &&
            S_ISREG(st.st_mode))
            return true;
    }
    return false;
}

size_t sd_icon_tone(float gain, int16_t *out, size_t most)
{
    const size_t n = most < SD_RATE / 25 ? most : SD_RATE / 25;
    const float pi = 3.14159265f;
    for (size_t i = 0; i < n; i++) {
        const float t = (float)i / (float)n;
        out[i] = (int16_t)lrintf(6000.0f * gain * sinf(pi * t) *
                                 sinf(2 * pi * 1400.0f * (float)i / SD_RATE));
    }
    return n;
}
