/* Runs a target over files, as a test. Usage: PROGRAM FOLDER */
#include "tests/check.h"
#include "tests/fuzz/fuzz.h"

#include <dirent.h>

int main(int argc, char **argv)
{
    int n = 0;
    CHECK(argc == 2);
    DIR *d = opendir(argv[1]);
    CHECK(d);
    for (struct dirent *e; (e = readdir(d));) {
        static uint8_t data[1 << 20];
        char path[4096];
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", argv[1], e->d_name);
        FILE *f = fopen(path, "rb");
        CHECK(f);
        const size_t size = fread(data, 1, sizeof data, f);
        fclose(f);
        LLVMFuzzerTestOneInput(data, size);
        for (size_t cut = 0; cut < size; cut += 1 + size / 40)
            LLVMFuzzerTestOneInput(data, cut);
        n++;
    }
    closedir(d);
    CHECK(n > 0);
    return 0;
}
