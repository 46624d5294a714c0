#include "daemon/cli/table.h"

#define AT(field) offsetof(cli_options, field)

const cli_option cli_table[] = {
    {"model", 'm', TEXT, AT(model), 0, 0, SPEAK | CONVERT | CLONE | VOICE,
     "NAME|FOLDER",
     "model: a name from the data folders, or a checkpoint folder (default: "
     "what the voice asks for, else builtin)"},
    {"voice", 'v', TEXT, AT(voice), 0, 0, SPEAK | CONVERT, "NAME|FILE",
     "voice: a preset's name, or a preset, conds.pt or .safetensors file "
     "(default: the model's own)"},
    {"sampling", 0, TEXT, AT(sampling), 0, 0, SPEAK, "NAME|FILE",
     "sampling preset; single options below override it"},
    {"language", 'l', TEXT, AT(language), 0, 0, SPEAK, "LANG",
     "language of the text, such as de (multilingual models; default: the "
     "voice's)"},
    {"seed", 's', SEED, AT(seed), 0, 0, SPEAK | CONVERT, "N",
     "seed of all random numbers: same seed, same sound (default 0)"},
    {"temperature", 't', NUMBER, AT(temperature), 0, 0, SPEAK, "X",
     "variation of the speech tokens"},
    {"top-k", 0, WHOLE, AT(top_k), 0, 1e6, SPEAK, "N",
     "draw from the N likeliest tokens, 0 for all"},
    {"top-p", 0, NUMBER, AT(top_p), 0, 0, SPEAK, "X",
     "draw from the likeliest tokens that sum up to X"},
    {"min-p", 0, NUMBER, AT(min_p), 0, 0, SPEAK, "X",
     "drop tokens less likely than X times the likeliest"},
    {"repetition-penalty", 0, NUMBER, AT(repetition_penalty), 0, 0, SPEAK, "X",
     "make tokens that were used less likely, 1 for off"},
    {"cfg-weight", 0, NUMBER, AT(cfg_weight), 0, 0, SPEAK, "X",
     "guidance (original and multilingual models)"},
    {"exaggeration", 0, NUMBER, AT(exaggeration), 0, 0, SPEAK, "X",
     "emotion (original and multilingual models)"},
    {"speed", 0, NUMBER, AT(speed), 0, 0, SPEAK, "X",
     "times as fast, at the same pitch: 0.5 to 6"},
    {"pitch", 0, NUMBER, AT(pitch), 0, 0, SPEAK, "SEMITONES",
     "higher, or lower below 0, at the same speed: -12 to 12"},
    {"gain", 0, NUMBER, AT(gain), 0, 0, SPEAK, "DB",
     "louder, or quieter below 0: -60 to 24"},
    {"latency", 0, TEXT, AT(latency), 0, 0, SPEAK, "lowest|balanced|safest",
     "size of the first chunks; part of the sound (default balanced)"},
    {"flow", 0, TEXT, AT(flow), 0, 0, SPEAK | CONVERT,
     "auto|full|prefix|causal",
     "how much of a sentence each chunk is computed with; part of the sound "
     "(default auto)"},
    {"flow-history", 0, WHOLE, AT(flow_history), 0, 2000, SPEAK | CONVERT, "N",
     "with --flow causal: mel frames (20 ms) before a chunk that it sees, 0 "
     "for all; part of the sound (default 100)"},
    {"look-ahead", 0, WHOLE, AT(look_ahead), 0, 20, SPEAK | CONVERT, "N",
     "mel frames (20 ms) that the vocoder waits for, 20 being the reference; "
     "part of the sound (default: 4, 8 or 20, as --latency says)"},
    {"no-guards", 0, FLAG, AT(no_guards), 0, 0, SPEAK, NULL,
     "leave speech alone that loops, does not end or ends too early"},
    {"threads", 'j', WHOLE, AT(threads), 0, 256,
     SPEAK | CONVERT | CLONE | DETECT, "N",
     "threads for computing (default: one for each core)"},
    {"kernels", 0, TEXT, AT(kernels), 0, 0, SPEAK | CONVERT | CLONE | DETECT,
     "NAME", "CPU variant, such as avx2 or ref (default: the best there is)"},
    {"weights", 0, TEXT, AT(weights), 0, 0, SPEAK, "auto|f32|bf16|int8|int4",
     "how T3's weights are held; part of the sound (default auto: int8, and "
     "f32 for a small model)"},
    {"compute", 0, TEXT, AT(compute), 0, 0, SPEAK, "auto|f32|bf16|int8",
     "arithmetic of flow and vocoder; part of the sound (default auto: f32)"},
    {"wrapped", 'w', FLAG, AT(wrapped), 0, 0, SPEAK, NULL,
     "the text is wrapped: a single line break is a space"},
    {"no-watermark", 0, FLAG, AT(no_watermark), 0, 0, SPEAK | CONVERT, NULL,
     "no inaudible mark in the speech that says it is synthetic"},
    {"watermark-ahead", 0, WHOLE, AT(watermark_ahead), 0, 150, SPEAK | CONVERT,
     "MS",
     "how long the mark waits for what comes, beyond the 66 ms that it needs: "
     "150 gives the reference's samples (default 0)"},
    {"ssml", 0, FLAG, AT(ssml), 0, 0, SPEAK, NULL,
     "the text is SSML: break, mark, sub, say-as, prosody, lang, p and s"},
    {"no-normalize", 0, FLAG, AT(no_normalize), 0, 0, SPEAK, NULL,
     "leave numbers, dates, abbreviations and signs as they are written"},
    {"dictionary", 0, TEXT, AT(dictionary), 0, 0, SPEAK, "FILE",
     "how words are spoken, besides your own dictionary.txt and the voice's"},
    {"live", 0, FLAG, AT(live), 0, 0, CONVERT, NULL,
     "as for sound that arrives while it is spoken: in windows, some 1.4 "
     "seconds behind the recording"},
    {"output", 'o', TEXT, AT(output), 0, 0, RENDER | CONVERT, "FILE",
     "file to write: .wav, .flac, .ogg, .opus or .mp3 (needed, unless --raw)"},
    {"into", 'O', TEXT, AT(into), 0, 0, RENDER, "FOLDER",
     "the words are files of text: each becomes a file in FOLDER; what is "
     "there "
     "already and has not changed is left alone"},
    {"split", 0, TEXT, AT(split), 0, 0, RENDER, "lines|chapters",
     "with --into: a file for each line, or for each chapter (\"# Title\", "
     "\"Chapter 5\")"},
    {"srt", 0, FLAG, AT(srt), 0, 0, RENDER, NULL,
     "write subtitles beside the sound"},
    {"vtt", 0, FLAG, AT(vtt), 0, 0, RENDER, NULL,
     "write WebVTT subtitles beside the sound"},
    {"json", 0, FLAG, AT(json), 0, 0, RENDER, NULL,
     "write the times of sentences, words and marks beside the sound"},
    {"chapters", 0, FLAG, AT(chapters), 0, 0, RENDER, NULL,
     "write the times of chapters beside the sound, as ffmpeg reads them"},
    {"format", 0, TEXT, AT(format), 0, 0, SPEAK | CONVERT, "NAME",
     "file format where the name's ending does not tell; with --raw: f32le "
     "or s16le"},
    {"subtype", 0, TEXT, AT(subtype), 0, 0, RENDER | CONVERT, "float|16|24|32",
     "sample type of WAV and FLAC files (default float; FLAC 24)"},
    {"rate", 'r', WHOLE, AT(rate), 4000, 768000, SPEAK | CONVERT, "HZ",
     "sample rate (default: the device's; 24000 for files and --raw)"},
    {"raw", 0, FLAG, AT(raw), 0, 0, SPEAK | CONVERT, NULL,
     "raw mono samples on standard output"},
    {"jack", 0, FLAG, AT(jack), 0, 0, SAY | CONVERT, NULL, "play through JACK"},
    {"jack-name", 0, TEXT, AT(jack_name), 0, 0, SAY | CONVERT, "NAME",
     "JACK client name (default chatterbox)"},
    {"jack-ports", 0, TEXT, AT(jack_ports), 0, 0, SAY | CONVERT,
     "PORT,...|none", "JACK ports to connect to (default: the physical ones)"},
    {"device", 'd', TEXT, AT(device), 0, 0, SAY | CONVERT, "NAME|INDEX",
     "sound device: see 'chatterbox devices'"},
    {"null", 0, FLAG, AT(null), 0, 0, SAY | CONVERT, NULL,
     "no sound, but in real time: for tests"},
    {"daemon", 0, TEXT, AT(daemon), 0, 0, SAY, "auto|never|require",
     "let a daemon that runs speak: where one runs and the options allow it, "
     "never, or else fail (default auto)"},
    {"sink", 0, TEXT, AT(sink), 0, 0, SAY, "NAME",
     "the daemon's sink: see 'chatterbox daemon sinks'"},
    {"priority", 0, TEXT, AT(priority), 0, 0, SAY,
     "important|message|text|notification|progress",
     "place in the daemon's queue (default message)"},
    {"fallback", 0, TEXT, AT(fallback), 0, 0, SAY, "FILE",
     "where there is no sound device, write FILE instead and say so"},
    {"trace", 0, TEXT, AT(trace), 0, 0, SPEAK, "FILE",
     "write what was done when, for ui.perfetto.dev: see docs/TRACE.md"},
    {"stats", 0, FLAG, AT(stats), 0, 0, SPEAK | CONVERT | CLONE, NULL,
     "afterwards: first audio, time of each stage, underruns"},
    {"quiet", 'q', FLAG, AT(quiet), 0, 0, SPEAK | CONVERT | CLONE | FETCH, NULL,
     "no progress and no warnings"},
    {"names", 0, FLAG, AT(names), 0, 0, VOICES | MODELS, NULL,
     "only the names"},
    {"name", 'n', TEXT, AT(name), 0, 0, CLONE, "NAME",
     "name of the new voice (needed)"},
    {"description", 0, TEXT, AT(description), 0, 0, CLONE, "TEXT",
     "what 'chatterbox voices' says of it"},
    {"replace", 0, FLAG, AT(replace), 0, 0, CLONE | VOICE, NULL,
     "replace a voice of your own, or an exported file, of that name"},
    {"dry-run", 0, FLAG, AT(dry_run), 0, 0, FETCH, NULL,
     "say what would be fetched, and fetch nothing"},
    {"offline", 0, FLAG, AT(offline), 0, 0, FETCH, NULL,
     "ask nobody: only say whether it is here (HF_HUB_OFFLINE=1 does the "
     "same)"},
    {"revision", 0, TEXT, AT(revision), 0, 0, FETCH, "NAME",
     "another state of the published model than the one that was tried"},
    {"timeout", 0, WHOLE, AT(timeout), 1, 3600, FETCH, "SECONDS",
     "give a connection up on which nothing comes for so long (default 30)"},
    {"from", 0, TEXT, AT(from), 0, 0, FETCH, "FILE",
     "perth: out of this wheel of resemble-perth 1.0.1, or its .pth.tar"},
    {"i-have-consent", 0, FLAG, AT(consent), 0, 0, CLONE, NULL,
     "the speaker agrees to the cloning: not asked then"},
};
const int cli_table_length = sizeof cli_table / sizeof *cli_table;
_Static_assert(sizeof cli_table / sizeof *cli_table <= CLI_MOST_OPTIONS,
               "each has its place in `given`");

