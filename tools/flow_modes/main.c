/* flow_modes MODEL SENTENCES [-n LINES] [-s SEED] [-w FOLDER]
 * flow_modes MODEL cost [-n TOKENS]
 *
 * Speaks the lines of a file and prints, as tables, how far each way of cutting
 * speech into cells lies from the mode `full` with the whole look-ahead; with
 * -w, writes what each way says to FOLDER/<way>/001.wav ... `cost` prints the
 * time of each cell instead. */
#include "tools/flow_modes/flow_modes.h"

#include "rt/random.h"

#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GRIDS = 3 };

static const char *const grid_names[GRIDS] = {"lowest", "balanced", "safest"};
static const int histories[] = {25, 50, 100, 200, 0};
static const int lookaheads[] = {0, 2, 4, 8, 12, 16, 20};

enum {
    HISTORIES = sizeof histories / sizeof *histories,
    LOOKAHEADS = sizeof lookaheads / sizeof *lookaheads,
    MODES = 2 + HISTORIES, /* another noise, prefix, causal */
};

typedef struct tally {
    double distance[MODES][GRIDS];
    struct {
        double distance, signal, noise;
    } sound[LOOKAHEADS][GRIDS];
    int lines;
} tally;

static void write_wav(const bench *b, const char *folder, const char *way,
                      int number, float *pcm, size_t n)
{
    char path[2048];
    SF_INFO info = {.samplerate = s3gen_get_info(b->s3gen)->sample_rate,
                    .channels = 1,
                    .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16};

    snprintf(path, sizeof path, "%s/%s", folder, way);
    mkdir(folder, 0777);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/%03d.wav", folder, way, number);
    SNDFILE *f = sf_open(path, SFM_WRITE, &info);
    if (!f) {
        fprintf(stderr, "flow_modes: %s: %s\n", path, sf_strerror(NULL));
        exit(1);
    }
    s3gen_trim_fade(b->s3gen, 0, pcm, (int)n);
    sf_writef_float(f, pcm, (sf_count_t)n);
    sf_close(f);
}

/* The way with index `mode` of the tally. */
static cut way(int mode, cbx_grid grid, flow_causal *const *own, char *name,
               size_t size)
{
    cut c = {.grid = grid};

    if (mode == 0) {
        c.noise = 1;
        snprintf(name, size, "full, other noise");
    } else if (mode == 1) {
        c.mode = CUT_PREFIX;
        snprintf(name, size, "prefix");
    } else {
        c.mode = CUT_CAUSAL;
        c.history = histories[mode - 2];
        c.own = own[mode - 2];
        if (c.history)
            snprintf(name, size, "causal %d", c.history);
        else
            snprintf(name, size, "causal all");
    }
    return c;
}

static void compare_modes(const bench *b, const speech *s, const float *full,
                          flow_causal *const *own, const char *folder, tally *t)
{
    for (int mode = 0; mode < MODES; mode++)
        for (int g = 0; g < (mode ? GRIDS : 1); g++) {
            char name[64], path[128];
            int frames;
            const cut c = way(mode, (cbx_grid)g, own, name, sizeof name);
            float *mel = cut_mel(b, s, &c, &frames, NULL);
            t->distance[mode][g] += mel_distance(mel, full, frames, b->mels);
            if (folder && mode) {
                float *pcm = cut_sound(b, s, mel, frames, (cbx_grid)g, 20);
                snprintf(path, sizeof path, "%s %s", name, grid_names[g]);
                write_wav(b, folder, path, t->lines + 1, pcm,
                          (size_t)(frames * b->samples));
                free(pcm);
            }
            free(mel);
        }
}

static void compare_lookaheads(const bench *b, const speech *s,
                               const float *mel, int frames, const char *folder,
                               tally *t)
{
    const size_t n = (size_t)(frames * b->samples);
    float *want = cut_sound(b, s, mel, frames, CBX_GRID_SAFEST, 20);

    for (int r = 0; r < LOOKAHEADS; r++)
        for (int g = 0; g < GRIDS; g++) {
            char path[64];
            float *pcm =
                cut_sound(b, s, mel, frames, (cbx_grid)g, lookaheads[r]);
            t->sound[r][g].distance += sound_distance(pcm, want, n);
            add_energies(pcm, want, n, &t->sound[r][g].signal,
                         &t->sound[r][g].noise);
            if (folder) {
                snprintf(path, sizeof path, "full R%d %s", lookaheads[r],
                         grid_names[g]);
                write_wav(b, folder, path, t->lines + 1, pcm, n);
            }
            free(pcm);
        }
    free(want);
}

static void print_modes(const tally *t)
{
    printf("| mode | lowest | balanced | safest |\n|---|---|---|---|\n");
    for (int mode = 0; mode < MODES; mode++) {
        char name[64];
        flow_causal *none[HISTORIES] = {0};
        (void)way(mode, CBX_GRID_LOWEST, none, name, sizeof name);
        printf("| %s |", name);
        for (int g = 0; g < GRIDS; g++)
            printf(" %.2f |", t->distance[mode][mode ? g : 0] / t->lines);
        printf("\n");
    }
}

