#include "models/checkpoint/config_read.h"

#include "models/checkpoint/map.h"
#include "models/checkpoint/table.h"

#include <jansson.h>
#include <stddef.h>
#include <string.h>

enum { MAX_CONFIG = 1 << 20 };

typedef enum field_type { FIELD_INT, FIELD_FLOAT, FIELD_BOOL } field_type;

/* One value: where it goes, its range, and its names in the two dialects. */
typedef struct field {
    size_t offset;
    field_type type;
    double low, high;
    const char *path, *other; /* "section.name"; other may be NULL */
} field;

#define AT(member) offsetof(cbx_config, member)
#define INT(member, low, high, path, other)           \
    {                                                 \
        AT(member), FIELD_INT, low, high, path, other \
    }
#define FLOAT(member, low, high, path, other)           \
    {                                                   \
        AT(member), FIELD_FLOAT, low, high, path, other \
    }
#define BOOL(member, path)                       \
    {                                            \
        AT(member), FIELD_BOOL, 0, 1, path, NULL \
    }

static const field fields[] = {
    INT(t3.heads, 1, 256, "t3.num_heads", "t3.n_head"),
    INT(t3.prompt_tokens, 0, 4096, "t3.speech_cond_prompt_len",
        "t3.cond_prompt_len"),
    INT(t3.start_speech, 0, 65535, "t3.start_speech_token", "t3.start_speech"),
    INT(t3.stop_speech, 0, 65535, "t3.stop_speech_token", "t3.stop_speech"),
    INT(t3.start_text, 0, 1 << 20, "t3.start_text_token", NULL),
    INT(t3.stop_text, 0, 1 << 20, "t3.stop_text_token", NULL),
    INT(t3.perceiver_heads, 1, 256, "t3.perceiver_heads", NULL),
    FLOAT(t3.norm_eps, 1e-12, 1e-2, "t3.norm_eps", NULL),
    BOOL(t3.emotion_adv, "t3.emotion_adv"),
    FLOAT(t3.rope_theta, 1, 1e9, "t3.rope.theta", NULL),
    FLOAT(t3.rope_factor, 1, 1e4, "t3.rope.factor", NULL),
    FLOAT(t3.rope_low_freq, 1e-3, 1e4, "t3.rope.low_freq_factor", NULL),
    FLOAT(t3.rope_high_freq, 1e-3, 1e4, "t3.rope.high_freq_factor", NULL),
    INT(t3.rope_original_positions, 1, 1 << 24,
        "t3.rope.original_max_position_embeddings", NULL),
    INT(flow.heads, 1, 256, "flow.encoder_heads", "flow.attention_heads"),
    INT(flow.pre_lookahead, 0, 64, "flow.pre_lookahead_len", NULL),
    INT(flow.token_mel_ratio, 1, 16, "flow.token_mel_ratio", NULL),
    INT(flow.used_codes, 1, 65536, "flow.speech_vocab", "used_speech_codes"),
    INT(cfm.heads, 1, 256, "cfm.num_heads", "flow.num_heads"),
    INT(cfm.head_dim, 1, 1024, "cfm.attention_head_dim",
        "flow.attention_head_dim"),
    BOOL(cfm.meanflow, "cfm.meanflow"),
    BOOL(cfm.meanflow, "flow.meanflow"),
    INT(cfm.steps, 1, 1000, "cfm.steps", "flow.n_timesteps"),
    FLOAT(cfm.cfg_rate, 0, 100, "cfm.cfg_rate", NULL),
    FLOAT(cfm.time_scale, 1e-3, 1e6, "cfm.time_emb_scale", NULL),
    INT(hift.sample_rate, 8000, 192000, "hift.sampling_rate", "sample_rate"),
    INT(hift.n_fft, 2, 4096, "hift.n_fft", "hift.istft_n_fft"),
    INT(hift.hop, 1, 4096, "hift.hop", "hift.istft_hop"),
    INT(hift.nb_harmonics, 0, 64, "hift.nb_harmonics", NULL),
    FLOAT(hift.lrelu_slope, 0, 1, "hift.lrelu_slope", NULL),
    FLOAT(hift.audio_limit, 0.01, 1, "hift.audio_limit", NULL),
    FLOAT(hift.sine_amp, 0, 1, "hift.sine_amp", NULL),
    FLOAT(hift.noise_std, 0, 1, "hift.noise_std", NULL),
    FLOAT(hift.voiced_threshold, 0, 1000, "hift.voiced_threshold", NULL),
    INT(ve.partial_frames, 1, 10000, "ve.partial_frames", NULL),
    INT(s3tok.heads, 1, 256, "s3tok.n_head", "s3tok.n_audio_head"),
    FLOAT(s3tok.rope_theta, 1, 1e9, "s3tok.rope_theta", NULL),
    INT(campplus.segment, 1, 10000, "campplus.seg_len", NULL),
    FLOAT(sampling.temperature, 0, 10, "sampling.temperature", NULL),
    INT(sampling.top_k, 0, 1 << 20, "sampling.top_k", NULL),
    FLOAT(sampling.top_p, 0, 1, "sampling.top_p", NULL),
    FLOAT(sampling.min_p, 0, 1, "sampling.min_p", NULL),
    FLOAT(sampling.repetition_penalty, 0.1, 100, "sampling.repetition_penalty",
          NULL),
    FLOAT(sampling.cfg_weight, 0, 100, "sampling.cfg_weight", NULL),
    FLOAT(sampling.exaggeration, 0, 10, "sampling.exaggeration", NULL),
    INT(limits.max_text_chars, 16, 2000, "max_text_chars", NULL),
    INT(limits.max_speech_tokens, 1, 100000, "max_speech_tokens", NULL),
    INT(limits.silence_token, 0, 65535, "silence_token", NULL),
    INT(limits.silence_appended, 0, 100, "silence_tokens_appended", NULL),
};

