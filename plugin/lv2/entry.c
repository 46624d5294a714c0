#include "plugin/lv2/shell.h"

LV2_SYMBOL_EXPORT const LV2_Descriptor *lv2_descriptor(uint32_t index)
{
    return index ? NULL : &shell_descriptor;
}
