/* Lines piece by piece: all of a text in memory, or those of a part of a file as they are read.
 *
 * A file is read through a small buffer, again and again into the same one: it stays in the
 * processor's cache, and no page of memory is touched for the first time but once.
 */
#ifndef SYNCSTATS_PIECE_H
#define SYNCSTATS_PIECE_H

#include <errno.h>
#include <stdlib.h>

#include "json.h"

#if !defined(_WIN32)
#define SYNCSTATS_READS_FILES 1
#include <unistd.h>
#endif

/* What a part of a file is that cannot be told from the next one is left to the Python code. */
enum reading { LINES, END, UNTOLD, NO_MEMORY, FAILED_READ };

/* Whole lines, of which `p` is the first byte that has not been looked at. */
struct piece {
    const byte *data, *p, *end;
    int64_t at; /* the place of `data` in the text */
    int file;   /* its descriptor; -1: all of the text is here */
    int error;  /* errno of a failed read */
    byte *buffer;
    size_t room, have;   /* bytes of the buffer, and of it those that were read */
    size_t looked;       /* of these: where no line end is behind `end` */
    int64_t upto, limit; /* lines that begin later are not read; nothing behind this is */
    size_t longest;      /* line that is one, in bytes */
};

/* The place of a byte of a piece in the text. */
static inline int64_t place_in(const struct piece *piece, const byte *p)
{
    return piece->at + (p - piece->data);
}

#if defined(SYNCSTATS_READS_FILES)

static enum reading read_more(struct piece *piece)
{
    int64_t left = piece->limit - piece->at - (int64_t)piece->have;
    size_t wanted = piece->room - piece->have;
    if (left <= 0)
        return END;
    if (wanted > (uint64_t)left)
        wanted = (size_t)left;
    for (;;) {
        ssize_t count = pread(piece->file, piece->buffer + piece->have, wanted,
                              (off_t)(piece->at + (int64_t)piece->have));
        if (count > 0) {
            piece->have += (size_t)count;
            return LINES;
        }
        if (!count)
            return END; /* it became shorter */
        if (errno != EINTR) {
            piece->error = errno;
            return FAILED_READ;
        }
    }
}

/* Go to the first line that begins behind the byte at `piece->at`, which may end one. */
static enum reading skip_line(struct piece *piece)
{
    int64_t most = piece->upto + (int64_t)piece->longest;
    for (;;) {
        piece->have = 0;
        enum reading more = read_more(piece);
        if (more != LINES)
            return more == END ? UNTOLD : more;
        const byte *found = memchr(piece->buffer, '\n', piece->have);
        if (found) {
            size_t skipped = (size_t)(found + 1 - piece->buffer);
            piece->have -= skipped;
            memmove(piece->buffer, found + 1, piece->have);
            piece->at += (int64_t)skipped;
            return LINES;
        }
        piece->at += (int64_t)piece->have;
        if (piece->at >= most)
            return UNTOLD;
    }
}

static size_t last_line_end(const byte *text, size_t begin, size_t end)
{
    while (end > begin && text[end - 1] != '\n')
        end--;
    return end > begin ? end : 0;
}

/* Bytes of the buffer that are whole lines of this part, as far as it was read; 0: none. */
static size_t whole_lines(struct piece *piece)
{
    size_t begin = piece->looked, end = piece->have;
    piece->looked = end;
    int64_t last = piece->upto - 1 - piece->at; /* the line around it is the part's last one */
    if (last < (int64_t)end) {
        size_t from = last > (int64_t)begin ? (size_t)last : begin;
        const byte *found = memchr(piece->buffer + from, '\n', end - from);
        if (found)
            return (size_t)(found + 1 - piece->buffer);
        end = from;
    }
    return last_line_end(piece->buffer, begin, end);
}

/* Bring the next lines into the buffer. */
static enum reading next_lines(struct piece *piece)
{
    if (piece->file < 0)
        return END;
    size_t done = (size_t)(piece->end - piece->buffer);
    piece->at += (int64_t)done;
    piece->have -= done;
    piece->looked -= done;
    memmove(piece->buffer, piece->end, piece->have);
    piece->p = piece->end = piece->buffer;
    if (piece->at >= piece->upto)
        return END;
    for (;;) {
        size_t whole = whole_lines(piece);
        if (whole) {
            piece->end = piece->buffer + whole;
            return LINES;
        }
        if (piece->have == piece->room) {
            if (piece->room >= 2 * piece->longest)
                return UNTOLD;
            byte *larger = realloc(piece->buffer, piece->room * 2);
            if (!larger)
                return NO_MEMORY;
            piece->data = piece->p = piece->end = piece->buffer = larger;
            piece->room *= 2;
        }
        enum reading more = read_more(piece);
        if (more != LINES)
            return more;
    }
}

/* Begin with a part of a file; the byte before it says whether a line begins with it. */
static enum reading open_part(struct piece *piece, int64_t begin, int is_first)
{
    piece->buffer = malloc(piece->room);
    if (!piece->buffer)
        return NO_MEMORY;
    piece->data = piece->p = piece->end = piece->buffer;
    piece->at = is_first ? begin : begin - 1;
    return is_first ? LINES : skip_line(piece);
}

#else

static enum reading next_lines(struct piece *piece)
{
    (void)piece;
    return END;
}

#endif

#endif
