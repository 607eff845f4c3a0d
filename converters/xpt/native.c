/* Rows of a SAS version 5 transport file, filled from numpy arrays: what xpt_texts.py and ibm_float.py do in
 * Python, without a copy of each value. It is called by xpt_fast.py alone, which does without it where the
 * installation had no C compiler.
 *
 * Where a value is not plain every function says so and leaves it to those modules: the rules, and the
 * sentences about broken ones, are there and only there.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/* Objects whose length is remembered while a column is measured: a code list is few objects in many rows. */
#define SEEN 1024
/* Rows that are filled column by column before the next ones. */
#define AT_ONCE 1024

static const uint64_t SIGN = 1ULL << 63;
static const uint64_t HIDDEN = 1ULL << 52;
/* The bits of 2**-260, the smallest IBM double, and of 2**252, above the largest one. */
static const uint64_t SMALLEST = (uint64_t)(1023 - 260) << 52;
static const uint64_t LIMIT = (uint64_t)(1023 + 252) << 52;
static const uint64_t MISSING = (uint64_t)'.' << 56;

/* One dimension of items of a format and size; an exception where the argument is anything else. */
static int items_of(PyObject *array, Py_buffer *view, char format, Py_ssize_t size)
{
    if (PyObject_GetBuffer(array, view, PyBUF_STRIDED_RO | PyBUF_FORMAT) < 0)
        return -1;
    if (view->ndim != 1 || view->itemsize != size || view->format == NULL || view->format[0] != format
        || view->format[1] != '\0') {
        PyBuffer_Release(view);
        PyErr_Format(PyExc_TypeError, "an array of one dimension and format %c is needed", format);
        return -1;
    }
    return 0;
}

/* The bytes and the length of a text without a character outside ASCII; NULL for any other object. */
static inline const char *ascii(PyObject *value, Py_ssize_t *length)
{
    if (!PyUnicode_CheckExact(value) || !PyUnicode_IS_COMPACT_ASCII(value))
        return NULL;
    *length = PyUnicode_GET_LENGTH(value);
    return (const char *)PyUnicode_1BYTE_DATA(value);
}

static inline int is_missing(PyObject *value)
{
    return value == Py_None || (PyFloat_CheckExact(value) && isnan(PyFloat_AS_DOUBLE(value)));
}

PyDoc_STRVAR(measure_doc, "longest_text(texts)\n--\n\n"
    "Bytes of the longest text; -1 unless all are missing or plain: ASCII, no NUL, no blank at the end.");

static PyObject *longest_text(PyObject *self, PyObject *array)
{
    Py_buffer view;
    PyObject *seen[SEEN] = {0};
    Py_ssize_t longest = 0, length = 0;
    if (items_of(array, &view, 'O', sizeof(PyObject *)) < 0)
        return NULL;
    const char *place = view.buf;
    for (Py_ssize_t i = 0; i < view.shape[0]; i++, place += view.strides[0]) {
        PyObject *value = *(PyObject *const *)place;
        PyObject **known = &seen[((uintptr_t)value >> 4) % SEEN];
        if (*known == value)
            continue;
        const char *text = ascii(value, &length);
        if (text == NULL) {
            if (is_missing(value))
                continue;
            longest = -1;
            break;
        }
        if (length && (text[length - 1] == ' ' || memchr(text, '\0', (size_t)length))) {
            longest = -1;
            break;
        }
        *known = value;
        if (length > longest)
            longest = length;
    }
    PyBuffer_Release(&view);
    return PyLong_FromSsize_t(longest);
}

static inline uint64_t ibm(uint64_t bits)
{
    /* Less the bits of the smallest number, bits 52 and 53 count the places to shift (powers of 2), and the
       bits above are the IBM exponent (powers of 16); zeros and missing values fall out of the range. */
    uint64_t above = (bits & ~SIGN) - SMALLEST;
    if (above >= LIMIT - SMALLEST)
        return (bits & ~SIGN) > (2047ULL << 52) ? MISSING : 0;
    uint64_t fraction = ((above & (HIDDEN - 1)) | HIDDEN) << (above >> 52 & 3);
    return (bits & SIGN) | above >> 54 << 56 | fraction;
}

/* A column on its way into the records: its next value, and whether all so far were plain. */
typedef struct {
    Py_buffer view;
    const char *place;
    PyObject *last;
    Py_ssize_t position, length;
    int is_text, plain;
} Field;

/* A field from (position, length, array); the array must hold the rows, and the field fit the record. */
static int field_of(PyObject *tuple, Field *field, Py_ssize_t record, Py_ssize_t rows)
{
    PyObject *array;
    if (!PyArg_ParseTuple(tuple, "nnO", &field->position, &field->length, &array)
        || PyObject_GetBuffer(array, &field->view, PyBUF_STRIDED_RO | PyBUF_FORMAT) < 0)
        return -1;
    const char *format = field->view.format ? field->view.format : "";
    field->is_text = strcmp(format, "O") == 0;
    field->place = field->view.buf;
    field->last = NULL;
    field->plain = 1;
    if (field->view.ndim == 1 && field->view.itemsize == 8 && field->view.shape[0] == rows && field->position >= 0
        && field->length > 0 && field->position <= record - field->length
        && (field->is_text ? sizeof(PyObject *) == 8 : strcmp(format, "d") == 0 && field->length == 8))
        return 0;
    PyBuffer_Release(&field->view);
    PyErr_SetString(PyExc_ValueError, "an array that does not fit the records");
    return -1;
}

