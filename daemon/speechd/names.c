#include "daemon/speechd/names.h"

#include <string.h>

/* Letters are written so that a voice that reads words says their names. */
static const char *const letters[26] = {
    "ay",  "bee", "see", "dee", "ee",         "eff", "gee", "aitch", "eye",
    "jay", "kay", "ell", "em",  "en",         "oh",  "pee", "cue",   "are",
    "ess", "tee", "you", "vee", "double you", "ex",  "why", "zee"};

static const char *const digits[10] = {"zero", "one", "two",   "three", "four",
                                       "five", "six", "seven", "eight", "nine"};

/* The mode from which on it is spoken. */
static const struct {
    char c;
    sd_punctuation from;
    const char *name;
} punctuation[] = {
    {'!', SD_PUNCTUATION_ALL, "exclamation mark"},
    {'"', SD_PUNCTUATION_MOST, "quote"},
    {'#', SD_PUNCTUATION_SOME, "number sign"},
    {'$', SD_PUNCTUATION_SOME, "dollar"},
    {'%', SD_PUNCTUATION_SOME, "percent"},
    {'&', SD_PUNCTUATION_SOME, "and"},
    {'\'', SD_PUNCTUATION_ALL, "apostrophe"},
    {'(', SD_PUNCTUATION_MOST, "left paren"},
    {')', SD_PUNCTUATION_MOST, "right paren"},
    {'*', SD_PUNCTUATION_SOME, "star"},
    {'+', SD_PUNCTUATION_SOME, "plus"},
    {',', SD_PUNCTUATION_ALL, "comma"},
    {'-', SD_PUNCTUATION_MOST, "dash"},
    {'.', SD_PUNCTUATION_ALL, "dot"},
    {'/', SD_PUNCTUATION_SOME, "slash"},
    {':', SD_PUNCTUATION_MOST, "colon"},
    {';', SD_PUNCTUATION_MOST, "semicolon"},
    {'<', SD_PUNCTUATION_SOME, "less than"},
    {'=', SD_PUNCTUATION_SOME, "equals"},
    {'>', SD_PUNCTUATION_SOME, "greater than"},
    {'?', SD_PUNCTUATION_ALL, "question mark"},
    {'@', SD_PUNCTUATION_SOME, "at"},
    {'[', SD_PUNCTUATION_MOST, "left bracket"},
    {'\\', SD_PUNCTUATION_SOME, "backslash"},
    {']', SD_PUNCTUATION_MOST, "right bracket"},
    {'^', SD_PUNCTUATION_SOME, "caret"},
    {'_', SD_PUNCTUATION_MOST, "underscore"},
    {'`', SD_PUNCTUATION_MOST, "back quote"},
    {'{', SD_PUNCTUATION_MOST, "left brace"},
    {'|', SD_PUNCTUATION_SOME, "bar"},
    {'}', SD_PUNCTUATION_MOST, "right brace"},
    {'~', SD_PUNCTUATION_SOME, "tilde"},
};

static const struct {
    const char *key, *name;
} keys[] = {
    {"alt", "alt"},
    {"alt-gr", "alt graph"},
    {"backspace", "backspace"},
    {"break", "break"},
    {"caps-lock", "caps lock"},
    {"control", "control"},
    {"delete", "delete"},
    {"double-quote", "quote"},
    {"down", "down"},
    {"end", "end"},
    {"enter", "enter"},
    {"escape", "escape"},
    {"home", "home"},
    {"hyper", "hyper"},
    {"insert", "insert"},
    {"kp-*", "keypad star"},
    {"kp-+", "keypad plus"},
    {"kp--", "keypad minus"},
    {"kp-.", "keypad dot"},
    {"kp-/", "keypad slash"},
    {"kp-enter", "keypad enter"},
    {"left", "left"},
    {"menu", "menu"},
    {"meta", "meta"},
    {"next", "page down"},
    {"num-lock", "num lock"},
    {"pause", "pause"},
    {"print", "print screen"},
    {"prior", "page up"},
    {"return", "return"},
    {"right", "right"},
    {"scroll-lock", "scroll lock"},
    {"shift", "shift"},
    {"space", "space"},
    {"super", "super"},
    {"tab", "tab"},
    {"underscore", "underscore"},
    {"up", "up"},
    {"window", "window"},
};

static const char *const common[] = {
    "OK",        "Cancel",   "Close",       "Yes",       "No",        "button",
    "check box", "checked",  "not checked", "menu",      "link",      "blank",
    "selected",  "heading",  "list",        "text",      "edit",      "entry",
    "page",      "window",   "dialog",      "tab",       "combo box", "on",
    "off",       "expanded", "collapsed",   "unchecked", "new line",  "space",
    "backspace", "delete",   "enter",       "escape",    "up",        "down",
    "left",      "right",    "home",        "end",
};

bool sd_names_for(const char *language)
{
    return !*language || (!strncmp(language, "en", 2) &&
                          (!language[2] || strchr("-_", language[2])));
}

const char *sd_character_name(int32_t c)
{
    if (c >= '0' && c <= '9')
        return digits[c - '0'];
    if (c >= 'a' && c <= 'z')
        return letters[c - 'a'];
    if (c >= 'A' && c <= 'Z')
        return letters[c - 'A'];
    if (c == ' ' || c == 0xa0)
        return "space";
    if (c == '\n')
        return "new line";
    if (c == '\t')
        return "tab";
    return sd_punctuation_name(c, SD_PUNCTUATION_ALL);
}

const char *sd_punctuation_name(int32_t c, sd_punctuation mode)
{
    for (size_t i = 0; i < sizeof punctuation / sizeof *punctuation; i++)
        if (punctuation[i].c == c)
            return mode >= punctuation[i].from ? punctuation[i].name : NULL;
    return NULL;
}

const char *sd_key_name(const char *key, size_t n)
{
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strlen(keys[i].key) == n && !memcmp(keys[i].key, key, n))
            return keys[i].name;
    return NULL;
}

const char *sd_common_word(size_t i)
{
    return i < sizeof common / sizeof *common ? common[i] : NULL;
}
