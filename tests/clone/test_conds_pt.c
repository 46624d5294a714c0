/* Voices go from one form of file to the other and back.
 * Usage: clone_conds_pt CONDS.PT */
#include "models/checkpoint/conds.h"
#include "models/checkpoint/torch_write.h"
#include "tests/check.h"

#include <string.h>
#include <unistd.h>

static cbx_error err;

#define MUST(call)                                                        \
    do {                                                                  \
        if (call) {                                                       \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, err.text); \
            exit(1);                                                      \
        }                                                                 \
    } while (0)

static void same(const void *a, const void *b, size_t bytes)
{
    CHECK(!a == !b && (!a || memcmp(a, b, bytes) == 0));
}

static void conds_equal(const cbx_conds *a, const cbx_conds *b)
{
    const size_t n_t3 = (size_t)a->n_t3_tokens;
    CHECK(a->speaker_dim == b->speaker_dim && a->n_t3_tokens == b->n_t3_tokens);
    CHECK(a->t3_prompt_dim == b->t3_prompt_dim);
    CHECK(a->n_prompt_tokens == b->n_prompt_tokens);
    CHECK(a->n_prompt_frames == b->n_prompt_frames && a->n_mels == b->n_mels);
    CHECK(a->embedding_dim == b->embedding_dim);
    same(a->speaker_emb, b->speaker_emb, (size_t)a->speaker_dim * 4);
    same(a->t3_tokens, b->t3_tokens, n_t3 * 4);
    same(a->t3_prompt_emb, b->t3_prompt_emb,
         n_t3 * (size_t)a->t3_prompt_dim * 4);
    same(&a->emotion_adv, &b->emotion_adv, 4);
    same(a->prompt_tokens, b->prompt_tokens, (size_t)a->n_prompt_tokens * 4);
    same(a->prompt_feat, b->prompt_feat,
         (size_t)a->n_prompt_frames * (size_t)a->n_mels * 4);
    same(a->embedding, b->embedding, (size_t)a->embedding_dim * 4);
}

static void survives_both_forms(const cbx_conds *a)
{
    char pt[] = "clone_a_XXXXXX", st[] = "clone_b_XXXXXX";
    cbx_conds *b, *c;
    close(mkstemp(pt));
    close(mkstemp(st));
    MUST(cbx_conds_write_pt(a, pt, &err));
    MUST(cbx_conds_open(pt, &b, &err));
    conds_equal(a, b);
    MUST(cbx_conds_write(b, st, &err));
    MUST(cbx_conds_open(st, &c, &err));
    conds_equal(a, c);
    cbx_conds_close(b);
    cbx_conds_close(c);
    CHECK(!unlink(pt) && !unlink(st));
}

static void a_voice_of_the_reference_survives_both_forms(const char *path)
{
    cbx_conds *a;
    MUST(cbx_conds_open(path, &a, &err));
    CHECK(a->n_t3_tokens > 0 && !a->t3_prompt_emb);
    survives_both_forms(a);
    cbx_conds_close(a);
}

static void a_voice_with_all_or_little_in_it_survives_both_forms(void)
{
    float f[24];
    int32_t tokens[] = {0, 300, 6560, 70000};
    for (int i = 0; i < 24; i++)
        f[i] = (float)i / 7 - 1;
    cbx_conds c = {.speaker_dim = 5,
                   .speaker_emb = f,
                   .n_t3_tokens = 4,
                   .t3_tokens = tokens,
                   .t3_prompt_dim = 3,
                   .t3_prompt_emb = f + 1,
                   .emotion_adv = 0.7f,
                   .n_prompt_tokens = 3,
                   .prompt_tokens = tokens + 1,
                   .n_prompt_frames = 7,
                   .n_mels = 3,
                   .prompt_feat = f + 2,
                   .embedding_dim = 2,
                   .embedding = f + 3};
    survives_both_forms(&c);
    c.n_t3_tokens = 0;
    c.t3_tokens = NULL;
    c.t3_prompt_emb = NULL;
    c.t3_prompt_dim = 0;
    survives_both_forms(&c);
}

/* Data of every type comes back, at a place that torch can map. */
static void every_type_is_written(void)
{
    static const uint64_t data[3] = {1, 2, 3};
    char path[] = "clone_c_XXXXXX";
    cbx_torch_item items[CBX_FILE_OTHER];
    cbx_tensor_file *f;
    for (int i = 0; i < CBX_FILE_OTHER; i++)
        items[i] = (cbx_torch_item){"all", &"abcdefghij" [i], (cbx_file_dtype)i,
                                    2,     {3, 1 },          data};
    close(mkstemp(path));
    MUST(cbx_torch_write(path, "x", items, CBX_FILE_OTHER, &err));
    MUST(cbx_tensor_file_open(path, &f, &err));
    CHECK(cbx_tensor_count(f) == CBX_FILE_OTHER);
    for (size_t i = 0; i < CBX_FILE_OTHER; i++) {
        const cbx_file_tensor *t = cbx_tensor_at(f, i);
        CHECK(t->dtype == items[i].dtype && t->ndim == 2 && t->dims[0] == 3);
        same(t->data, data, t->bytes);
        CHECK((uintptr_t)t->data % 64 == 0);
    }
    cbx_tensor_file_close(f);
    CHECK(!unlink(path));
}

static void what_cannot_be_written_is_refused(void)
{
    const float x = 1;
    cbx_torch_item item = {"a", "b", CBX_FILE_OTHER, 1, {1}, &x};
    CHECK(cbx_torch_write("never", "x", &item, 1, &err) == CBX_E_ARG);
    item.dtype = CBX_FILE_F32;
    item.dims[0] = (int64_t)1 << 40;
    CHECK(cbx_torch_write("never", "x", &item, 1, &err) == CBX_E_ARG);
    item.dims[0] = 1;
    CHECK(cbx_torch_write("no/such/folder", "x", &item, 1, &err) == CBX_E_FILE);
    CHECK(access("never", F_OK));
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    a_voice_of_the_reference_survives_both_forms(argv[1]);
    a_voice_with_all_or_little_in_it_survives_both_forms();
    every_type_is_written();
    what_cannot_be_written_is_refused();
    return 0;
}
