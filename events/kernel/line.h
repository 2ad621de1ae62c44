/* One line to what it says, where it is one of the usual ones. */
#ifndef SYNCSTATS_LINE_H
#define SYNCSTATS_LINE_H

#include "digits.h"
#include "keys.h"
#include "moment.h"

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