const cli_command_entry cli_commands[CLI_COMMANDS] = {
    [CLI_SAY] = {"say", "[TEXT ... | -]",
                 "speaks the words, or standard input as it arrives, through "
                 "the sound device",
                 0},
    [CLI_RENDER] = {"render", "-o FILE [TEXT ... | -] | -O FOLDER FILE ...",
                    "writes the same samples to a file, as fast as they come",
                    0},
    [CLI_CONVERT] = {"convert", "[-v VOICE] [-o FILE] [RECORDING]",
                     "says what is said in a recording in another voice, as it "
                     "is said there",
                     1},
    [CLI_VOICES] = {"voices", "", "lists the voices", 0},
    [CLI_CLONE] = {"clone", "-n NAME RECORDING",
                   "makes a voice of your own from a recording of one person, "
                   "10 to 15 seconds of any sound file",
                   1},
    [CLI_VOICE] = {"voice",
                   "rename NAME NEW | delete NAME | export NAME [FILE] | "
                   "import FILE [NAME]",
                   "renames and deletes your own voices, and moves voices to "
                   "and from .safetensors and .pt files",
                   3},
    [CLI_DETECT] = {"detect", "RECORDING",
                    "says whether a recording carries the watermark, and how "
                    "sure that is",
                    1},
    [CLI_FETCH] = {"fetch", "[MODEL]",
                   "fetches a published model, or the watermark (perth), into "
                   "your data folder; without a name, lists what there is",
                   1},
    [CLI_MODELS] = {"models", "", "lists the models that are here", 0},
    [CLI_REMOVE] = {"remove", "MODEL",
                    "deletes a model that was fetched, or what came of it", 1},
    [CLI_DEVICES] = {"devices", "", "lists sound devices and JACK ports", 0},
    [CLI_DAEMON] = {"daemon",
                    "[status | queue | sinks | silence | reload | stop | "
                    "finish]",
                    "what the daemon that runs does, and telling it to be "
                    "silent, to read its configuration, and to end",
                    1},
    [CLI_INSPECT] = {"inspect", "CHECKPOINT",
                     "lists the tensors of a folder or file, with shapes and "
                     "sizes, and the family",
                     1},
    [CLI_HELP] = {"help", "[COMMAND]", "this text, or that of a command", 1},
    [CLI_VERSION] = {"version", "", "the version", 0},
};

bool cli_has_options(cli_command command)
{
    for (int i = 0; i < cli_table_length; i++)
        if (cli_table[i].commands >> command & 1)
            return true;
    return false;
}
