#include "plugin/core/plug.h"

const plug_param_info plug_params[PLUG_PARAMS] = {
    [PLUG_GAIN] = {"gain", "Gain", "dB", -60, 12, 0, false},
    [PLUG_SPEED] = {"speed", "Speed", "", 0.5f, 4, 1, false},
    [PLUG_PITCH] = {"pitch", "Pitch", "semitones", -12, 12, 0, false},
    /* 2^24 - 1: the last whole number that a float port can say */
    [PLUG_SEED] = {"seed", "Seed", "", 0, 16777215, 0, true},
    [PLUG_NOTE_OFF] = {"note_off", "Note off", "", 0, 1, 0, true},
    [PLUG_TIMELINE] = {"timeline", "Follow timeline", "", 0, 1, 1, true},
    [PLUG_WAIT] = {"wait", "Wait offline", "s", 1, 600, 60, false},
};
