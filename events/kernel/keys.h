/* What stands before a value: whose it is, told from what stood there in the line before. */
#ifndef SYNCSTATS_KEYS_H
#define SYNCSTATS_KEYS_H

#include "json.h"
#include "moment.h"

/* The fields of events.model.Line; of each kind all that is checked is its type. */
enum field {
    OTHER, EVENT, VERSION, STREAM, SEQ, TIMESTAMP, RETRY_AT, ATTEMPT, DURATION_NS, WAIT_NS,
    CONFIDENCE, ERROR_TYPE, TO_DLQ, WARNINGS, DURATION,
    LEVEL, JOB_ID, KIND, SCENE_ID, ERROR, POLICY, EXCEPTION, TRACE_ID, SPAN_ID, EPOCH, QUEUE_ID,
    HOST, PID, PROGRAM, LINE_END
};

enum ending { CARRIED, SUCCEEDED, FAILED, SKIPPED };

enum { KEY_BYTES = 16, MOST_KEYS = 32 };

/* What stands between two values, as it was met last: a comma, a key and a colon; or an end. */
struct key {
    byte text[KEY_BYTES];
    uint32_t mask; /* a bit for each byte of it; NO_KEY: it was too long, or never met */
    uint32_t length;
    enum field field; /* whose value is next; LINE_END: none */
};

#define NO_KEY (UINT32_C(1) << KEY_BYTES)

/* The lines read last: most are like the one of their ending that was before, key for key. */
struct shapes {
    struct key keys[SKIPPED + 1][MOST_KEYS];
    struct minute minute;
};

static void make_shapes(struct shapes *shapes)
{
    for (int ending = 0; ending <= SKIPPED; ending++)
        for (int place = 0; place < MOST_KEYS; place++)
            shapes->keys[ending][place].mask = NO_KEY;
    make_minute(&shapes->minute);
}

static const struct { const char *name; enum field field; } NAMES[] = {
    {"event", EVENT}, {"v", VERSION}, {"stream", STREAM}, {"seq", SEQ}, {"timestamp", TIMESTAMP},
    {"retry_at", RETRY_AT}, {"attempt", ATTEMPT}, {"duration_ns", DURATION_NS},
    {"wait_ns", WAIT_NS}, {"confidence", CONFIDENCE}, {"error_type", ERROR_TYPE},
    {"to_dlq", TO_DLQ}, {"warnings", WARNINGS}, {"duration", DURATION}, {"level", LEVEL},
    {"job_id", JOB_ID}, {"kind", KIND}, {"scene_id", SCENE_ID}, {"error", ERROR},
    {"policy", POLICY}, {"exception", EXCEPTION}, {"trace_id", TRACE_ID}, {"span_id", SPAN_ID},
    {"epoch", EPOCH}, {"queue_id", QUEUE_ID}, {"host", HOST}, {"pid", PID}, {"version", PROGRAM},
};

static enum field field_of(const byte *key, size_t length)
{
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (NAMES[i].name[0] == key[0] && strlen(NAMES[i].name) == length
            && !memcmp(NAMES[i].name, key, length))
            return NAMES[i].field;
    return OTHER;
}

/* Whether a key is at p, behind which there are more bytes than it has at most. */
static inline int is_key(const byte *p, const struct key *key)
{
#if defined(__SSE2__)
    __m128i same = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)p),
                                  _mm_loadu_si128((const __m128i *)key->text));
    return ((uint32_t)_mm_movemask_epi8(same) & key->mask) == key->mask;
#else
    return key->mask != NO_KEY && !memcmp(p, key->text, key->length);
#endif
}

/* Read what stands before a value, and remember it; what follows it, or NULL. */
static const byte *read_key(const byte *p, const byte *end, int is_first, struct key *key,
                            enum field *field)
{
    const byte *start = p;
    int escaped = 0;
    if (is_first) {
        if (*p++ != '{')
            return NULL;
    } else {
        p = skip_space(p);
        if (*p == '}') {
            p = skip_space(p + 1);
            *field = LINE_END;
            if (*p++ != '\n')
                return NULL;
            goto remember;
        }
        if (*p++ != ',')
            return NULL;
    }
    p = skip_space(p); /* `{}` is rare, and left to Python */
    if (*p++ != '"')
        return NULL;
    const byte *name = p;
    p = string_end(p, end, &escaped);
    if (!p || escaped)
        return NULL;
    *field = p > name ? field_of(name, (size_t)(p - name)) : OTHER;
    p = skip_space(p + 1);
    if (*p++ != ':')
        return NULL;
    p = skip_space(p);
remember:
    key->mask = NO_KEY;
    if (p - start <= KEY_BYTES) {
        key->length = (uint32_t)(p - start);
        key->mask = (UINT32_C(1) << key->length) - 1;
        key->field = *field;
        memcpy(key->text, start, key->length);
    }
    return p;
}

#endif
