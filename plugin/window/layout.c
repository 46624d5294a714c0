#include "plugin/window/internal.h"

enum { MARGIN = 16, HEAD = 48, FOOT = 52, SIDE = 232, ROW = 38 };

box window_box(const window *w, part p)
{
    const double width = w->width / w->scale, height = w->height / w->scale,
                 side = width - SIDE - MARGIN;
    if (p == PART_EDITOR)
        return (box){MARGIN, HEAD, side - 2 * MARGIN, height - HEAD - FOOT};
    if (p == PART_VOICE)
        return (box){side, HEAD, SIDE, ROW};
    if (p == PART_APPLY)
        return (box){MARGIN, height - FOOT + 10, 160, FOOT - 20};
    if (p == PART_RETRY)
        return (box){MARGIN + 172, height - FOOT + 10, 150, FOOT - 20};
    const double room = height - HEAD - FOOT - ROW - 8;
    const double row =
        room / PLUG_PARAMS < ROW + 8 ? room / PLUG_PARAMS : ROW + 8;
    return (box){side, HEAD + ROW + 8 + (p - PART_PARAMS) * row, SIDE, row};
}

part window_part_at(const window *w, double x, double y)
{
    for (part p = PART_EDITOR; p < PARTS; p++) {
        const box b = window_box(w, p);
        if (x >= b.x && x < b.x + b.w && y >= b.y && y < b.y + b.h)
            return p;
    }
    return PARTS;
}
