#include "models/checkpoint/config.h"

#include "models/checkpoint/config_read.h"
#include "models/checkpoint/tensor.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* t3_config.py, llama_configs.py, s3gen.py, hifigan.py, xvector.py,
 * voice_encoder/config.py; generate() of tts.py, mtl_tts.py, tts_turbo.py.
 * Turbo is the base; the Llama families differ below. */
static const cbx_config turbo = {
    .family = CBX_FAMILY_TURBO,
    .t3 = {.gpt2 = true,
           .heads = 16,
           .norm_eps = 1e-5f,
           .prompt_tokens = 375,
           .start_speech = 6561,
           .stop_speech = 6562,
           .start_text = -1,
           .stop_text = -1},
    .flow = {.heads = 8,
             .pre_lookahead = 3,
             .token_mel_ratio = 2,
             .used_codes = 6561},
    .cfm = {.heads = 8,
            .head_dim = 64,
            .meanflow = true,
            .steps = 2,
            .time_scale = 1000},
    .hift = {.sample_rate = 24000,
             .n_stages = 3,
             .upsample_rates = {8, 5, 3},
             .n_fft = 16,
             .hop = 4,
             .n_dilations = 3,
             .dilations = {1, 3, 5},
             .nb_harmonics = 8,
             .lrelu_slope = 0.1f,
             .audio_limit = 0.99f,
             .sine_amp = 0.1f,
             .noise_std = 0.003f,
             .voiced_threshold = 10},
    .ve = {.partial_frames = 160, .rate = 1.3f, .min_coverage = 0.8f},
    .s3tok = {.heads = 20, .rope_theta = 10000},
    .campplus = {.dilations = {1, 2, 2}, .segment = 100},
    .sampling = {.temperature = 0.8f,
                 .top_k = 1000,
                 .top_p = 0.95f,
                 .repetition_penalty = 1.2f,
                 .exaggeration = 0.5f},
    /* 300: our choice; the reference leaves the length to its caller */
    .limits = {.max_text_chars = 300,
               .max_speech_tokens = 1000,
               .silence_token = 4299,
               .silence_appended = 3},
};

static void make_llama(cbx_config *c)
{
    c->t3.gpt2 = false;
    c->t3.prompt_tokens = 150;
    c->t3.start_text = 255;
    c->t3.stop_text = 0;
    c->t3.perceiver_heads = 4;
    c->t3.emotion_adv = true;
    c->t3.rope_theta = 500000;
    c->t3.rope_factor = 8;
    c->t3.rope_low_freq = 1;
    c->t3.rope_high_freq = 4;
    c->t3.rope_original_positions = 8192;
    /* alignment_stream_analyzer.py: LLAMA_ALIGNED_HEADS */
    c->t3.n_aligned = 3;
    c->t3.aligned[0].layer = 12, c->t3.aligned[0].head = 15;
    c->t3.aligned[1].layer = 13, c->t3.aligned[1].head = 11;
    c->t3.aligned[2].layer = 9, c->t3.aligned[2].head = 2;
    c->cfm.meanflow = false;
    c->cfm.steps = 10;
    c->cfm.cfg_rate = 0.7f;
    c->sampling.top_k = 0;
    c->sampling.top_p = 1;
    c->sampling.min_p = 0.05f;
    c->sampling.cfg_weight = 0.5f;
    c->limits.silence_appended = 0;
}

void cbx_config_init(cbx_config *c, cbx_family family)
{
    *c = turbo;
    c->family = family;
    if (family == CBX_FAMILY_NANO)
        c->t3.heads = 12;
    else if (family != CBX_FAMILY_TURBO)
        make_llama(c);
}

const char *cbx_family_name(cbx_family family)
{
    static const char *const names[] = {
        [CBX_FAMILY_ORIGINAL] = "original",
        [CBX_FAMILY_MULTILINGUAL] = "multilingual",
        [CBX_FAMILY_TURBO] = "turbo",
        [CBX_FAMILY_NANO] = "nano",
    };
    return names[family];
}

/* folder + "/" + name, to be freed; NULL without memory. */
static char *join(const char *folder, const char *name)
{
    const size_t n = strlen(folder) + strlen(name) + 2;
    char *path = malloc(n);
    if (path)
        snprintf(path, n, "%s/%s", folder, name);
    return path;
}

static bool exists(const char *folder, const char *name)
{
    char *path = join(folder, name);
    const bool yes = path && access(path, F_OK) == 0;
    free(path);
    return yes;
}

/* The first of the names that is there, else "". */
static void pick(const char *folder, const char *const *names, char out[64])
{
    out[0] = 0;
    for (; *names; names++) {
        if (exists(folder, *names)) {
            snprintf(out, 64, "%s", *names);
            return;
        }
    }
}

