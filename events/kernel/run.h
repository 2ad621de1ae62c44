/* A run: what its lines add up to, in memory that is used again. */
#ifndef SYNCSTATS_RUN_H
#define SYNCSTATS_RUN_H

#include <stdlib.h>

#include "line.h"
#include "tally.h"

enum { FIRST_NAMES = 64, MOST_NAMES = 1 << 14, FIRST_TEXTS = 1 << 12, MOST_TEXTS = 1 << 18 };

/* Events of one stream whose seqs follow one another; or lines without stream and seq. */
struct run {
    byte *stream; /* its name; what it points to is used again */
    uint32_t stream_length, stream_room; /* no length: without stream and seq */
    uint64_t first, end;
    uint64_t succeeded, failed, to_dlq, skipped, recovered, with_warnings, high;
    int64_t earliest_us, newest_us;
    struct durations latency, waiting;
    struct names errors;
};

static void free_run(struct run *run)
{
    if (!run)
        return;
    free(run->latency.counts);
    free(run->latency.touched);
    free(run->waiting.counts);
    free(run->waiting.touched);
    free(run->errors.slots);
    free(run->errors.texts);
    free(run->stream);
    free(run);
}

static int make_durations(struct durations *durations, size_t places)
{
    durations->counts = calloc(places, sizeof *durations->counts);
    durations->touched = malloc(places * sizeof *durations->touched);
    durations->min = UINT64_MAX;
    return durations->counts && durations->touched;
}

static struct run *make_run(size_t places)
{
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return NULL;
    run->errors.size = FIRST_NAMES;
    run->errors.slots = calloc(FIRST_NAMES, sizeof *run->errors.slots);
    run->errors.texts_size = FIRST_TEXTS;
    run->errors.texts = malloc(FIRST_TEXTS);
    int is_whole = make_durations(&run->latency, places);
    is_whole &= make_durations(&run->waiting, places);
    if (!is_whole || !run->errors.slots || !run->errors.texts) {
        free_run(run);
        return NULL;
    }
    return run;
}

static void empty_durations(struct durations *durations)
{
    for (uint32_t i = 0; i < durations->touched_count; i++)
        durations->counts[durations->touched[i]] = 0;
    durations->touched_count = 0;
    durations->count = durations->sum = durations->max = 0;
    durations->min = UINT64_MAX;
}

static void empty_run(struct run *run)
{
    struct durations latency = run->latency, waiting = run->waiting;
    struct names errors = run->errors;
    byte *stream = run->stream;
    uint32_t stream_room = run->stream_room;
    empty_durations(&latency);
    empty_durations(&waiting);
    if (errors.used)
        memset(errors.slots, 0, errors.size * sizeof *errors.slots);
    errors.used = errors.texts_used = 0;
    memset(run, 0, sizeof *run);
    run->latency = latency;
    run->waiting = waiting;
    run->errors = errors;
    run->stream = stream;
    run->stream_room = stream_room;
    run->earliest_us = INT64_MAX;
    run->newest_us = INT64_MIN;
}

static int grow_slots(struct names *names)
{
    uint32_t size = names->size * 2;
    if (size > MOST_NAMES)
        return 0;
    struct name *slots = calloc(size, sizeof *slots);
    if (!slots)
        return 0;
    for (uint32_t i = 0; i < names->size; i++) {
        struct name *slot = names->slots + i;
        if (!slot->count)
            continue;
        uint32_t at = slot->hash & (size - 1);
        while (slots[at].count)
            at = (at + 1) & (size - 1);
        slots[at] = *slot;
    }
    free(names->slots);
    names->slots = slots;
    names->size = size;
    return 1;
}

/* Make room for one more text, of which any line may hold one. */
static int grow_names(struct names *names, uint32_t length)
{
    if (names->used >= names->size / 2 && !grow_slots(names))
        return 0;
    uint64_t size = names->texts_size, wanted = (uint64_t)names->texts_used + length;
    while (size < wanted)
        size *= 2;
    if (size == names->texts_size)
        return 1;
    if (size > UINT32_MAX || (names->texts_used && size > MOST_TEXTS))
        return 0;
    byte *texts = realloc(names->texts, (size_t)size);
    if (!texts)
        return 0;
    names->texts = texts;
    names->texts_size = (uint32_t)size;
    return 1;
}

/* Give a run its stream; whether there is memory for the name. */
static int name_run(struct run *run, const struct text *stream)
{
    if (stream->length > run->stream_room) {
        byte *larger = realloc(run->stream, stream->length);
        if (!larger)
            return 0;
        run->stream = larger;
        run->stream_room = stream->length;
    }
    memcpy(run->stream, stream->start, stream->length);
    run->stream_length = stream->length;
    return 1;
}

#endif
