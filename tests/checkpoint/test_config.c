#include "models/checkpoint/config.h"
#include "tests/check.h"
#include "tests/checkpoint/scratch.h"

#include <string.h>

static void oracle_config_is_read(const char *goldens)
{
    char path[512];
    cbx_config c;
    snprintf(path, sizeof path, "%s/checkpoints/turbo", goldens);
    CHECK(!cbx_config_open(path, &c, NULL));
    CHECK(c.family == CBX_FAMILY_TURBO && c.t3.gpt2 && c.t3.heads == 3);
    CHECK(c.t3.prompt_tokens == 375 && c.t3.start_speech == 6561);
    CHECK(c.cfm.heads == 4 && c.cfm.head_dim == 16 && c.cfm.steps == 2);
    CHECK(c.cfm.meanflow && c.cfm.cfg_rate == 0);
    CHECK(c.flow.heads == 4 && c.flow.used_codes == 6561);
    CHECK(c.s3tok.heads == 2);
    CHECK(c.hift.hop == 4 && c.hift.upsample_rates[2] == 3);
    CHECK(!strcmp(c.files.t3, "t3_turbo_v1.safetensors"));
    CHECK(!strcmp(c.files.s3gen, "s3gen_meanflow.safetensors"));
    CHECK(!strcmp(c.files.s3tokenizer, c.files.s3gen));
    CHECK(!strcmp(c.files.ve, "ve.safetensors"));
    CHECK(!strcmp(c.files.conds, "conds.pt"));

    snprintf(path, sizeof path, "%s/checkpoints/nano", goldens);
    CHECK(!cbx_config_open(path, &c, NULL));
    CHECK(c.family == CBX_FAMILY_NANO && c.t3.heads == 4);
}

static void the_built_in_model_is_turbo_like(const char *source)
{
    char path[512];
    cbx_config c;
    snprintf(path, sizeof path, "%s/presets/models/builtin", source);
    CHECK(!cbx_config_open(path, &c, NULL));
    CHECK(c.family == CBX_FAMILY_TURBO && c.t3.heads == 4);
    CHECK(c.limits.max_text_chars == 92 && c.limits.max_speech_tokens == 240);
    CHECK(c.limits.silence_token == 656 && c.limits.silence_appended == 3);
    CHECK(c.flow.used_codes == 729 && c.cfm.head_dim == 32);
    CHECK(c.sampling.top_k == 1000 && c.sampling.temperature == 0.3f);
    CHECK(c.hift.n_dilations == 3 && c.hift.dilations[2] == 5);
}

static void without_a_file_the_published_values_hold(void)
{
    cbx_config c;
    scratch_write("t3_nano_v1.safetensors", "", 0);
    CHECK(!cbx_config_open(scratch_folder(), &c, NULL));
    CHECK(c.family == CBX_FAMILY_NANO && c.t3.heads == 12);
    CHECK(c.cfm.heads == 8 && c.cfm.head_dim == 64 && c.s3tok.heads == 20);
    CHECK(!c.files.s3gen[0] && !c.files.conds[0]);
    scratch_remove("t3_nano_v1.safetensors");

    cbx_config_init(&c, CBX_FAMILY_ORIGINAL);
    CHECK(!c.t3.gpt2 && c.t3.heads == 16 && c.t3.rope_theta == 500000);
    CHECK(!c.cfm.meanflow && c.cfm.steps == 10);
    CHECK(c.limits.silence_appended == 0 && c.sampling.min_p == 0.05f);
}

static void the_family_follows_from_the_t3_file(void)
{
    static const struct {
        const char *file;
        cbx_family family;
    } cases[] = {
        {"t3_cfg.safetensors", CBX_FAMILY_ORIGINAL},
        {"t3_mtl23ls_v2.safetensors", CBX_FAMILY_MULTILINGUAL},
        {"t3_mtl23ls_v3.safetensors", CBX_FAMILY_MULTILINGUAL},
        {"t3_turbo_v1.safetensors", CBX_FAMILY_TURBO},
        {"t3_nano_v1.safetensors", CBX_FAMILY_NANO},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cbx_config c;
        scratch_write(cases[i].file, "", 0);
        CHECK(!cbx_config_open(scratch_folder(), &c, NULL));
        CHECK(c.family == cases[i].family);
        CHECK(!strcmp(c.files.t3, cases[i].file));
        scratch_remove(cases[i].file);
    }
}

