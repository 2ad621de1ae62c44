/* events.kernel._scan: whole lines to neutral tallies; odd lines are handed back.
 *
 * See docs/explanation/kernel.md. Everything that it takes, events.codec.decode takes and reads alike;
 * what is in doubt it does not take.
 */
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
    scan->keys.day = (struct day){.text = FIRST_DAY, .days = 0};
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
    result = Py_BuildValue("(nO)", (Py_ssize_t)scan->lines, groups);
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
