/* The system's clocks, and RFC 3339 text to and from epoch milliseconds. Any thread; no state.
 * Calendar arithmetic is done here because the C library's depends on the time zone. */

#include "common/clock.h"

#include <string.h>
#include <time.h>

#define MS_PER_DAY  INT64_C(86400000)
#define MAX_TIME_MS INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

static int64_t system_wall_ms(const struct cc_clock *clock)
{
    (void)clock;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_mono_us(const struct cc_clock *clock)
{
    (void)clock;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

const struct cc_clock *cc_clock_system(void)
{
    static const struct cc_clock system_clock = {system_wall_ms, system_mono_us};
    return &system_clock;
}

struct date {
    int64_t year;
    int month, day;
};

/* Days since 1970-01-01 of a proleptic Gregorian date. Years run from March here, so that the leap
 * day is the last of its year; 400 years are 146097 days. */
static int64_t days_from_date(struct date date)
{
    int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    int64_t era = year / 400, year_of_era = year % 400;
    int64_t day_of_year = (153 * ((date.month + 9) % 12) + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static struct date date_from_days(int64_t days)
{
    int64_t shifted = days + 719468;
    int64_t era = shifted / 146097, day_of_era = shifted % 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    struct date date = {.day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
                        .month = (int)((month_from_march + 2) % 12 + 1)};
    date.year = era * 400 + year_of_era + (date.month <= 2 ? 1 : 0);
    return date;
}

static void put_digits(char *out, int width, int64_t value)
{
    for (int i = width - 1; i >= 0; i--, value /= 10)
        out[i] = (char)('0' + value % 10);
}

void cc_time_format(int64_t epoch_ms, char out[CC_RFC3339_BYTES])
{
    if (epoch_ms < 0)
        epoch_ms = 0;
    if (epoch_ms > MAX_TIME_MS)
        epoch_ms = MAX_TIME_MS;
    struct date date = date_from_days(epoch_ms / MS_PER_DAY);
    int64_t ms = epoch_ms % MS_PER_DAY;
    memcpy(out, "0000-00-00T00:00:00.000Z", CC_RFC3339_BYTES);
    put_digits(out, 4, date.year);
    put_digits(out + 5, 2, date.month);
    put_digits(out + 8, 2, date.day);
    put_digits(out + 11, 2, ms / 3600000);
    put_digits(out + 14, 2, ms / 60000 % 60);
    put_digits(out + 17, 2, ms / 1000 % 60);
    put_digits(out + 20, 3, ms % 1000);
}

/* What is left to read; every take_* fails for good at the first mismatch. */
struct cursor {
    const char *at, *end;
    bool ok;
};

static int take_number(struct cursor *cursor, int width, int max)
{
    int value = 0;
    if (cursor->end - cursor->at < width)
        cursor->ok = false;
    for (int i = 0; cursor->ok && i < width; i++, cursor->at++) {
        if (*cursor->at < '0' || *cursor->at > '9')
            cursor->ok = false;
        else
            value = value * 10 + (*cursor->at - '0');
    }
    if (value > max)
        cursor->ok = false;
    return value;
}

/* One of two characters: RFC 3339 allows lower-case t and z. */
static char take_either(struct cursor *cursor, char first, char second)
{
    if (cursor->at >= cursor->end || (*cursor->at != first && *cursor->at != second)) {
        cursor->ok = false;
        return '\0';
    }
    return *cursor->at++;
}

static int take_fraction_ms(struct cursor *cursor)
{
    if (cursor->at >= cursor->end || *cursor->at != '.')
        return 0;
    cursor->at++;
    int ms = 0, digits = 0;
    for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; cursor->at++) {
        if (digits < 3)
            ms = ms * 10 + (*cursor->at - '0');
        digits++;
    }
    if (digits == 0 || digits > 9)
        cursor->ok = false;
    for (; digits < 3; digits++)
        ms *= 10;
    return ms;
}

static int take_offset_minutes(struct cursor *cursor)
{
    if (cursor->at < cursor->end && (*cursor->at == 'Z' || *cursor->at == 'z')) {
        cursor->at++;
        return 0;
    }
    int sign = take_either(cursor, '+', '-') == '-' ? -1 : 1;
    int hours = take_number(cursor, 2, 23);
    take_either(cursor, ':', ':');
    int minutes = take_number(cursor, 2, 59);
    return sign * (hours * 60 + minutes);
}

static int days_in_month(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

static struct date take_date(struct cursor *cursor)
{
    struct date date = {0, 1, 1};
    date.year = take_number(cursor, 4, 9999);
    take_either(cursor, '-', '-');
    date.month = take_number(cursor, 2, 12);
    take_either(cursor, '-', '-');
    date.day = take_number(cursor, 2, 31);
    if (!cursor->ok || date.month < 1 || date.day < 1 ||
        date.day > days_in_month(date.year, date.month))
        cursor->ok = false;
    return date;
}

/* Milliseconds of the day. A leap second (60) counts as the second after it, as POSIX time does. */
static int64_t take_time(struct cursor *cursor)
{
    int hour = take_number(cursor, 2, 23);
    take_either(cursor, ':', ':');
    int minute = take_number(cursor, 2, 59);
    take_either(cursor, ':', ':');
    int second = take_number(cursor, 2, 60);
    int ms = take_fraction_ms(cursor);
    return ((int64_t)hour * 3600 + minute * 60 + second) * 1000 + ms;
}

bool cc_time_parse(const char *text, size_t length, int64_t *out_epoch_ms)
{
    struct cursor cursor = {.at = text, .end = text + length, .ok = true};
    struct date date = take_date(&cursor);
    take_either(&cursor, 'T', 't');
    int64_t ms = take_time(&cursor);
    int offset = take_offset_minutes(&cursor);
    if (!cursor.ok || cursor.at != cursor.end)
        return false;
    int64_t epoch_ms = days_from_date(date) * MS_PER_DAY + ms - (int64_t)offset * 60000;
    if (epoch_ms < 0 || epoch_ms > MAX_TIME_MS)
        return false;
    *out_epoch_ms = epoch_ms;
    return true;
}
