/* The compiled kernel alone, for the sanitizers: each input lies in a block of exactly its size.
 *
 * Standard input holds inputs, each behind its length (32 bits, little endian): whole lines. Each is
 * scanned as a file of any lines and as one of the stream "a". Prints how many lines there were,
 * and how many of them were odd.
 */
#include <stdio.h>

#include "../../events/kernel/runs.h"

static unsigned long long lines, odd;

static void scan_all(const byte *data, size_t size, const uint64_t *bounds, size_t count, int has_folder)
{
    struct scan *scan = calloc(1, sizeof *scan);
    const byte *p = data;
    if (!scan || !set_bounds(&scan->bounds, bounds, count * sizeof *bounds))
        exit(2);
    scan->keys.day = (struct day){.text = FIRST_DAY, .days = 0};
    scan->data = data;
    scan->end = data + size;
    scan->folder = (struct text){(const byte *)"a", 1};
    scan->has_folder = has_folder;
    scan->longest = 1 << 20;
    while (p < scan->end) {
        int is_odd;
        p = scan_lines(scan, p, &is_odd);
        scan->used = scan->last = 0;
        if (is_odd) {
            p = (const byte *)memchr(p, '\n', (size_t)(scan->end - p)) + 1;
            scan->lines++;
            odd++;
        }
    }
    lines += scan->lines;
    for (int i = 0; i < MOST_RUNS; i++)
        free_run(scan->runs[i]);
    free(scan);
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
    uint64_t bounds[300];
    byte head[4];
    for (size_t i = 0; i < 300; i++)
        bounds[i] = i < 4 ? i : bounds[i - 1] + bounds[i - 1] / 7 + 1;
    while (fread(head, 1, 4, stdin) == 4) {
        size_t size = head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
        byte *data = malloc(size);
        if (!data || fread(data, 1, size, stdin) != size || !size || data[size - 1] != '\n')
            return 2;
        scan_all(data, size, bounds, 300, 0);
        scan_all(data, size, bounds, 300, 1);
        read_too_far(data, size);
        free(data);
    }
    return printf("%llu lines, %llu odd\n", lines, odd) < 0;
}
