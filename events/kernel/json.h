/* JSON as it stands in a line: the grammar of RFC 8259, checked while it is passed over.
 *
 * Nothing here allocates, and nothing reads at or behind `end`. The text ends with a line feed,
 * which is valid nowhere inside a value; so most functions need not look where the end is.
 * NULL means "odd": wrong, or right in a way that is left to the Python code.
 */
#ifndef SYNCSTATS_JSON_H
#define SYNCSTATS_JSON_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

typedef unsigned char byte;

enum { MOST_NESTED = 60, MOST_DIGITS = 300 };

static inline const byte *skip_space(const byte *p)
{
    if (*p > ' ')
        return p; /* nearly always */
    while (*p == ' ' || *p == '\t' || *p == '\r')
        p++;
    return p;
}

/* Bytes of the UTF-8 sequence at p, 0 if there is none; the text ends with ASCII. */
static inline int sequence_length(const byte *p)
{
    byte a = p[0];
    if (a < 0xC2)
        return 0;
    if (a < 0xE0)
        return (p[1] & 0xC0) == 0x80 ? 2 : 0;
    if (a < 0xF0) {
        byte low = a == 0xE0 ? 0xA0 : 0x80, high = a == 0xED ? 0x9F : 0xBF;
        return p[1] >= low && p[1] <= high && (p[2] & 0xC0) == 0x80 ? 3 : 0;
    }
    if (a < 0xF5) {
        byte low = a == 0xF0 ? 0x90 : 0x80, high = a == 0xF4 ? 0x8F : 0xBF;
        return p[1] >= low && p[1] <= high && (p[2] & 0xC0) == 0x80 && (p[3] & 0xC0) == 0x80 ? 4
                                                                                             : 0;
    }
    return 0;
}

static inline int is_hex(byte c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* Bytes of the escape at p (a backslash); 0 if it is none, or half of a surrogate pair. */
static inline int escape_length(const byte *p)
{
    switch (p[1]) {
    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
        return 2;
    case 'u':
        if (!is_hex(p[2]) || !is_hex(p[3]) || !is_hex(p[4]) || !is_hex(p[5]))
            return 0;
        return (p[2] | 0x20) == 'd' && p[3] >= '8' ? 0 : 6;
    default:
        return 0;
    }
}

/* The closing quote of a string of which p is the first byte behind the opening one. */
static inline const byte *string_end(const byte *p, const byte *end, int *is_escaped)
{
    for (;;) {
#if defined(__SSE2__)
        while (end - p >= 16) {
            __m128i chunk = _mm_loadu_si128((const __m128i *)p);
            /* signed: bytes below 0x20 and those from 0x80 on */
            __m128i special = _mm_cmplt_epi8(chunk, _mm_set1_epi8(0x20));
            special = _mm_or_si128(special, _mm_cmpeq_epi8(chunk, _mm_set1_epi8('"')));
            special = _mm_or_si128(special, _mm_cmpeq_epi8(chunk, _mm_set1_epi8('\\')));
            int mask = _mm_movemask_epi8(special);
            if (mask) {
                p += __builtin_ctz((unsigned)mask);
                break;
            }
            p += 16;
        }
#endif
        byte c = *p;
        if (c == '"')
            return p;
        if (c == '\\') {
            int length = escape_length(p);
            if (!length)
                return NULL;
            *is_escaped = 1;
            p += length;
        } else if (c >= 0x80) {
            int length = sequence_length(p);
            if (!length)
                return NULL;
            p += length;
        } else if (c < 0x20) {
            return NULL;
        } else {
            p++;
        }
    }
}

static inline int is_digit(byte c) { return c >= '0' && c <= '9'; }

/* What follows a number. */
static inline const byte *skip_number(const byte *p)
{
    const byte *start = p;
    if (*p == '-')
        p++;
    if (*p == '0')
        p++;
    else if (is_digit(*p))
        while (is_digit(*p))
            p++;
    else
        return NULL;
    if (*p == '.') {
        if (!is_digit(*++p))
            return NULL;
        while (is_digit(*p))
            p++;
    }
    if ((*p | 0x20) == 'e') {
        p++;
        if (*p == '+' || *p == '-')
            p++;
        if (!is_digit(*p))
            return NULL;
        while (is_digit(*p))
            p++;
    }
    return p - start > MOST_DIGITS ? NULL : p;
}

/* What follows any value of which p is the first byte. */
static const byte *skip_value(const byte *p, const byte *end)
{
    uint64_t is_object = 0; /* one bit a level */
    int depth = 0, escaped;

value:
    switch (*p) {
    case '"':
        p = string_end(p + 1, end, &escaped);
        if (!p)
            return NULL;
        p++;
        break;
    case '{':
        if (++depth > MOST_NESTED)
            return NULL;
        is_object = is_object << 1 | 1;
        p = skip_space(p + 1);
        if (*p == '}')
            goto close;
        goto key;
    case '[':
        if (++depth > MOST_NESTED)
            return NULL;
        is_object <<= 1;
        p = skip_space(p + 1);
        if (*p == ']')
            goto close;
        goto value;
    case 't':
        if (end - p < 4 || memcmp(p, "true", 4))
            return NULL;
        p += 4;
        break;
    case 'f':
        if (end - p < 5 || memcmp(p, "false", 5))
            return NULL;
        p += 5;
        break;
    case 'n':
        if (end - p < 4 || memcmp(p, "null", 4))
            return NULL;
        p += 4;
        break;
    default:
        p = skip_number(p);
        if (!p)
            return NULL;
    }

after:
    if (!depth)
        return p;
    p = skip_space(p);
    if (*p == ',') {
        p = skip_space(p + 1);
        if (is_object & 1)
            goto key;
        goto value;
    }
    if (*p != (is_object & 1 ? '}' : ']'))
        return NULL;

close:
    p++;
    is_object >>= 1;
    depth--;
    goto after;

key:
    if (*p != '"')
        return NULL;
    p = string_end(p + 1, end, &escaped);
    if (!p)
        return NULL;
    p = skip_space(p + 1);
    if (*p != ':')
        return NULL;
    p = skip_space(p + 1);
    goto value;
}

#endif