static void put_texts(Field *field, char *to, Py_ssize_t record, Py_ssize_t rows)
{
    const char *place = field->place;
    const Py_ssize_t step = field->view.strides[0], width = field->length;
    PyObject *last = field->last;
    for (Py_ssize_t i = 0; i < rows; i++, to += record, place += step) {
        PyObject *value = *(PyObject *const *)place;
        Py_ssize_t length = 0;
        if (value == last) {
            memcpy(to, to - record, (size_t)width);
            continue;
        }
        const char *text = ascii(value, &length);
        if (text == NULL ? !is_missing(value) : length > width) {
            field->plain = 0;
            return;
        }
        last = value;
        if (length)
            memcpy(to, text, (size_t)length);
        memset(to + length, ' ', (size_t)(width - length));
    }
    field->place = place;
    field->last = last;
}

static void put_numbers(Field *field, char *to, Py_ssize_t record, Py_ssize_t rows)
{
    const char *place = field->place;
    const Py_ssize_t step = field->view.strides[0];
    for (Py_ssize_t i = 0; i < rows; i++, to += record, place += step) {
        uint64_t word;
        memcpy(&word, place, 8);
        word = ibm(word);
        for (int byte = 0; byte < 8; byte++)
            to[byte] = (char)(word >> (56 - 8 * byte));
    }
    field->place = place;
}

/* One column after the other for some rows at a time: the rows stay in the cache and the branches are foreseen. */
static PyObject *filled(Field *fields, Py_ssize_t count, char *block, Py_ssize_t record, Py_ssize_t rows)
{
    for (Py_ssize_t start = 0; start < rows; start += AT_ONCE) {
        Py_ssize_t some = rows - start < AT_ONCE ? rows - start : AT_ONCE;
        for (Field *field = fields; field < fields + count; field++) {
            char *to = block + start * record + field->position;
            if (!field->is_text)
                put_numbers(field, to, record, some);
            else if (field->plain)
                put_texts(field, to, record, some);
        }
    }
    PyObject *answer = PyTuple_New(count);
    for (Py_ssize_t i = 0; answer != NULL && i < count; i++)
        PyTuple_SET_ITEM(answer, i, PyBool_FromLong(fields[i].plain));
    return answer;
}

PyDoc_STRVAR(rows_doc, "put_rows(block, record, rows, fields)\n--\n\n"
    "Write the first records of a block from fields (position, length, texts or doubles): texts filled with blanks,\n"
    "doubles as IBM doubles. For each field True, or False where a text was not plain or too long.");

static PyObject *put_rows(PyObject *self, PyObject *args)
{
    PyObject *out, *tuples, *answer = NULL;
    Py_ssize_t record, rows, count, ready = 0;
    Py_buffer block;
    if (!PyArg_ParseTuple(args, "OnnO!", &out, &record, &rows, &PyTuple_Type, &tuples)
        || PyObject_GetBuffer(out, &block, PyBUF_WRITABLE) < 0)
        return NULL;
    count = PyTuple_GET_SIZE(tuples);
    Field *fields = PyMem_New(Field, count ? count : 1);
    if (fields == NULL)
        PyErr_NoMemory();
    else if (record < 1 || rows < 0 || rows > block.len / record)
        PyErr_SetString(PyExc_ValueError, "more records than the block holds");
    else {
        while (ready < count && field_of(PyTuple_GET_ITEM(tuples, ready), fields + ready, record, rows) == 0)
            ready++;
        if (ready == count)
            answer = filled(fields, count, block.buf, record, rows);
    }
    while (ready)
        PyBuffer_Release(&fields[--ready].view);
    PyMem_Free(fields);
    PyBuffer_Release(&block);
    return answer;
}

PyDoc_STRVAR(range_doc, "in_range(numbers)\n--\n\n"
    "True where an IBM double holds each of the doubles that is not missing.");

static PyObject *in_range(PyObject *self, PyObject *array)
{
    Py_buffer view;
    uint64_t outside = 0;
    if (items_of(array, &view, 'd', 8) < 0)
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    const char *place = view.buf;
    for (Py_ssize_t i = 0; i < view.shape[0]; i++, place += view.strides[0]) {
        uint64_t bits;
        memcpy(&bits, place, 8);
        bits &= ~SIGN;
        outside |= (bits - SMALLEST >= LIMIT - SMALLEST) & (bits != 0) & (bits <= 2047ULL << 52);
    }
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&view);
    return PyBool_FromLong(!outside);
}

static PyMethodDef methods[] = {
    {"longest_text", longest_text, METH_O, measure_doc},
    {"put_rows", put_rows, METH_VARARGS, rows_doc},
    {"in_range", in_range, METH_O, range_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "native", "Rows of a SAS version 5 transport file.", 0, methods,
    NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_native(void)
{
    return PyModuleDef_Init(&module);
}
