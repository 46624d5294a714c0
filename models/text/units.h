#ifndef CBX_MODELS_TEXT_UNITS_H
#define CBX_MODELS_TEXT_UNITS_H

#include <stdbool.h>

/* Names of units in English. */
typedef struct unit_name {
    const char *sign, *one, *many;
    bool close; /* only right behind its number: "5in", but not "5 in" */
} unit_name;

/* [any] NULL when it is none. apart: there is a space before it. */
const unit_name *unit_find(const char *sign, bool apart);

/* [any] Behind a slash, where words such as "hour" count too: the name of one;
 * NULL when it is none. */
const char *unit_find_per(const char *sign);

#endif