static void print_lookaheads(const tally *t)
{
    printf("\n| R | lowest | balanced | safest |\n|---|---|---|---|\n");
    for (int r = 0; r < LOOKAHEADS; r++) {
        printf("| %d |", lookaheads[r]);
        for (int g = 0; g < GRIDS; g++) {
            const double noise = t->sound[r][g].noise;
            printf(" %.3f dB, ", t->sound[r][g].distance / t->lines);
            if (noise > 0)
                printf("SNR %.1f dB |",
                       10 * log10(t->sound[r][g].signal / noise));
            else
                printf("exact |");
        }
        printf("\n");
    }
}

static void open_causals(const bench *b, flow_causal **own)
{
    cbx_error err;

    for (int i = 0; i < HISTORIES; i++)
        must(flow_causal_open(b->flow,
                              &(flow_causal_options){.history = histories[i],
                                                     .max_tokens = MAX_TOKENS,
                                                     .most = 64},
                              &own[i], &err),
             &err);
}

static void compare_all(const bench *b, const char *file, int lines,
                        uint64_t seed, const char *folder)
{
    FILE *f = fopen(file, "r");
    char line[MAX_LINE];
    flow_causal *own[HISTORIES];
    tally t = {0};

    if (!f) {
        fprintf(stderr, "flow_modes: %s cannot be read\n", file);
        exit(1);
    }
    open_causals(b, own);
    while (t.lines < lines && fgets(line, sizeof line, f)) {
        speech s;
        int frames;
        line[strcspn(line, "\r\n")] = '\0';
        if (!line[0])
            continue;
        speech_draw(b, line, seed + (uint64_t)t.lines, &s);
        float *full = cut_mel(b, &s, &(cut){.mode = CUT_FULL}, &frames, NULL);
        compare_modes(b, &s, full, own, folder, &t);
        compare_lookaheads(b, &s, full, frames, folder, &t);
        free(full);
        t.lines++;
    }
    fclose(f);
    if (t.lines) {
        print_modes(&t);
        print_lookaheads(&t);
    }
    for (int i = 0; i < HISTORIES; i++)
        flow_causal_close(own[i]);
}

/* The fastest of some runs over n random tokens. */
static void best_times(const bench *b, int n, cut c, double *ms)
{
    static speech s;
    double now[MAX_TOKENS];
    int frames, ends[MAX_TOKENS];
    const int cells = cell_ends(c.grid, n, ends);

    s.n = n;
    for (int i = 0; i < n; i++)
        s.tokens[i] = (int32_t)(cbx_random_uniform(1, (uint64_t)i) *
                                b->config.flow.used_codes);
    for (int run = 0; run < 3; run++) {
        free(cut_mel(b, &s, &c, &frames, now));
        for (int i = 0; i < cells; i++)
            ms[i] = run && ms[i] < now[i] ? ms[i] : now[i];
    }
}

static void print_cost(const bench *b, int n)
{
    static double ms[MODES][MAX_TOKENS];
    flow_causal *own[HISTORIES];
    int ends[MAX_TOKENS];
    const int cells = cell_ends(CBX_GRID_BALANCED, n, ends);

    open_causals(b, own);
    printf("prompt: %d tokens, %.1f MB\n\n| cell | tokens |",
           flow_voice_tokens(b->voice),
           1e-6 * (double)flow_voice_bytes(b->voice));
    for (int mode = 1; mode < MODES; mode++) {
        char name[64];
        const cut c = way(mode, CBX_GRID_BALANCED, own, name, sizeof name);
        printf(" %s |", name);
        best_times(b, n, c, ms[mode]);
    }
    printf("\n");
    for (int i = 0; i < cells; i++) {
        printf("| %d | %d to %d |", i, i ? ends[i - 1] : 0, ends[i]);
        for (int mode = 1; mode < MODES; mode++)
            printf(" %.1f |", ms[mode][i]);
        printf("\n");
    }
    for (int i = 0; i < HISTORIES; i++) {
        printf("causal %d: %.1f MB for a stream of %d tokens\n", histories[i],
               1e-6 * (double)flow_causal_bytes(own[i]), MAX_TOKENS);
        flow_causal_close(own[i]);
    }
}

int main(int argc, char **argv)
{
    int n = 0, option;
    uint64_t seed = 1;
    const char *folder = NULL;
    bench b;

    while ((option = getopt(argc, argv, "n:s:w:")) != -1)
        if (option == 'n')
            n = atoi(optarg);
        else if (option == 's')
            seed = strtoull(optarg, NULL, 10);
        else if (option == 'w')
            folder = optarg;
        else
            return 2;
    if (argc - optind != 2 || n < 0 || n > MAX_TOKENS) {
        fprintf(stderr, "usage: flow_modes [-n LINES] [-s SEED] [-w FOLDER] "
                        "MODEL SENTENCES\n"
                        "       flow_modes [-n TOKENS] MODEL cost\n");
        return 2;
    }
    bench_open(&b, argv[optind]);
    if (!strcmp(argv[optind + 1], "cost"))
        print_cost(&b, n ? n : 250);
    else
        compare_all(&b, argv[optind + 1], n ? n : 1 << 20, seed, folder);
    bench_close(&b);
    return 0;
}
