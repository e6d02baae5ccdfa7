/* The library for C, and for whatever calls C.
 *
 * Coordinate systems, kernels and options are those of cblot/blot.hpp and cblot/options.hpp. Every
 * function that returns int returns one of cblot_status, and where it is not CBLOT_OK writes why,
 * cut to its size and ended by a zero byte, into a buffer that the caller may give. Nothing is kept
 * between calls; any number may run at once.
 */
#ifndef CBLOT_BLOT_H
#define CBLOT_BLOT_H

#include <stddef.h>
#include <stdint.h>

#include "cblot/export.h"

#ifdef __cplusplus
extern "C" {
#endif

enum cblot_status {
    CBLOT_OK = 0,
    /* An argument can't be used; nothing was written, unless cblot_blot_window says otherwise. */
    CBLOT_BAD_ARGUMENT = 1,
    CBLOT_NO_MEMORY = 2,
    /* A caller's function returned other than 0; the output is partly written. */
    CBLOT_STOPPED = 3,
    CBLOT_FAILED = 4
};

/* CBLOT_NEAREST, CBLOT_LINEAR, CBLOT_POLY3, CBLOT_POLY5 ...: in the order of kernels.def. */
enum cblot_kernel {
#define CBLOT_KERNEL(name, NAME, Form, ClassicForm, Prefilter) CBLOT_##NAME,
#include "cblot/kernels.def"
};

enum cblot_classic { CBLOT_CLASSIC_OFF, CBLOT_CLASSIC_DRIZZLEPAC, CBLOT_CLASSIC_DRIZZLE };

enum cblot_isa { CBLOT_ISA_BEST, CBLOT_ISA_BASELINE, CBLOT_ISA_AVX2, CBLOT_ISA_AVX512 };

/* CBLOT_INT32 is that of a node mapping's cells only. */
enum cblot_type { CBLOT_FLOAT, CBLOT_DOUBLE, CBLOT_INT32 };

/* A host's own threads: calls task(task_context, k) for every k below count, on any threads, and
 * returns when all have returned. `concurrency` is how many tasks are worth having. */
typedef struct cblot_executor {
    int32_t concurrency;
    void (*run)(void* context, int count, void (*task)(void* task_context, int k),
                void* task_context);
    void* context;
} cblot_executor;

/* What is called between tiles: other than 0 stops the call. */
typedef int (*cblot_poll)(void* context);

/* Fill with cblot_default_options, then change; options.def has the members and what they mean:
 * kernel (a cblot_kernel), sinscl, exptime, pix_ratio, fill, classic (a cblot_classic), isa (a
 * cblot_isa), threads, executor, poll, poll_context. Members are only ever added at the end, and
 * `size` tells the library which of them a program's header has; beyond 4096 bytes it is refused.
 */
typedef struct cblot_options {
    uint32_t size;
#define CBLOT_OPTION(type, c_type, name, value, keyword) c_type name;
#define CBLOT_HOOK(type, c_type, name) c_type name;
#include "cblot/options.def"
} cblot_options;

/* An image of ny rows of nx pixels; strides are in elements, and may be negative, and 0 where it is
 * only read. C has one struct for images that are read and that are written: what a function only
 * reads is const in its arguments, and its data is not written to, whatever the pointer's type. */
typedef struct cblot_image {
    void* data;
    int32_t type; /* cblot_type */
    ptrdiff_t ny, nx, stride_y, stride_x;
} cblot_image;

/* A table of corrections in pixels: bilinear between its elements, held beyond its ends. */
typedef struct cblot_table {
    cblot_image values; /* of CBLOT_FLOAT; its data null where there is no table */
    double crpix[2], crval[2], cdelt[2];
} cblot_table;

/* SIP polynomials: a[p * (a_order + 1) + q] u^p v^q; null where there are none. Orders are at most
 * 20. */
typedef struct cblot_sip {
    int32_t a_order, b_order;
    const double *a, *b;
    double crpix[2];
} cblot_sip;

/* Gnomonic projection with LONPOLE 180; degrees. */
typedef struct cblot_tan {
    double crpix[2];
    double cd[2][2];
    double crval[2];
} cblot_tan;

enum cblot_mapping_kind {
    CBLOT_NODES,  /* x, y: FITS source positions of nodes every `step` pixels; cells and patches */
    CBLOT_PIXMAP, /* x, y: 0-based source positions of all pixels */
    CBLOT_CALLBACK, /* positions: asked for those of rows */
    CBLOT_EXACT     /* the rest: coefficients */
};

/* Fill with cblot_default_mapping, then change; what a kind does not use is not looked at. As in
 * cblot_options, members are only ever added at the end, and `size` tells which of them there are;
 * the structs within never change. x, y and patches are of CBLOT_DOUBLE. */
typedef struct cblot_mapping {
    uint32_t size;
    int32_t kind; /* cblot_mapping_kind */
    cblot_image x, y;
    ptrdiff_t step;
    /* Cells of nodes that are given pixel by pixel, as cblot/mapping.hpp has them: -1, or the
     * number of a patch of cblot_patch_size rows and columns. All without data where all cells are
     * of nodes. */
    cblot_image cells, patch_x, patch_y;
    /* Fills (row_end - row_begin) * nx 0-based source positions; other than 0 stops the call. */
    int (*positions)(void* context, ptrdiff_t row_begin, ptrdiff_t row_end, double* x, double* y);
    void* context;
    cblot_table detector_x, detector_y, table_x, table_y;
    cblot_sip sip;
    cblot_tan exposure, source;
} cblot_mapping;

/* Writes the defaults of as many bytes as a program's header has: those of cblot/options.hpp and
 * cblot/mapping.hpp. */
CBLOT_API void cblot_default_options_of_size(cblot_options* options, size_t size);
CBLOT_API void cblot_default_mapping_of_size(cblot_mapping* mapping, size_t size);

#define cblot_default_options(options) \
    cblot_default_options_of_size((options), sizeof(cblot_options))
#define cblot_default_mapping(mapping) \
    cblot_default_mapping_of_size((mapping), sizeof(cblot_mapping))

/* Resamples source onto every pixel of out through mapping. covered, which may be null, becomes the
 * number of output pixels that the source covers. */
CBLOT_API int cblot_blot(const cblot_image* source, const cblot_mapping* mapping, cblot_image* out,
                         const cblot_options* options, ptrdiff_t* covered, char* message,
                         size_t message_size);

/* A rectangle of pixels: rows y0 to y1 and columns x0 to x1, ends not included. */
typedef struct cblot_box {
    ptrdiff_t y0, y1, x0, x1;
} cblot_box;

/* Where a rectangle lies that is all of a larger image that is in memory: the place of its first
 * pixel, and the size of that image. */
typedef struct cblot_place {
    ptrdiff_t y0, x0, ny, nx;
} cblot_place;

/* The same where only rectangles of the source and of the output are in memory, to the same bits:
 * makes just the pixels of out. A null place stands for a whole image. If a pixel needs more of the
 * source than there is, CBLOT_BAD_ARGUMENT, and out is partly written. */
CBLOT_API int cblot_blot_window(const cblot_image* source, const cblot_place* source_place,
                                const cblot_mapping* mapping, cblot_image* out,
                                const cblot_place* out_place, const cblot_options* options,
                                ptrdiff_t* covered, char* message, size_t message_size);

/* The box of source pixels on which the pixels of a region depend, of an output of ny by nx pixels;
 * all 0 if the source covers none of them. */
CBLOT_API int cblot_source_box(const cblot_mapping* mapping, ptrdiff_t ny, ptrdiff_t nx,
                               const cblot_box* region, ptrdiff_t source_ny, ptrdiff_t source_nx,
                               const cblot_options* options, cblot_box* box, char* message,
                               size_t message_size);

/* Writes the source positions of all pixels, plus origin, into x and y, of CBLOT_DOUBLE. */
CBLOT_API int cblot_positions(const cblot_mapping* mapping, double origin, cblot_image* x,
                              cblot_image* y, const cblot_options* options, char* message,
                              size_t message_size);

/* Rows, or columns, of the nodes of an output of n pixels along that axis, and of a patch; 0
 * if the step is less than 1. */
CBLOT_API ptrdiff_t cblot_node_count(ptrdiff_t step, ptrdiff_t n);
CBLOT_API ptrdiff_t cblot_patch_size(ptrdiff_t step, ptrdiff_t n);

/* Writes the nodes of a mapping of kind CBLOT_EXACT into x and y, of CBLOT_DOUBLE. */
CBLOT_API int cblot_nodes(const cblot_mapping* mapping, ptrdiff_t step, cblot_image* x,
                          cblot_image* y, const cblot_options* options, char* message,
                          size_t message_size);

/* Source positions, 0-based, of count output positions, FITS, by a mapping of kind CBLOT_EXACT: x
 * and y are replaced. */
CBLOT_API int cblot_positions_at(const cblot_mapping* mapping, ptrdiff_t count, double* x,
                                 double* y, const cblot_options* options, char* message,
                                 size_t message_size);

/* CBLOT_OK, or CBLOT_BAD_ARGUMENT and the first option that can't be used. Each call that takes
 * options does this itself. */
CBLOT_API int cblot_validate(const cblot_options* options, char* message, size_t message_size);

/* Kernel of a name or an alias, or -1. */
CBLOT_API int cblot_kernel_from_name(const char* name);

/* The k-th name that cblot_kernel_from_name takes, or null: those of kernels 0, 1 ..., then their
 * aliases. */
CBLOT_API const char* cblot_kernel_name(int k);

/* Whether this build and this machine have an instruction set (cblot_isa). */
CBLOT_API int cblot_isa_available(int isa);

/* What CBLOT_ISA_BEST stands for; any other set itself, or -1 where it is not available. */
CBLOT_API int cblot_isa_resolve(int isa);

/* Name of an instruction set, or null; set of a name, or -1. */
CBLOT_API const char* cblot_isa_name(int isa);
CBLOT_API int cblot_isa_from_name(const char* name);

/* Such as "0.1.0". */
CBLOT_API const char* cblot_version(void);

#ifdef __cplusplus
}
#endif

#endif
