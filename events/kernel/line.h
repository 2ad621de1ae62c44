/* One line to what it says, where it is one of the usual ones. */
#ifndef SYNCSTATS_LINE_H
#define SYNCSTATS_LINE_H

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

struct text {
    const byte *start;
    uint32_t length;
};

struct line {
    enum ending ending;
    uint32_t found; /* a bit for each field */
    struct text stream, error_type;
    uint64_t seq, attempt, duration_ns, wait_ns, warnings;
    int64_t us;
    int to_dlq, is_high;
};

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

#define IS(text, literal) \
    ((text).length == sizeof(literal) - 1 && !memcmp((text).start, literal, sizeof(literal) - 1))

/* What follows a string without escapes; NULL for anything else. */
static inline const byte *read_text(const byte *p, const byte *end, struct text *text)
{
    int escaped = 0;
    if (*p != '"')
        return NULL;
    const byte *closing = string_end(p + 1, end, &escaped);
    if (!closing || escaped)
        return NULL;
    text->start = p + 1;
    text->length = (uint32_t)(closing - p - 1);
    return closing + 1;
}

static inline const byte *skip_text(const byte *p, const byte *end)
{
    int escaped = 0;
    if (*p != '"')
        return NULL;
    p = string_end(p + 1, end, &escaped);
    return p ? p + 1 : NULL;
}

/* Read a line of which p is the first byte; what follows its line feed, or NULL if it is odd.
 *
 * A line that is taken here is one that events.codec.decode takes, and says the same.
 */
static const byte *read_line(const byte *p, const byte *end, struct shapes *shapes,
                             struct line *line)
{
    struct key *keys = shapes->keys[CARRIED];
    struct text text;
    uint64_t number;
    int64_t us;

    memset(line, 0, sizeof *line);
    line->is_high = 1;
    for (unsigned place = 0;; place += place < MOST_KEYS - 1) {
        struct key *key = keys + place;
        enum field field = key->field;
        if (end - p >= KEY_BYTES && is_key(p, key)) {
            p += key->length;
            if (field == LINE_END)
                return p; /* what follows is of another line, or none of ours */
            p = skip_space(p);
        } else {
            p = read_key(p, end, !place, key, &field);
            if (!p)
                return NULL;
        }
        if (field != OTHER) {
            if (line->found & UINT32_C(1) << field)
                return NULL; /* twice: the last one counts */
            line->found |= UINT32_C(1) << field;
        }
        switch (field) {
        case LINE_END:
            return p;
        case EVENT:
            p = read_text(p, end, &text);
            if (!p)
                return NULL;
            if (IS(text, "job.succeeded"))
                line->ending = SUCCEEDED;
            else if (IS(text, "job.failed"))
                line->ending = FAILED;
            else if (IS(text, "job.skipped"))
                line->ending = SKIPPED;
            else if (IS(text, "stream.opened"))
                return NULL; /* Python notes its epoch */
            keys = shapes->keys[line->ending];
            break;
        case VERSION:
            if (*p++ != '1')
                return NULL;
            break;
        case STREAM:
            p = read_text(p, end, &line->stream);
            if (!p || !line->stream.length)
                return NULL;
            break;
        case ERROR_TYPE:
            p = read_text(p, end, &line->error_type);
            if (!p || !line->error_type.length)
                return NULL;
            break;
        case SEQ:
            p = read_count(p, end, &line->seq);
            break;
        case ATTEMPT:
            p = read_count(p, end, &line->attempt);
            if (!line->attempt)
                return NULL;
            break;
        case DURATION_NS:
            p = read_count(p, end, &line->duration_ns);
            break;
        case WAIT_NS:
            p = read_count(p, end, &line->wait_ns);
            break;
        case WARNINGS:
            p = read_count(p, end, &line->warnings);
            break;
        case JOB_ID: case SCENE_ID: case PID:
            p = read_count(p, end, &number);
            break;
        case TIMESTAMP: case RETRY_AT:
            if (*p != '"')
                return NULL;
            p = read_moment(p + 1, end, &shapes->minute, &us);
            if (!p || *p++ != '"')
                return NULL;
            if (field == TIMESTAMP)
                line->us = us;
            break;
        case CONFIDENCE:
            if (*p == '"') {
                p = read_text(p, end, &text);
                if (!p)
                    return NULL;
                line->is_high = IS(text, "high");
            } else {
                p = skip_value(p, end);
                line->is_high = 0;
            }
            break;
        case TO_DLQ:
            if (end - p >= 5 && !memcmp(p, "false", 5)) {
                p += 5;
            } else if (end - p >= 4 && !memcmp(p, "true", 4)) {
                p += 4;
                line->to_dlq = 1;
            } else {
                return NULL;
            }
            break;
        case DURATION:
            return NULL; /* seconds, of another writer: Python rounds them */
        case LEVEL: case KIND: case ERROR: case POLICY: case TRACE_ID: case SPAN_ID: case EPOCH:
        case QUEUE_ID: case HOST: case PROGRAM:
            p = skip_text(p, end);
            break;
        default:
            p = skip_value(p, end);
        }
        if (!p)
            return NULL;
    }
}

static inline int has(const struct line *line, enum field field)
{
    return line->found >> field & 1;
}

#endif