/* The only t3_*_v1.safetensors; two of them are an error. */
static cbx_status find_other_t3(const char *folder, char out[64],
                                cbx_error *err)
{
    static const char tail[] = "_v1.safetensors";
    cbx_status st = CBX_OK;
    out[0] = 0;
    DIR *dir = opendir(folder);
    if (!dir)
        return cbx_fail(err, CBX_E_FILE, "cannot open the model folder %s: %s",
                        folder, strerror(errno));
    for (const struct dirent *e; !st && (e = readdir(dir));) {
        const size_t n = strlen(e->d_name);
        if (n < sizeof tail + 3 || n > 63 || strncmp(e->d_name, "t3_", 3) ||
            strcmp(e->d_name + n - (sizeof tail - 1), tail))
            continue;
        if (out[0])
            st = cbx_fail(err, CBX_E_FORMAT,
                          "%s holds both %s and %s; keep one of them", folder,
                          out, e->d_name);
        else
            memcpy(out, e->d_name, n + 1);
    }
    closedir(dir);
    return st;
}

static cbx_status check_gpt2(const char *folder, const char *name,
                             cbx_error *err)
{
    char *path = join(folder, name);
    if (!path)
        return cbx_fail(err, CBX_E_NOMEM, "no memory to open %s", folder);
    cbx_tensor_file *f = NULL;
    cbx_status st = cbx_tensor_file_open(path, &f, err);
    if (!st && !cbx_tensor_find(f, "tfmr.wpe.weight"))
        st = cbx_fail(err, CBX_E_UNSUPPORTED,
                      "%s does not have a GPT-2 backbone (no tensor "
                      "'tfmr.wpe.weight'), and its name is not of a family "
                      "that has another",
                      path);
    cbx_tensor_file_close(f);
    free(path);
    return st;
}

static cbx_status find_family(const char *folder, cbx_family *family,
                              char t3[64], cbx_error *err)
{
    static const struct {
        const char *file;
        cbx_family family;
    } known[] = {
        {"t3_cfg.safetensors", CBX_FAMILY_ORIGINAL},
        {"t3_mtl23ls_v3.safetensors", CBX_FAMILY_MULTILINGUAL},
        {"t3_mtl23ls_v2.safetensors", CBX_FAMILY_MULTILINGUAL},
        {"t3_turbo_v1.safetensors", CBX_FAMILY_TURBO},
        {"t3_nano_v1.safetensors", CBX_FAMILY_NANO},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (exists(folder, known[i].file)) {
            *family = known[i].family;
            snprintf(t3, 64, "%s", known[i].file);
            return CBX_OK;
        }
    }
    const cbx_status st = find_other_t3(folder, t3, err);
    if (st)
        return st;
    if (!t3[0])
        return cbx_fail(err, CBX_E_FILE,
                        "%s holds no model: there is no t3_*.safetensors in it",
                        folder);
    *family = CBX_FAMILY_TURBO;
    return check_gpt2(folder, t3, err);
}

/* The reference loads ve.pt and s3gen.pt for multilingual and the safetensors
 * twins elsewhere; we take the twin where there is one. */
static void find_files(const char *folder, bool meanflow,
                       cbx_config_files *files)
{
    static const char *const s3gen[] = {"s3gen.safetensors", "s3gen.pt", NULL};
    static const char *const mean[] = {"s3gen_meanflow.safetensors",
                                       "s3gen_meanflow.pt", NULL};
    static const char *const tok[] = {"s3tokenizer.safetensors", NULL};
    static const char *const ve[] = {"ve.safetensors", "ve.pt", NULL};
    static const char *const conds[] = {"conds.safetensors", "conds.pt", NULL};
    pick(folder, meanflow ? mean : s3gen, files->s3gen);
    pick(folder, tok, files->s3tokenizer);
    if (!files->s3tokenizer[0])
        memcpy(files->s3tokenizer, files->s3gen, sizeof files->s3gen);
    pick(folder, ve, files->ve);
    pick(folder, conds, files->conds);
}

cbx_status cbx_config_open(const char *folder, cbx_config *out, cbx_error *err)
{
    static const char *const names[] = {"config.json", "oracle_config.json"};
    cbx_config c;
    cbx_family family;
    char t3[64];
    cbx_status st = find_family(folder, &family, t3, err);
    if (st)
        return st;
    cbx_config_init(&c, family);
    memcpy(c.files.t3, t3, sizeof t3);
    for (size_t i = 0; i < 2; i++) {
        if (!exists(folder, names[i]))
            continue;
        char *path = join(folder, names[i]);
        st = path ? config_read(path, &c, err)
                  : cbx_fail(err, CBX_E_NOMEM, "no memory to open %s", folder);
        free(path);
        break;
    }
    if (st)
        return st;
    find_files(folder, c.cfm.meanflow, &c.files);
    *out = c;
    return CBX_OK;
}
