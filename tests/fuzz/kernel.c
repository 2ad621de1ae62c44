/* The compiled kernel alone, for the sanitizers: each input lies in a block of exactly its size.
 *
 * Standard input holds inputs, each behind its length (32 bits, little endian): whole lines. Each is
 * scanned as a file of any lines and as one of the stream "a", in memory, and from a file in parts
 * through a buffer that is small at first. Prints how many lines there were in memory, and how many
 * of them were odd.
 */
#define _DEFAULT_SOURCE /* pread */
#include <stdio.h>

#include "../../events/kernel/runs.h"

enum { BOUNDS = 300, LONGEST = 1 << 20, PART_BYTES = 97, ROOM = 16 };

static uint64_t bounds[BOUNDS];
static unsigned long long lines, odd;

static struct scan *make(int has_folder)
{
    struct scan *scan = calloc(1, sizeof *scan);
    if (!scan || !set_bounds(&scan->bounds, bounds, sizeof bounds))
        exit(2);
    make_shapes(&scan->shapes);
    scan->folder = (struct text){(const byte *)"a", 1};
    scan->has_folder = has_folder;
    scan->piece.longest = LONGEST;
    return scan;
}

static void drop(struct scan *scan)
{
    for (int i = 0; i < MOST_RUNS; i++)
        free_run(scan->runs[i]);
    free(scan->piece.buffer);
    free(scan);
}

/* Scan to the end, and pass over odd lines; how many of them there were. */
static size_t scan_all(struct scan *scan)
{
    struct piece *piece = &scan->piece;
    size_t found = 0;
    enum reading reading;
    for (;;) {
        const enum stop stop = scan_lines(scan, &reading);
        scan->used = scan->last = 0;
        if (stop == ALL_READ)
            return found;
        if (stop == UNREADABLE)
            exit(2);
        if (stop == ODD) {
            piece->p = (const byte *)memchr(piece->p, '\n', (size_t)(piece->end - piece->p)) + 1;
            scan->lines++;
            found++;
        }
    }
}

static size_t in_memory(const byte *data, size_t size, int has_folder)
{
    struct scan *scan = make(has_folder);
    scan->piece.data = scan->piece.p = data;
    scan->piece.end = data + size;
    scan->piece.file = -1;
    odd += scan_all(scan);
    size_t count = scan->lines;
    lines += count;
    drop(scan);
    return count;
}

static size_t in_parts(FILE *file, size_t size, int has_folder)
{
    size_t count = 0;
    for (size_t begin = 0; begin < size; begin += PART_BYTES) {
        struct scan *scan = make(has_folder);
        scan->piece.file = fileno(file);
        scan->piece.room = ROOM;
        scan->piece.upto = (int64_t)(begin + PART_BYTES < size ? begin + PART_BYTES : size);
        scan->piece.limit = (int64_t)size;
        if (open_part(&scan->piece, (int64_t)begin, !begin) != LINES)
            exit(2);
        scan_all(scan);
        count += scan->lines;
        drop(scan);
    }
    return count;
}

/* What a sanitizer has to find, to show that it looks: one byte behind an input. */
static void read_too_far(const volatile byte *data, size_t size)
{
#ifdef READ_TOO_FAR
    lines += data[size] & 0;
#else
    (void)data, (void)size;
#endif
}

int main(void)
{
    byte head[4];
    for (size_t i = 0; i < BOUNDS; i++)
        bounds[i] = i < 4 ? i : bounds[i - 1] + bounds[i - 1] / 7 + 1;
    while (fread(head, 1, 4, stdin) == 4) {
        size_t size = head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
        byte *data = malloc(size);
        FILE *file = tmpfile();
        if (!data || !file || fread(data, 1, size, stdin) != size || !size || data[size - 1] != '\n'
            || fwrite(data, 1, size, file) != size || fflush(file))
            return 2;
        for (int has_folder = 0; has_folder < 2; has_folder++)
            if (in_memory(data, size, has_folder) != in_parts(file, size, has_folder)) {
                fprintf(stderr, "other lines in parts than in one\n");
                return 3;
            }
        read_too_far(data, size);
        fclose(file);
        free(data);
    }
    return printf("%llu lines, %llu odd\n", lines, odd) < 0;
}
