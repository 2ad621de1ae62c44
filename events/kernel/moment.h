/* Moments of RFC 3339 in UTC, as our writer writes them: "2026-11-24T12:00:00.123456Z". */
#ifndef SYNCSTATS_MOMENT_H
#define SYNCSTATS_MOMENT_H

#include "json.h"

/* The date that was read last: most lines of a log are of one day. Never without a date: ten zero
 * bytes would be taken for one that was read before. */
struct day {
    byte text[10];
    int64_t days; /* since 1970-01-01 */
};
#define FIRST_DAY {'1', '9', '7', '0', '-', '0', '1', '-', '0', '1'}

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

/* Microseconds since 1970 of a string's text; what follows it, or NULL. */
static inline const byte *read_moment(const byte *p, const byte *end, struct day *day, int64_t *us)
{
    if (end - p < 21) /* with a quote; what follows is read up to what is no digit */
        return NULL;
    if (memcmp(p, day->text, 10)) {
        int64_t days = days_of(p);
        if (days < -((int64_t)1 << 39))
            return NULL;
        memcpy(day->text, p, 10);
        day->days = days;
    }
    int hour = two_digits(p + 11), minute = two_digits(p + 14), second = two_digits(p + 17);
    if (p[10] != 'T' || p[13] != ':' || p[16] != ':' || (unsigned)hour > 23
        || (unsigned)minute > 59 || (unsigned)second > 59)
        return NULL;
    int64_t fraction = 0;
    p += 19;
    if (*p == '.') {
        int digits = 0;
        for (p++; is_digit(*p); p++, digits++)
            if (digits < 6)
                fraction = fraction * 10 + (*p - '0');
        if (digits < 1 || digits > 6)
            return NULL;
        for (; digits < 6; digits++)
            fraction *= 10;
    }
    if (*p != 'Z')
        return NULL;
    *us = ((day->days * 24 + hour) * 60 + minute) * INT64_C(60000000) + second * INT64_C(1000000)
          + fraction;
    return p + 1;
}

#endif
