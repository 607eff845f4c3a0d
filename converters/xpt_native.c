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

/* The block to fill and the arguments that say where; the block is checked to hold all that is written. */
static int block_of(PyObject *out, Py_buffer *block, Py_ssize_t record, Py_ssize_t position, Py_ssize_t length,
                    Py_ssize_t rows)
{
    if (PyObject_GetBuffer(out, block, PyBUF_WRITABLE) < 0)
        return -1;
    if (position < 0 || length < 1 || record < 1 || position > record - length || rows > block->len / record) {
        PyBuffer_Release(block);
        PyErr_SetString(PyExc_ValueError, "the values do not fit the block");
        return -1;
    }
    return 0;
}

PyDoc_STRVAR(texts_doc, "put_texts(block, record, position, length, texts)\n--\n\n"
    "Write texts, filled with blanks to their length, one a record; False at one that is not plain or too long.");

static PyObject *put_texts(PyObject *self, PyObject *args)
{
    PyObject *out, *array;
    Py_ssize_t record, position, width, length = 0;
    Py_buffer view, block;
    int plain = 1;
    if (!PyArg_ParseTuple(args, "OnnnO", &out, &record, &position, &width, &array)
        || items_of(array, &view, 'O', sizeof(PyObject *)) < 0)
        return NULL;
    if (block_of(out, &block, record, position, width, view.shape[0]) < 0) {
        PyBuffer_Release(&view);
        return NULL;
    }
    const char *place = view.buf;
    char *row = (char *)block.buf + position;
    PyObject *last = NULL;
    for (Py_ssize_t i = 0; i < view.shape[0]; i++, place += view.strides[0], row += record) {
        PyObject *value = *(PyObject *const *)place;
        if (value == last) {
            memcpy(row, row - record, (size_t)width);
            continue;
        }
        const char *text = ascii(value, &length);
        if (text == NULL) {
            if (!is_missing(value)) {
                plain = 0;
                break;
            }
            length = 0;
        }
        else if (length > width) {
            plain = 0;
            break;
        }
        last = value;
        memcpy(row, text, (size_t)length);
        memset(row + length, ' ', (size_t)(width - length));
    }
    PyBuffer_Release(&block);
    PyBuffer_Release(&view);
    return PyBool_FromLong(plain);
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

PyDoc_STRVAR(numbers_doc, "put_numbers(block, record, position, numbers)\n--\n\n"
    "Write doubles as IBM doubles, NaN as the missing value, one a record.");

static PyObject *put_numbers(PyObject *self, PyObject *args)
{
    PyObject *out, *array;
    Py_ssize_t record, position;
    Py_buffer view, block;
    if (!PyArg_ParseTuple(args, "OnnO", &out, &record, &position, &array)
        || items_of(array, &view, 'd', 8) < 0)
        return NULL;
    if (block_of(out, &block, record, position, 8, view.shape[0]) < 0) {
        PyBuffer_Release(&view);
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    const char *place = view.buf;
    unsigned char *row = (unsigned char *)block.buf + position;
    for (Py_ssize_t i = 0; i < view.shape[0]; i++, place += view.strides[0], row += record) {
        uint64_t word;
        memcpy(&word, place, 8);
        word = ibm(word);
        for (int byte = 0; byte < 8; byte++)
            row[byte] = (unsigned char)(word >> (56 - 8 * byte));
    }
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&block);
    PyBuffer_Release(&view);
    Py_RETURN_NONE;
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
    {"put_texts", put_texts, METH_VARARGS, texts_doc},
    {"put_numbers", put_numbers, METH_VARARGS, numbers_doc},
    {"in_range", in_range, METH_O, range_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "xpt_native", "Rows of a SAS version 5 transport file.", 0, methods,
    NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_xpt_native(void)
{
    return PyModuleDef_Init(&module);
}
