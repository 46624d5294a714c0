#ifndef CBX_MODELS_CHECKPOINT_CONFIG_READ_H
#define CBX_MODELS_CHECKPOINT_CONFIG_READ_H

#include "models/checkpoint/config.h"

/* [setup] Overwrites in *c what the JSON file states. */
CBX_CHECK cbx_status config_read(const char *path, cbx_config *c,
                                 cbx_error *err);

#endif