typedef struct source {
    const char *path; /* of the file */
    const json_t *root;
    cbx_error *err;
} source;

/* The value at "a.b.c"; NULL when it is not there, or null. */
static const json_t *lookup(const json_t *at, const char *path)
{
    char part[64];
    while (at && *path) {
        const size_t n = strcspn(path, ".");
        memcpy(part, path, n);
        part[n] = 0;
        at = json_object_get(at, part);
        path += n + (path[n] == '.');
    }
    return json_is_null(at) ? NULL : at;
}

static cbx_status wrong_type(const source *s, const char *path,
                             const char *need)
{
    return cbx_fail(s->err, CBX_E_FORMAT, "%s: '%s' is not %s", s->path, path,
                    need);
}

static cbx_status check_range(const source *s, const char *path, double v,
                              double low, double high)
{
    if (v >= low && v <= high)
        return CBX_OK;
    return cbx_fail(s->err, CBX_E_FORMAT,
                    "%s: '%s' is %g, which is not from %g to %g", s->path, path,
                    v, low, high);
}

static cbx_status read_path(const source *s, const field *f, const char *path,
                            cbx_config *c)
{
    const json_t *v = lookup(s->root, path);
    char *to = (char *)c + f->offset;
    if (!v)
        return CBX_OK;
    if (f->type == FIELD_BOOL) {
        if (!json_is_boolean(v))
            return wrong_type(s, path, "true or false");
        *(bool *)to = json_is_true(v);
        return CBX_OK;
    }
    if (f->type == FIELD_INT && !json_is_integer(v))
        return wrong_type(s, path, "a whole number");
    if (!json_is_number(v))
        return wrong_type(s, path, "a number");
    const double number = json_number_value(v);
    const cbx_status st = check_range(s, path, number, f->low, f->high);
    if (st)
        return st;
    if (f->type == FIELD_INT)
        *(int *)to = (int)number;
    else
        *(float *)to = (float)number;
    return CBX_OK;
}

static cbx_status read_fields(const source *s, cbx_config *c)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        cbx_status st = read_path(s, &fields[i], fields[i].path, c);
        if (!st && fields[i].other)
            st = read_path(s, &fields[i], fields[i].other, c);
        if (st)
            return st;
    }
    return CBX_OK;
}

/* A list of low..high numbers, each from 1 to `max`. Absent: *n stays. */
static cbx_status read_list(const source *s, const char *path,
                            const json_t *list, int low, int high, int max,
                            int *out, int *n)
{
    if (!list)
        return CBX_OK;
    const int size = (int)json_array_size(list);
    if (!json_is_array(list) || size < low || size > high)
        return cbx_fail(s->err, CBX_E_FORMAT,
                        "%s: '%s' is not a list of %d to %d numbers", s->path,
                        path, low, high);
    for (int i = 0; i < size; i++) {
        const json_t *v = json_array_get(list, (size_t)i);
        if (!json_is_integer(v))
            return wrong_type(s, path, "a list of whole numbers");
        const cbx_status st =
            check_range(s, path, json_number_value(v), 1, max);
        if (st)
            return st;
        out[i] = (int)json_integer_value(v);
    }
    *n = size;
    return CBX_OK;
}

/* One list for each residual block; we know only checkpoints where they are
 * all the same. */
static cbx_status read_nested(const source *s, const char *path, cbx_config *c)
{
    const json_t *lists = lookup(s->root, path), *first;
    if (!lists)
        return CBX_OK;
    if (!json_is_array(lists))
        return wrong_type(s, path, "a list of lists");
    first = json_array_get(lists, 0);
    for (size_t i = 1; i < json_array_size(lists); i++)
        if (!json_equal(json_array_get(lists, i), first))
            return cbx_fail(s->err, CBX_E_UNSUPPORTED,
                            "%s: '%s' has blocks that differ", s->path, path);
    return read_list(s, path, first, 1, CBX_HIFT_MAX_DILATIONS, 64,
                     c->hift.dilations, &c->hift.n_dilations);
}

