#include "daemon/fetch/catalog.h"

#include <string.h>

/* Files: from_local() of tts.py, mtl_tts.py and tts_turbo.py. Where a file is
 * published as .pt and as .safetensors, the latter. */
#define BASE "ResembleAI/chatterbox"
#define BASE_REVISION "5bb1f6ee58e50c3b8d408bc82a6d3740c2db6e18"
#define GPT2_FILES                                                            \
    "ve.safetensors", "s3gen_meanflow.safetensors", "conds.pt", "vocab.json", \
        "merges.txt", "added_tokens.json"
#define MULTILINGUAL_FILES                             \
    "ve.safetensors", "s3gen.safetensors", "conds.pt", \
        "grapheme_mtl_merged_expanded_v1.json", "Cangjie5_TC.json"

const catalog_entry catalog[] = {
    {"original",
     "English, with emotion and guidance; 3.2 GB",
     BASE,
     BASE_REVISION,
     {"t3_cfg.safetensors", "ve.safetensors", "s3gen.safetensors", "conds.pt",
      "tokenizer.json"}},
    {"multilingual",
     "23 languages, version 3; 3.2 GB",
     BASE,
     BASE_REVISION,
     {"t3_mtl23ls_v3.safetensors", MULTILINGUAL_FILES}},
    {"multilingual-v2",
     "23 languages, version 2; 3.2 GB",
     BASE,
     BASE_REVISION,
     {"t3_mtl23ls_v2.safetensors", MULTILINGUAL_FILES}},
    {"turbo",
     "English, quick, with tags such as [laugh]; 3.0 GB",
     "ResembleAI/chatterbox-turbo",
     "749d1c1a46eb10492095d68fbcf55691ccf137cd",
     {"t3_turbo_v1.safetensors", GPT2_FILES}},
    {"nano",
     "the same, smaller; 1.9 GB",
     "ResembleAI/chatterbox-nano",
     "71ccd1d0081b430592cea481f4307e764e07bc64",
     {"t3_nano_v1.safetensors", GPT2_FILES}},
};
const size_t catalog_length = sizeof catalog / sizeof *catalog;

const catalog_entry *catalog_find(const char *name)
{
    for (size_t i = 0; i < catalog_length; i++)
        if (!strcmp(catalog[i].name, name))
            return &catalog[i];
    return NULL;
}
