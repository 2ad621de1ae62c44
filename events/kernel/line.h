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
    HOST, PID, PROGRAM, FIELDS
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

/* Keys as they followed one another lately: most lines have those of the line before. */
struct keys {
    struct {
        byte text[16];   /* from its opening quote to its colon */
        uint32_t length; /* 0 without one that is short enough */
        enum field field;
    } after[FIELDS];
    struct day day;
};

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

/* Whether the first bytes at p, of which there are more than 16, are these. */
static inline int starts_with(const byte *p, const byte *text, uint32_t length)
{
#if defined(__SSE2__)
    __m128i same = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)p),
                                  _mm_loadu_si128((const __m128i *)text));
    uint32_t wanted = (UINT32_C(1) << length) - 1;
    return ((uint32_t)_mm_movemask_epi8(same) & wanted) == wanted;
#else
    return !memcmp(p, text, length);
#endif
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
static const byte *read_line(const byte *p, const byte *end, struct keys *keys, struct line *line)
{
    enum field before = OTHER;
    struct text text;
    uint64_t number;
    int64_t us;

    memset(line, 0, sizeof *line);
    line->is_high = 1;
    if (*p++ != '{')
        return NULL;
    p = skip_space(p);
    if (*p == '}')
        return NULL; /* rare: `{}` is left to Python */
    for (;;) {
        enum field field;
        uint32_t known = keys->after[before].length;
        if (known && end - p > 16 && starts_with(p, keys->after[before].text, known)) {
            field = keys->after[before].field;
            p += known;
        } else {
            const byte *start = p;
            int escaped = 0;
            if (*p != '"')
                return NULL;
            p = string_end(p + 1, end, &escaped);
            if (!p || escaped)
                return NULL;
            field = p - start > 1 ? field_of(start + 1, (size_t)(p - start - 1)) : OTHER;
            p = skip_space(p + 1);
            if (*p++ != ':')
                return NULL;
            size_t length = (size_t)(p - start);
            if (length <= 16) {
                memcpy(keys->after[before].text, start, length);
                keys->after[before].length = (uint32_t)length;
                keys->after[before].field = field;
            }
        }
        before = field;
        if (field != OTHER) {
            if (line->found & UINT32_C(1) << field)
                return NULL; /* twice: the last one counts */
            line->found |= UINT32_C(1) << field;
        }
        p = skip_space(p);
        switch (field) {
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
            p = read_count(p, &line->seq);
            break;
        case ATTEMPT:
            p = read_count(p, &line->attempt);
            if (!line->attempt)
                return NULL;
            break;
        case DURATION_NS:
            p = read_count(p, &line->duration_ns);
            break;
        case WAIT_NS:
            p = read_count(p, &line->wait_ns);
            break;
        case WARNINGS:
            p = read_count(p, &line->warnings);
            break;
        case JOB_ID: case SCENE_ID: case PID:
            p = read_count(p, &number);
            break;
        case TIMESTAMP: case RETRY_AT:
            if (*p != '"')
                return NULL;
            p = read_moment(p + 1, end, &keys->day, &us);
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
        p = skip_space(p);
        if (*p == ',') {
            p = skip_space(p + 1);
            continue;
        }
        if (*p++ != '}')
            return NULL;
        p = skip_space(p);
        return *p == '\n' ? p + 1 : NULL;
    }
}

static inline int has(const struct line *line, enum field field)
{
    return line->found >> field & 1;
}

#endif
