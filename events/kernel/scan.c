/* events.kernel._scan: whole lines to neutral tallies; odd lines are handed back.
 *
 * See docs/explanation/kernel.md. Everything that it takes, events.codec.decode takes and reads alike;
 * what is in doubt it does not take.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdlib.h>

#include "line.h"
#include "tally.h"

enum { MOST_RUNS = 64, FIRST_NAMES = 64, MOST_NAMES = 1 << 14 };

struct scan {
    const byte *data, *end;
    struct bounds bounds;
    struct keys keys;
    struct run *runs[MOST_RUNS]; /* allocated as they are needed, and used again */
    int used;
    int last; /* the run of the line before */
    struct text folder;
    int has_folder;
    size_t longest; /* line that is read, in bytes */
    Py_ssize_t lines;
};

static void free_run(struct run *run)
{
    if (!run)
        return;
    free(run->latency.counts);
    free(run->latency.touched);
    free(run->waiting.counts);
    free(run->waiting.touched);
    free(run->errors.slots);
    free(run);
}

static int make_durations(struct durations *durations, size_t places)
{
    durations->counts = calloc(places, sizeof *durations->counts);
    durations->touched = malloc(places * sizeof *durations->touched);
    durations->min = UINT64_MAX;
    return durations->counts && durations->touched;
}

static struct run *make_run(size_t places)
{
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return NULL;
    run->errors.size = FIRST_NAMES;
    run->errors.slots = calloc(FIRST_NAMES, sizeof *run->errors.slots);
    int is_whole = make_durations(&run->latency, places);
    is_whole &= make_durations(&run->waiting, places);
    if (!is_whole || !run->errors.slots) {
        free_run(run);
        return NULL;
    }
    return run;
}

static void empty_durations(struct durations *durations)
{
    for (uint32_t i = 0; i < durations->touched_count; i++)
        durations->counts[durations->touched[i]] = 0;
    durations->touched_count = 0;
    durations->count = durations->sum = durations->max = 0;
    durations->min = UINT64_MAX;
}

static void empty_run(struct run *run)
{
    struct durations latency = run->latency, waiting = run->waiting;
    struct names errors = run->errors;
    empty_durations(&latency);
    empty_durations(&waiting);
    if (errors.used)
        memset(errors.slots, 0, errors.size * sizeof *errors.slots);
    errors.used = 0;
    memset(run, 0, sizeof *run);
    run->latency = latency;
    run->waiting = waiting;
    run->errors = errors;
    run->earliest_us = INT64_MAX;
    run->newest_us = INT64_MIN;
}

static int grow_names(struct names *names)
{
    struct names larger = {NULL, names->size * 2, names->used};
    if (larger.size > MOST_NAMES)
        return 0;
    larger.slots = calloc(larger.size, sizeof *larger.slots);
    if (!larger.slots)
        return 0;
    for (uint32_t i = 0; i < names->size; i++) {
        struct name *slot = names->slots + i;
        if (!slot->count)
            continue;
        uint32_t at = slot->hash & (larger.size - 1);
        while (larger.slots[at].count)
            at = (at + 1) & (larger.size - 1);
        larger.slots[at] = *slot;
    }
    free(names->slots);
    *names = larger;
    return 1;
}

