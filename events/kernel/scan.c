/* events.kernel._scan: whole lines to neutral tallies; odd lines are handed back.
 *
 * See docs/explanation/kernel.md. Everything that it takes, events.codec.decode takes and reads alike;
 * what is in doubt it does not take.
 */
#include "objects.h"

/* Runs, and groups of odd lines, that are given whatever they hold. After so many those of few lines
 * are joined, and looked at closely: an object costs as much time and memory as many lines. */
enum { FREELY_GIVEN = 256, FEW_LINES = 16 };

/* Groups as they are made, with the last lines that are to be looked at closely: more may follow. */
struct groups {
    PyObject *list;
    size_t given; /* runs and groups of odd lines */
    int64_t begin, end; /* of lines to be looked at; none where these are equal */
};

/* Give the lines that are to be looked at; 0: an exception is set. */
static int give_odd(struct groups *groups)
{
    if (groups->begin == groups->end)
        return 1;
    int64_t begin = groups->begin;
    groups->begin = groups->end;
    groups->given++;
    return add_group(groups->list, begin, groups->end, Py_NewRef(Py_None));
}

/* Have lines looked at closely: by themselves, or together with those before them, as long as all of
 * them are no longer than one line may be. */
static int add_odd(struct groups *groups, int64_t begin, int64_t end, size_t longest)
{
    int is_joined = groups->given >= FREELY_GIVEN && groups->begin < groups->end
                    && groups->end == begin && end - groups->begin <= (int64_t)longest;
    if (!is_joined) {
        if (!give_odd(groups))
            return 0;
        groups->begin = begin;
    }
    groups->end = end;
    return 1;
}

/* Give what lines add up to, or have them looked at, where they are few to a run. */
static int add_taken(struct groups *groups, struct scan *scan, int64_t begin, int64_t end, size_t lines)
{
    if (groups->given >= FREELY_GIVEN && lines < FEW_LINES * (size_t)(scan->used + 1)
        && end - begin <= (int64_t)scan->piece.longest)
        return add_odd(groups, begin, end, scan->piece.longest);
    groups->given += (size_t)scan->used;
    return give_odd(groups) && add_group(groups->list, begin, end, take_runs(scan));
}

/* All lines as groups, with places that are counted from `origin`; 0: an exception is set. */
static int add_groups(PyObject *list, struct scan *scan, int64_t origin, enum reading *reading)
{
    struct piece *piece = &scan->piece;
    struct groups groups = {.list = list};
    enum stop stop;
    do {
        int64_t begin = place_in(piece, piece->p) - origin;
        size_t lines_before = scan->lines;
        const byte *odd_end = NULL;
        Py_BEGIN_ALLOW_THREADS
        stop = scan_lines(scan, reading);
        int64_t end = place_in(piece, piece->p) - origin;
        if (stop == NO_ROOM && end == begin)
            stop = ODD; /* not even one line fits in memory */
        if (stop == ODD)
            odd_end = (const byte *)memchr(piece->p, '\n', (size_t)(piece->end - piece->p)) + 1;
        Py_END_ALLOW_THREADS
        if (stop == UNREADABLE)
            return 1;
        int64_t place = place_in(piece, piece->p) - origin;
        if (place > begin && !add_taken(&groups, scan, begin, place, scan->lines - lines_before))
            return 0;
        scan->used = scan->last = 0;
        if (stop == ODD) {
            int64_t odd_place = place_in(piece, odd_end) - origin;
            if (!add_odd(&groups, place, odd_place, piece->longest))
                return 0;
            scan->lines++;
            piece->p = odd_end;
        }
    } while (stop != ALL_READ);
    return give_odd(&groups);
}

/* What is needed for either call; NULL: an exception is set. */
static struct scan *make_scan(const Py_buffer *bounds, const Py_buffer *folder, Py_ssize_t longest)
{
    struct scan *scan = calloc(1, sizeof *scan);
    if (!scan) {
        PyErr_NoMemory();
        return NULL;
    }
    scan->folder = (struct text){folder->buf, (uint32_t)folder->len};
    scan->has_folder = folder->buf != NULL;
    make_shapes(&scan->shapes);
    scan->piece.longest = (size_t)longest;
    if (longest < 1 || !set_bounds(&scan->bounds, bounds->buf, (size_t)bounds->len)) {
        free(scan);
        PyErr_SetString(PyExc_ValueError, "bounds must be sorted integers of 64 bits");
        return NULL;
    }
    return scan;
}

static void free_scan(struct scan *scan)
{
    if (!scan)
        return;
    for (int i = 0; i < MOST_RUNS; i++)
        free_run(scan->runs[i]);
    free(scan->piece.buffer);
    free(scan);
}

