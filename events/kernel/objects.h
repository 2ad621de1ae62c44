/* What lines add up to, as objects of Python; where NULL or 0 is given, an exception is set. */
#ifndef SYNCSTATS_OBJECTS_H
#define SYNCSTATS_OBJECTS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "runs.h"

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
        PyObject *key = PyUnicode_DecodeUTF8((const char *)names->texts + slot->at, slot->length,
                                             "strict");
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
    PyObject *stream = run->stream_length
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

static int add_group(PyObject *groups, int64_t begin, int64_t end, PyObject *runs)
{
    PyObject *group = runs ? Py_BuildValue("(LLN)", (long long)begin, (long long)end, runs) : NULL;
    int failed = !group || PyList_Append(groups, group) < 0;
    Py_XDECREF(group);
    return !failed;
}

static PyObject *take_runs(struct scan *scan)
{
    PyObject *runs = PyList_New(0);
    for (int i = 0; runs && i < scan->used; i++) {
        PyObject *run = run_as_tuple(scan->runs[i]);
        if (!run || PyList_Append(runs, run) < 0)
            Py_CLEAR(runs);
        Py_XDECREF(run);
    }
    scan->used = scan->last = 0;
    return runs;
}

#endif
