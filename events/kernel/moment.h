/* Moments of RFC 3339 in UTC, as our writer writes them: "2026-11-24T12:00:00.123456Z"; or as Python's
 * `isoformat` does, with "+00:00" for "Z". */
#ifndef SYNCSTATS_MOMENT_H
#define SYNCSTATS_MOMENT_H

#include "digits.h"

/* The minute that was read last: many lines of a log are of one. Never without one: zero bytes would
 * be taken for one that was read before. */
struct minute {
    byte text[16]; /* "2026-11-24T12:00" */
    int64_t us;    /* since 1970 */
};

static void make_minute(struct minute *minute)
{
    memcpy(minute->text, "1970-01-01T00:00", sizeof minute->text);
    minute->us = 0;
}

static inline int two_digits(const byte *p)
{
    unsigned a = p[0] - '0', b = p[1] - '0';
    return a > 9 || b > 9 ? -1 : (int)(a * 10 + b);
}

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar; -1 << 40 for none.
 * Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil. */
static int64_t days_of(const byte *p)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const int64_t none = -((int64_t)1 << 40);
    int century = two_digits(p), rest = two_digits(p + 2);
    int month = two_digits(p + 5), day = two_digits(p + 8);
    if (century < 0 || rest < 0 || p[4] != '-' || p[7] != '-' || month < 1 || month > 12 || day < 1)
        return none;
    int year = century * 100 + rest;
    int is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (year < 1 || day > lengths[month - 1] + (month == 2 && is_leap))
        return none;
    int y = month <= 2 ? year - 1 : year;
    int era = y / 400, of_era = y - era * 400;
    int of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return (int64_t)era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* What follows the minute at p, or NULL. */
static inline const byte *read_minute(const byte *p, struct minute *minute)
{
    if (memcmp(p, minute->text, sizeof minute->text)) {
        int64_t days = days_of(p);
        int hour = two_digits(p + 11), of_hour = two_digits(p + 14);
        if (days < -((int64_t)1 << 39) || p[10] != 'T' || p[13] != ':' || (unsigned)hour > 23
            || (unsigned)of_hour > 59)
            return NULL;
        memcpy(minute->text, p, sizeof minute->text);
        minute->us = ((days * 24 + hour) * 60 + of_hour) * INT64_C(60000000);
    }
    return p + sizeof minute->text;
}

/* Microseconds since 1970 of a string's text; what follows it, or NULL. */
static inline const byte *read_moment(const byte *p, const byte *end, struct minute *minute,
                                      int64_t *us)
{
    if (end - p < 21) /* with a quote; what follows is read up to what is no digit */
        return NULL;
    p = read_minute(p, minute);
    if (!p || *p != ':')
        return NULL;
    int second = two_digits(p + 1);
    if ((unsigned)second > 59)
        return NULL;
    p += 3;
    int64_t fraction = 0;
    if (end - p >= 8 && *p == '.' && p[7] == 'Z' && digits_of(eight_bytes(p) >> 8) == 6) {
        fraction = (int64_t)number_of(eight_bytes(p) >> 8, 6);
        p += 7;
    } else if (*p == '.') {
        int digits = 0;
        for (p++; is_digit(*p); p++, digits++)
            if (digits < 6)
                fraction = fraction * 10 + (*p - '0');
        if (digits < 1 || digits > 6)
            return NULL;
        for (; digits < 6; digits++)
            fraction *= 10;
    }
    if (*p == 'Z')
        p++;
    else if (*p == '+' && p[1] == '0' && p[2] == '0' && p[3] == ':' && p[4] == '0' && p[5] == '0')
        p += 6; /* each byte is looked at only where the ones before it are no line's end */
    else
        return NULL;
    *us = minute->us + second * INT64_C(1000000) + fraction;
    return p;
}

#endif