/* [[layer, head], ...] counted from 0; an empty list: none. */
static cbx_status read_aligned(const source *s, const char *path, cbx_config *c)
{
    const json_t *list = lookup(s->root, path);
    if (!list)
        return CBX_OK;
    const size_t n = json_array_size(list);
    if (!json_is_array(list) || n > CBX_MAX_ALIGNED)
        return cbx_fail(s->err, CBX_E_FORMAT,
                        "%s: '%s' is not a list of at most %d pairs [layer, "
                        "head]",
                        s->path, path, (int)CBX_MAX_ALIGNED);
    for (size_t i = 0; i < n; i++) {
        const json_t *pair = json_array_get(list, i);
        const json_t *layer = json_array_get(pair, 0);
        const json_t *head = json_array_get(pair, 1);
        if (json_array_size(pair) != 2 || !json_is_integer(layer) ||
            !json_is_integer(head))
            return wrong_type(s, path, "a list of pairs [layer, head]");
        cbx_status st = check_range(s, path, json_number_value(layer), 0, 4095);
        if (!st)
            st = check_range(s, path, json_number_value(head), 0, 63);
        if (st)
            return st;
        c->t3.aligned[i].layer = (int)json_integer_value(layer);
        c->t3.aligned[i].head = (int)json_integer_value(head);
    }
    c->t3.n_aligned = (int)n;
    return CBX_OK;
}

static cbx_status read_lists(const source *s, cbx_config *c)
{
    static const char rates[] = "hift.upsample_rates";
    static const char all[] = "hift.dilations";
    static const char blocks[] = "campplus.dilations";
    int three;
    cbx_status st =
        read_list(s, rates, lookup(s->root, rates), 1, CBX_HIFT_MAX_STAGES, 64,
                  c->hift.upsample_rates, &c->hift.n_stages);
    if (!st)
        st = read_list(s, all, lookup(s->root, all), 1, CBX_HIFT_MAX_DILATIONS,
                       64, c->hift.dilations, &c->hift.n_dilations);
    if (!st)
        st = read_nested(s, "hift.resblock_dilation_sizes", c);
    if (!st)
        st = read_nested(s, "hift.source_resblock_dilation_sizes", c);
    if (!st)
        st = read_aligned(s, "t3.alignment_heads", c);
    if (!st)
        st = read_list(s, blocks, lookup(s->root, blocks), 3, 3, 16,
                       c->campplus.dilations, &three);
    return st;
}

/* What must hold between values: 25 tokens a second, and a vocoder that makes
 * as many samples of a mel frame as the sample rate asks for. */
static cbx_status check_rates(const source *s, const cbx_config *c)
{
    long per_frame = c->hift.hop;
    for (int i = 0; i < c->hift.n_stages; i++)
        per_frame *= c->hift.upsample_rates[i];
    if (per_frame * c->flow.token_mel_ratio * 25 != c->hift.sample_rate)
        return cbx_fail(s->err, CBX_E_FORMAT,
                        "%s: upsample_rates and hop make %ld samples of a mel "
                        "frame, which does not fit %d Hz",
                        s->path, per_frame, c->hift.sample_rate);
    if (c->hift.n_fft % c->hift.hop)
        return cbx_fail(s->err, CBX_E_FORMAT,
                        "%s: 'hift.n_fft' is not a multiple of the hop",
                        s->path);
    return CBX_OK;
}

static cbx_status read_json(const char *path, const file_map *map,
                            cbx_config *c, cbx_error *err)
{
    char text[SHOW];
    json_error_t why;
    if (map->size > MAX_CONFIG)
        return cbx_fail(err, CBX_E_LIMIT, "%s is too large for a config", path);
    json_t *root = json_loadb((const char *)map->data, map->size,
                              JSON_REJECT_DUPLICATES, &why);
    if (!root)
        return cbx_fail(err, CBX_E_FORMAT, "%s:%d: not valid JSON: %s", path,
                        why.line, show_text(why.text, strlen(why.text), text));
    const source s = {path, root, err};
    cbx_status st = CBX_OK;
    if (!json_is_object(root))
        st = cbx_fail(err, CBX_E_FORMAT, "%s is not a JSON object", path);
    if (!st)
        st = read_fields(&s, c);
    if (!st)
        st = read_lists(&s, c);
    if (!st)
        st = check_rates(&s, c);
    json_decref(root);
    return st;
}

cbx_status config_read(const char *path, cbx_config *c, cbx_error *err)
{
    file_map map;
    cbx_status st = file_map_open(path, &map, err);
    if (st)
        return st;
    st = read_json(path, &map, c, err);
    file_map_close(&map);
    return st;
}