PyDoc_STRVAR(scan_doc,
"scan(data, bounds, longest, folder=None)\n--\n\n"
"Tally whole lines; releases the GIL.\n\n"
"Returns how many lines there are, and a list of groups (begin, end, runs): bytes of data, in their\n"
"order, and what they add up to; runs is None for lines that are to be looked at closely: one that\n"
"is odd, or, where there are many such, several, no more bytes than the longest line.");

static PyObject *scan(PyObject *Py_UNUSED(module), PyObject *args)
{
    Py_buffer data, bounds, folder = {0};
    Py_ssize_t longest;
    enum reading reading;
    if (!PyArg_ParseTuple(args, "y*y*n|z*", &data, &bounds, &longest, &folder))
        return NULL;
    struct scan *scan = make_scan(&bounds, &folder, longest);
    PyObject *groups = scan ? PyList_New(0) : NULL, *result = NULL;
    const byte *p = data.buf;
    if (groups && data.len && p[data.len - 1] != '\n') {
        PyErr_SetString(PyExc_ValueError, "the last line has no end");
    } else if (groups) {
        scan->piece.data = scan->piece.p = p;
        scan->piece.end = p + data.len;
        scan->piece.file = -1;
        if (!data.len || add_groups(groups, scan, 0, &reading))
            result = Py_BuildValue("(nO)", (Py_ssize_t)scan->lines, groups);
    }
    free_scan(scan);
    PyBuffer_Release(&data);
    PyBuffer_Release(&bounds);
    if (folder.buf)
        PyBuffer_Release(&folder);
    Py_XDECREF(groups);
    return result;
}

#if defined(SYNCSTATS_READS_FILES)

PyDoc_STRVAR(scan_file_doc,
"scan_file(file, begin, upto, is_first, limit, bounds, longest, folder=None, room=131072)\n--\n\n"
"Tally the lines of a file that begin in a part of it; releases the GIL.\n\n"
"The part is from begin to upto, in bytes; is_first: a line begins there. Nothing at or behind limit\n"
"is read, and no more than room bytes at once. Returns where the first line begins, where the last\n"
"one ends, how many lines there are, and their groups as of scan, with places counted from the\n"
"first line; None where the part's lines cannot be told from others, as one is too long.");

static PyObject *scan_file(PyObject *Py_UNUSED(module), PyObject *args)
{
    Py_buffer bounds, folder = {0};
    Py_ssize_t longest, room = 1 << 17;
    int file, is_first;
    long long begin, upto, limit;
    if (!PyArg_ParseTuple(args, "iLLpLy*n|z*n", &file, &begin, &upto, &is_first, &limit, &bounds,
                          &longest, &folder, &room))
        return NULL;
    struct scan *scan = NULL;
    PyObject *groups = NULL, *result = NULL;
    enum reading reading = UNTOLD;
    if (begin < !is_first || upto < begin || limit < begin || room < 1)
        PyErr_SetString(PyExc_ValueError, "there is no such part");
    else if ((scan = make_scan(&bounds, &folder, longest)))
        groups = PyList_New(0);
    if (groups) {
        struct piece *piece = &scan->piece;
        piece->file = file;
        piece->room = (size_t)room;
        piece->upto = upto;
        piece->limit = limit;
        Py_BEGIN_ALLOW_THREADS
        reading = open_part(piece, begin, is_first);
        Py_END_ALLOW_THREADS
        int64_t first = piece->at;
        if (reading != LINES || add_groups(groups, scan, first, &reading)) {
            if (reading == FAILED_READ) {
                errno = piece->error;
                PyErr_SetFromErrno(PyExc_OSError);
            } else if (reading == NO_MEMORY)
                PyErr_NoMemory();
            else if (reading == UNTOLD)
                result = Py_NewRef(Py_None);
            else
                result = Py_BuildValue("(LLnO)", (long long)first,
                                       (long long)place_in(piece, piece->p),
                                       (Py_ssize_t)scan->lines, groups);
        }
    }
    free_scan(scan);
    PyBuffer_Release(&bounds);
    if (folder.buf)
        PyBuffer_Release(&folder);
    Py_XDECREF(groups);
    return result;
}

#endif

static PyMethodDef METHODS[] = {
    {"scan", scan, METH_VARARGS, scan_doc},
#if defined(SYNCSTATS_READS_FILES)
    {"scan_file", scan_file, METH_VARARGS, scan_file_doc},
#endif
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT, "_scan", "Whole lines to neutral tallies.", 0, METHODS,
    NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__scan(void) { return PyModuleDef_Init(&MODULE); }
