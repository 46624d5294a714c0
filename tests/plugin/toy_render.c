/* What the renderer of the tests makes of a text, as float frames at a rate, in
 * place of `chatterbox render`. Usage: toy_render TEXT SEED RATE FILE */
#include "tests/check.h"
#include "tests/plugin/fake.h"

int main(int argc, char **argv)
{
    CHECK(argc == 5);
    const plug_request r = {argv[1], "", strtoull(argv[2], NULL, 10), 1.0f,
                            0.0f};
    size_t n;
    float *pcm = fake_rendered(&r, (uint32_t)atoi(argv[3]), &n);
    FILE *to = fopen(argv[4], "wb");
    CHECK(to && fwrite(pcm, sizeof *pcm, n, to) == n && fclose(to) == 0);
    free(pcm);
    return 0;
}
