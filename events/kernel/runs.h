/* Lines to runs: which run a line belongs to, and what it adds to it. */
#ifndef SYNCSTATS_RUNS_H
#define SYNCSTATS_RUNS_H

#include "line.h"
#include "piece.h"
#include "run.h"

enum { MOST_RUNS = 64 };

struct scan {
    struct piece piece;
    struct bounds bounds;
    struct shapes shapes;
    struct run *runs[MOST_RUNS]; /* allocated as they are needed, and used again */
    int used;
    int last; /* the run of the line before */
    struct text folder;
    int has_folder;
    size_t lines; /* that were read */
};

static int is_of(const struct run *run, const struct line *line, int has_seq)
{
    if (!has_seq || !run->stream_length)
        return !has_seq && !run->stream_length;
    return run->stream_length == line->stream.length
           && !memcmp(run->stream, line->stream.start, line->stream.length);
}

/* The run that a line goes on with: only the newest one of its stream, so that lines which say
 * different things under one seq stay in their order. A new one if there is none; NULL if there is no
 * room. */
static struct run *run_of(struct scan *scan, const struct line *line)
{
    int has_seq = has(line, SEQ);
    int found = scan->last;
    if (found >= scan->used || !is_of(scan->runs[found], line, has_seq))
        for (found = scan->used - 1; found >= 0; found--)
            if (is_of(scan->runs[found], line, has_seq))
                break;
    if (found >= 0 && (!has_seq || scan->runs[found]->end == line->seq)) {
        scan->last = found;
        return scan->runs[found];
    }
    if (scan->used == MOST_RUNS)
        return NULL;
    struct run **place = scan->runs + scan->used;
    if (!*place && !(*place = make_run(scan->bounds.count + 1)))
        return NULL;
    empty_run(*place);
    if (has_seq) {
        if (!name_run(*place, &line->stream))
            return NULL;
        (*place)->first = (*place)->end = line->seq;
    }
    scan->last = scan->used++;
    return *place;
}

/* Add a line to its run; 0 if it is odd, -1 if there is no room. */
static int take(struct scan *scan, const struct line *line)
{
    if (has(line, STREAM) != has(line, SEQ))
        return 0;
    if (line->ending != CARRIED && !has(line, TIMESTAMP))
        return 0;
    if (scan->has_folder
        && (!has(line, STREAM) ? line->ending != CARRIED
                               : line->stream.length != scan->folder.length
                                     || memcmp(line->stream.start, scan->folder.start,
                                               scan->folder.length)))
        return 0;
    if (!has(line, STREAM) && line->ending == CARRIED)
        return 1;
    if (has(line, SEQ) && line->seq == INT64_MAX)
        return 0;
    struct run *run = run_of(scan, line);
    if (!run)
        return -1;
    if (line->ending == FAILED) {
        const byte *name = has(line, ERROR_TYPE) ? line->error_type.start : (const byte *)"unknown";
        uint32_t length = has(line, ERROR_TYPE) ? line->error_type.length : 7;
        while (!add_name(&run->errors, name, length))
            if (!grow_names(&run->errors, length)) {
                scan->used -= has(line, SEQ) && run->first == run->end; /* it was made for this */
                return -1;
            }
    }
    run->end += has(line, SEQ);
    if (line->ending == CARRIED)
        return 1;
    run->with_warnings += line->warnings > 0;
    if (line->us < run->earliest_us)
        run->earliest_us = line->us;
    if (line->us > run->newest_us)
        run->newest_us = line->us;
    if (line->ending == SKIPPED) {
        run->skipped++;
        return 1;
    }
    add_duration(&run->latency, &scan->bounds, line->duration_ns);
    if (has(line, WAIT_NS))
        add_duration(&run->waiting, &scan->bounds, line->wait_ns);
    if (line->ending == SUCCEEDED) {
        run->succeeded++;
        run->recovered += line->attempt > 1;
        run->high += line->is_high;
    } else {
        run->failed++;
        run->to_dlq += line->to_dlq;
    }
    return 1;
}

/* Why lines are not read on. */
enum stop { ALL_READ, ODD, NO_ROOM, UNREADABLE };

/* Read the lines of a piece, to its end or to one that is odd, or for which there is no room. */
static enum stop scan_piece(struct scan *scan)
{
    struct line line;
    const byte *p = scan->piece.p, *end = scan->piece.end;
    enum stop stop = ALL_READ;
    while (p < end) {
        if (*p == '\n') {
            scan->lines++;
            p++;
            continue;
        }
        const byte *next = read_line(p, end, &scan->shapes, &line);
        int taken = next && (size_t)(next - p) <= scan->piece.longest ? take(scan, &line) : 0;
        if (taken <= 0) {
            stop = taken < 0 ? NO_ROOM : ODD;
            break;
        }
        scan->lines++;
        p = next;
    }
    scan->piece.p = p;
    return stop;
}

/* Read lines, piece after piece. */
static enum stop scan_lines(struct scan *scan, enum reading *reading)
{
    *reading = LINES;
    for (;;) {
        enum stop stop = scan_piece(scan);
        if (stop != ALL_READ)
            return stop;
        *reading = next_lines(&scan->piece);
        if (*reading == END)
            return ALL_READ;
        if (*reading != LINES)
            return UNREADABLE;
    }
}

#endif
