/* Counts: durations at their places among bounds, and names. */
#ifndef SYNCSTATS_TALLY_H
#define SYNCSTATS_TALLY_H

#include "json.h"

/* Sorted bounds, and a guess at a number's place among them: for its magnitude and the six bits
 * behind its first one, how many bounds are below all such numbers. */
struct bounds {
    const uint64_t *values;
    uint32_t count;
    uint16_t guess[64 * 64 + 1];
};

/* Durations, counted by their places among the bounds. */
struct durations {
    uint64_t count, sum, min, max;
    uint32_t *counts;  /* for each place */
    uint32_t *touched; /* the places that are not 0 */
    uint32_t touched_count;
};

/* How often a text was met. */
struct name {
    uint32_t at, length; /* among the texts */
    uint32_t hash, count;
};

struct names {
    struct name *slots; /* a power of two of them, open addressing */
    uint32_t size, used;
    byte *texts; /* one behind the other: lines are gone before what they add up to is */
    uint32_t texts_size, texts_used;
};

/* Take over bounds, which stay where they are; whether they are some, sorted. */
static int set_bounds(struct bounds *bounds, const void *bytes, size_t size)
{
    const uint64_t *values = bytes;
    size_t count = size / sizeof *values;
    uint32_t place = 0;
    if (size % sizeof *values || (uintptr_t)bytes % sizeof *values || !count || count > UINT16_MAX)
        return 0;
    for (size_t i = 1; i < count; i++)
        if (values[i] < values[i - 1])
            return 0;
    bounds->values = values;
    bounds->count = (uint32_t)count;
    for (unsigned k = 0; k < 64; k++)
        for (unsigned m = 0; m < 64; m++) {
            uint64_t least = (UINT64_C(64) + m) << (k >= 6 ? k - 6 : 0) >> (k < 6 ? 6 - k : 0);
            while (place < count && values[place] < least)
                place++;
            bounds->guess[k * 64 + m] = (uint16_t)place;
        }
    return 1;
}

/* How many bounds are below a number: Python's bisect_left. */
static inline uint32_t place_of(const struct bounds *bounds, uint64_t number)
{
    if (!number)
        return 0;
    unsigned k = 63 - (unsigned)__builtin_clzll(number);
    unsigned m = (unsigned)((number << (63 - k)) >> 57) & 63;
    const uint64_t *values = bounds->values;
    uint32_t place = bounds->guess[k * 64 + m];
    if (place + 2 < bounds->count) { /* mostly no more than two are left, without a branch */
        place += values[place] < number;
        place += values[place] < number;
    }
    while (place < bounds->count && values[place] < number)
        place++;
    return place;
}

static inline void add_duration(struct durations *durations, const struct bounds *bounds, uint64_t ns)
{
    uint32_t place = place_of(bounds, ns);
    if (!durations->counts[place]++)
        durations->touched[durations->touched_count++] = place;
    durations->count++;
    durations->sum += ns; /* both are at most 2^63 - 1 */
    if (durations->sum > INT64_MAX)
        durations->sum = INT64_MAX;
    if (ns < durations->min)
        durations->min = ns;
    if (ns > durations->max)
        durations->max = ns;
}

static inline uint32_t hash_of(const byte *text, size_t length)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ text[i]) * 16777619u;
    return hash ^ hash >> 15;
}

/* Count a text once more; 0 if there is no room for another one. */
static inline int add_name(struct names *names, const byte *text, uint32_t length)
{
    uint32_t hash = hash_of(text, length), mask = names->size - 1;
    for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
        struct name *slot = names->slots + i;
        if (!slot->count) {
            if (names->used >= names->size / 2 || length > names->texts_size - names->texts_used)
                return 0;
            memcpy(names->texts + names->texts_used, text, length);
            *slot = (struct name){names->texts_used, length, hash, 1};
            names->texts_used += length;
            names->used++;
            return 1;
        }
        if (slot->hash == hash && slot->length == length
            && !memcmp(names->texts + slot->at, text, length)) {
            slot->count++;
            return 1;
        }
    }
}

#endif
