/* Whole numbers in digits, found and put together eight at a time.
 *
 * As in json.h, the text ends with a line feed, nothing reads at or behind `end`, and NULL means "odd".
 */
#ifndef SYNCSTATS_DIGITS_H
#define SYNCSTATS_DIGITS_H

#include "json.h"

/* Eight bytes as a number, the first one lowest. */
static inline uint64_t eight_bytes(const byte *p)
{
    uint64_t eight;
    memcpy(&eight, p, sizeof eight);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    eight = __builtin_bswap64(eight);
#endif
    return eight;
}

/* How many of eight bytes are digits before the first one that is none. */
static inline unsigned digits_of(uint64_t eight)
{
    uint64_t t = eight ^ UINT64_C(0x3030303030303030);
    /* What is carried into a byte comes from one before it that is no digit itself. */
    uint64_t wrong = ((t + UINT64_C(0x0606060606060606)) | t) & UINT64_C(0xF0F0F0F0F0F0F0F0);
    return wrong ? (unsigned)__builtin_ctzll(wrong) >> 3 : 8;
}

/* The number that the first `count` of eight bytes are, which are digits: pairs of neighbours are
 * put together three times. */
static inline uint64_t number_of(uint64_t eight, unsigned count)
{
    eight = count ? eight << (64 - 8 * count) : 0;
    eight = ((eight & UINT64_C(0x0F0F0F0F0F0F0F0F)) * 2561) >> 8;
    eight = ((eight & UINT64_C(0x00FF00FF00FF00FF)) * 6553601) >> 16;
    return ((eight & UINT64_C(0x0000FFFF0000FFFF)) * UINT64_C(42949672960001)) >> 32;
}

/* A whole number from 0 to 2^63 - 1, written in digits alone. */
static inline const byte *read_count(const byte *p, const byte *end, uint64_t *number)
{
    static const uint32_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
    if (end - p >= 16) {
        uint64_t head = eight_bytes(p), tail = eight_bytes(p + 8);
        unsigned digits = digits_of(head), more = digits_of(tail);
        if (*p == '0' && digits != 1)
            return NULL;
        if (digits < 8) {
            *number = number_of(head, digits);
            return digits ? p + digits : NULL;
        }
        if (more < 8) {
            *number = number_of(head, 8) * powers[more] + number_of(tail, more);
            return p + 8 + more;
        }
    }
    const byte *start = p;
    uint64_t n = 0;
    if (*p == '0') {
        *number = 0;
        return p + 1;
    }
    for (byte digit; (digit = (byte)(*p - '0')) <= 9; p++)
        n = n * 10 + digit;
    if (p == start || p - start > 19 || n > INT64_MAX)
        return NULL;
    *number = n;
    return p;
}

#endif