static void folders_without_a_model_are_refused(void)
{
    static const char not_gpt2[] =
        "\x3a\0\0\0\0\0\0\0"
        "{\"x\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}     "
        "    .";
    cbx_config c;
    cbx_error err;
    check_refused("missing", cbx_config_open(scratch_path("no"), &c, &err),
                  &err, CBX_E_FILE, "cannot open the model folder");
    check_refused("empty", cbx_config_open(scratch_folder(), &c, &err), &err,
                  CBX_E_FILE, "holds no model");
    scratch_write("t3_my_v1.safetensors", not_gpt2, 8 + 0x3a + 1);
    check_refused("llama", cbx_config_open(scratch_folder(), &c, &err), &err,
                  CBX_E_UNSUPPORTED, "does not have a GPT-2 backbone");
    scratch_write("t3_your_v1.safetensors", not_gpt2, sizeof not_gpt2 - 1);
    check_refused("two", cbx_config_open(scratch_folder(), &c, &err), &err,
                  CBX_E_FORMAT, "keep one of them");
    scratch_remove("t3_my_v1.safetensors");
    scratch_remove("t3_your_v1.safetensors");
}

static void every_wrong_value_is_named(void)
{
    static const struct {
        const char *json, *part;
        cbx_status status;
    } cases[] = {
        {"", "is empty", CBX_E_FORMAT},
        {"{", "not valid JSON", CBX_E_FORMAT},
        {"[]", "not a JSON object", CBX_E_FORMAT},
        {"{\"t3\":{},\"t3\":{}}", "not valid JSON", CBX_E_FORMAT},
        {"{\"t3\":{\"num_heads\":0}}", "'t3.num_heads' is 0", CBX_E_FORMAT},
        {"{\"t3\":{\"n_head\":-1}}", "'t3.n_head' is -1", CBX_E_FORMAT},
        {"{\"t3\":{\"n_head\":4294967297}}", "'t3.n_head'", CBX_E_FORMAT},
        {"{\"t3\":{\"n_head\":2.5}}", "not a whole number", CBX_E_FORMAT},
        {"{\"t3\":{\"n_head\":\"2\"}}", "not a whole number", CBX_E_FORMAT},
        {"{\"t3\":{\"norm_eps\":1}}", "'t3.norm_eps' is 1", CBX_E_FORMAT},
        {"{\"cfm\":{\"meanflow\":1}}", "not true or false", CBX_E_FORMAT},
        {"{\"cfm\":{\"steps\":1e99}}", "not a whole number", CBX_E_FORMAT},
        {"{\"sampling\":{\"top_p\":1.5}}", "from 0 to 1", CBX_E_FORMAT},
        {"{\"sampling\":{\"top_p\":\"x\"}}", "not a number", CBX_E_FORMAT},
        {"{\"max_text_chars\":4}", "'max_text_chars' is 4", CBX_E_FORMAT},
        {"{\"hift\":{\"upsample_rates\":[]}}", "list of 1 to 4", CBX_E_FORMAT},
        {"{\"hift\":{\"upsample_rates\":5}}", "list of 1 to 4", CBX_E_FORMAT},
        {"{\"hift\":{\"upsample_rates\":[8,5,0]}}", "is 0", CBX_E_FORMAT},
        {"{\"hift\":{\"upsample_rates\":[8,5,4]}}", "640 samples",
         CBX_E_FORMAT},
        {"{\"hift\":{\"n_fft\":18}}", "not a multiple", CBX_E_FORMAT},
        {"{\"hift\":{\"resblock_dilation_sizes\":[[1,3],[1,5]]}}",
         "blocks that differ", CBX_E_UNSUPPORTED},
        {"{\"campplus\":{\"dilations\":[1,2]}}", "list of 3 to 3",
         CBX_E_FORMAT},
    };
    scratch_write("t3_turbo_v1.safetensors", "", 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cbx_config c;
        cbx_error err;
        scratch_write("config.json", cases[i].json, strlen(cases[i].json));
        check_refused(cases[i].json,
                      cbx_config_open(scratch_folder(), &c, &err), &err,
                      cases[i].status, cases[i].part);
        CHECK(strstr(err.text, "config.json"));
    }
    scratch_remove("config.json");
    scratch_remove("t3_turbo_v1.safetensors");
}

int main(int argc, char **argv)
{
    CHECK(argc > 2);
    oracle_config_is_read(argv[1]);
    the_built_in_model_is_turbo_like(argv[2]);
    without_a_file_the_published_values_hold();
    the_family_follows_from_the_t3_file();
    folders_without_a_model_are_refused();
    every_wrong_value_is_named();
    return 0;
}