static int is_of(const struct run *run, const struct line *line, int has_seq)
{
    if (!has_seq || !run->stream)
        return !has_seq && !run->stream;
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
        (*place)->stream = line->stream.start;
        (*place)->stream_length = line->stream.length;
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
            if (!grow_names(&run->errors))
                return -1;
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

/* Read lines until one is odd, there is no room, or the end; where the next one begins. */
static const byte *scan_lines(struct scan *scan, const byte *p, int *is_odd)
{
    struct line line;
    *is_odd = 0;
    while (p < scan->end) {
        if (*p == '\n') {
            scan->lines++;
            p++;
            continue;
        }
        const byte *next = read_line(p, scan->end, &scan->keys, &line);
        int taken = next && (size_t)(next - p) <= scan->longest ? take(scan, &line) : 0;
        if (taken < 0) {
            *is_odd = !scan->used; /* not even one line fits: no memory */
            return p;
        }
        if (!taken) {
            *is_odd = 1;
            return p;
        }
        scan->lines++;
        p = next;
    }
    return p;
}

/* Python objects */

static PyObject *durations_as_tuple(const struct durations *durations)
{
    PyObject *counts = PyDict_New();
    if (!counts)
        return NULL;
    for (uint32_t i = 0; i < durations->touched_count; i++) {
        uint32_t place = durations->touched[i];
        PyObject *key = PyLong_FromUnsignedLong(place);
        PyObject *count = PyLong_FromUnsignedLong(durations->counts[place]);
        int failed = !key || !count || PyDict_SetItem(counts, key, count) < 0;
        Py_XDECREF(key);
        Py_XDECREF(count);
        if (failed) {
            Py_DECREF(counts);
            return NULL;
        }
    }
    return Py_BuildValue("(NKKK)", counts, (unsigned long long)durations->sum,
                         (unsigned long long)(durations->count ? durations->min : 0),
                         (unsigned long long)durations->max);
}

static PyObject *names_as_dict(const struct names *names)
{
    PyObject *dict = PyDict_New();
    for (uint32_t i = 0; dict && i < names->size; i++) {
        const struct name *slot = names->slots + i;
        if (!slot->count)
            continue;
        PyObject *key = PyUnicode_DecodeUTF8((const char *)slot->text, slot->length, "strict");
        PyObject *count = PyLong_FromUnsignedLong(slot->count);
        if (!key || !count || PyDict_SetItem(dict, key, count) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(key);
        Py_XDECREF(count);
    }
    return dict;
}

static PyObject *run_as_tuple(const struct run *run)
{
    int has_outcomes = run->earliest_us != INT64_MAX;
    PyObject *stream = run->stream
        ? PyUnicode_DecodeUTF8((const char *)run->stream, run->stream_length, "strict")
        : Py_NewRef(Py_None);
    PyObject *errors = names_as_dict(&run->errors);
    PyObject *latency = durations_as_tuple(&run->latency);
    PyObject *waiting = durations_as_tuple(&run->waiting);
    PyObject *earliest = has_outcomes ? PyLong_FromLongLong(run->earliest_us) : Py_NewRef(Py_None);
    PyObject *newest = has_outcomes ? PyLong_FromLongLong(run->newest_us) : Py_NewRef(Py_None);
    if (!stream || !errors || !latency || !waiting || !earliest || !newest) {
        Py_XDECREF(stream);
        Py_XDECREF(errors);
        Py_XDECREF(latency);
        Py_XDECREF(waiting);
        Py_XDECREF(earliest);
        Py_XDECREF(newest);
        return NULL;
    }
    return Py_BuildValue("(NKKKKKKKKKNNNNN)", stream, (unsigned long long)run->first,
                         (unsigned long long)run->end, (unsigned long long)run->succeeded,
                         (unsigned long long)run->failed, (unsigned long long)run->to_dlq,
                         (unsigned long long)run->skipped, (unsigned long long)run->recovered,
                         (unsigned long long)run->with_warnings, (unsigned long long)run->high,
                         errors, latency, waiting, earliest, newest);
}

static int add_group(PyObject *groups, struct scan *scan, const byte *begin, const byte *p)
{
    PyObject *runs = PyList_New(0);
    for (int i = 0; runs && i < scan->used; i++) {
        PyObject *run = run_as_tuple(scan->runs[i]);
        if (!run || PyList_Append(runs, run) < 0)
            Py_CLEAR(runs);
        Py_XDECREF(run);
    }
    scan->used = scan->last = 0;
    PyObject *group = runs ? Py_BuildValue("(nnN)", (Py_ssize_t)(begin - scan->data),
                                           (Py_ssize_t)(p - scan->data), runs)
                           : NULL;
    int failed = !group || PyList_Append(groups, group) < 0;
    Py_XDECREF(group);
    return !failed;
}

PyDoc_STRVAR(scan_doc,
"scan(data, bounds, longest, folder=None)\n--\n\n"
"Tally whole lines; releases the GIL.\n\n"
"Returns how many lines there are, and a list of groups (begin, end, runs): bytes of data, in their\n"
"order, and what they add up to; runs is None for an odd line.");

static PyObject *scan(PyObject *Py_UNUSED(module), PyObject *args)
{
    Py_buffer data, bounds, folder = {0};
    Py_ssize_t longest;
    if (!PyArg_ParseTuple(args, "y*y*n|z*", &data, &bounds, &longest, &folder))
        return NULL;
    struct scan *scan = calloc(1, sizeof *scan);
    PyObject *groups = scan ? PyList_New(0) : NULL, *result = NULL;
    const byte *p = data.buf;
    if (!scan) {
        PyErr_NoMemory();
        goto done;
    }
    if (!groups)
        goto done;
    if (data.len && p[data.len - 1] != '\n') {
        PyErr_SetString(PyExc_ValueError, "the last line has no end");
        goto done;
    }
    scan->data = p;
    scan->end = p + data.len;
    scan->folder = (struct text){folder.buf, (uint32_t)folder.len};
    scan->has_folder = folder.buf != NULL;
    scan->longest = (size_t)longest;
    if (!set_bounds(&scan->bounds, bounds.buf, (size_t)bounds.len)) {
        PyErr_SetString(PyExc_ValueError, "bounds must be sorted integers of 64 bits");
        goto done;
    }
    while (p < scan->end) {
        const byte *begin = p, *odd_end = NULL;
        int is_odd;
        Py_BEGIN_ALLOW_THREADS
        p = scan_lines(scan, p, &is_odd);
        if (is_odd)
            odd_end = (const byte *)memchr(p, '\n', (size_t)(scan->end - p)) + 1;
        Py_END_ALLOW_THREADS
        if (p > begin && !add_group(groups, scan, begin, p))
            goto done;
        if (is_odd) {
            PyObject *odd = Py_BuildValue("(nnO)", (Py_ssize_t)(p - scan->data),
                                          (Py_ssize_t)(odd_end - scan->data), Py_None);
            if (!odd || PyList_Append(groups, odd) < 0) {
                Py_XDECREF(odd);
                goto done;
            }
            Py_DECREF(odd);
            scan->lines++;
            p = odd_end;
        }
    }
    result = Py_BuildValue("(nO)", scan->lines, groups);
done:
    if (scan)
        for (int i = 0; i < MOST_RUNS; i++)
            free_run(scan->runs[i]);
    free(scan);
    PyBuffer_Release(&data);
    PyBuffer_Release(&bounds);
    if (folder.buf)
        PyBuffer_Release(&folder);
    Py_XDECREF(groups);
    return result;
}

static PyMethodDef METHODS[] = {{"scan", scan, METH_VARARGS, scan_doc}, {NULL, NULL, 0, NULL}};

static struct PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT, "_scan", "Whole lines to neutral tallies.", 0, METHODS,
    NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__scan(void) { return PyModuleDef_Init(&MODULE); }
