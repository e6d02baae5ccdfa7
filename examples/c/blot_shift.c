/* Turns and shifts a picture with lanczos3, by a mapping of its own, and writes it as a PGM:
 *
 *     blot_shift 30 2.5 -1.25 out.pgm
 *
 * turns by 30 degrees about the middle and shifts by (2.5, -1.25) pixels.
 */
#include <cblot/blot.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIZE = 256 };

struct turn {
    double cosine, sine, dx, dy;
};

/* Source positions of rows of output pixels. */
static int positions(void* context, ptrdiff_t row_begin, ptrdiff_t row_end, double* x, double* y) {
    const struct turn* turn = context;
    const double middle = (SIZE - 1) / 2.0;
    ptrdiff_t i, j;
    for (j = row_begin; j < row_end; ++j) {
        for (i = 0; i < SIZE; ++i) {
            const double u = (double)i - middle - turn->dx, v = (double)j - middle - turn->dy;
            *x++ = turn->cosine * u + turn->sine * v + middle;
            *y++ = -turn->sine * u + turn->cosine * v + middle;
        }
    }
    return 0;
}

static void draw(float* source) {
    int i, j;
    for (j = 0; j < SIZE; ++j) {
        for (i = 0; i < SIZE; ++i) {
            const double r = hypot(i - 128.0, j - 100.0);
            source[j * SIZE + i] =
                (float)(100.0 + 80.0 * cos(r / 6.0) + (i / 16 + j / 16) % 2 * 50);
        }
    }
}

static int write_pgm(const char* name, const float* pixels) {
    FILE* file = fopen(name, "wb");
    int k, written = 1;
    if (file == NULL) {
        perror(name);
        return 1;
    }
    written = fprintf(file, "P5\n%d %d\n255\n", SIZE, SIZE) > 0;
    for (k = 0; k < SIZE * SIZE; ++k) {
        const float value = pixels[k] < 0 ? 0 : pixels[k] > 255 ? 255 : pixels[k];
        written = written && fputc((int)(value + 0.5F), file) != EOF;
    }
    written = fclose(file) == 0 && written;
    if (!written) {
        perror(name);
    }
    return !written;
}

int main(int argc, char** argv) {
    static float source[SIZE * SIZE], out[SIZE * SIZE];
    const cblot_image from = {source, CBLOT_FLOAT, SIZE, SIZE, SIZE, 1};
    cblot_image to = {out, CBLOT_FLOAT, SIZE, SIZE, SIZE, 1};
    cblot_mapping mapping;
    cblot_options options;
    struct turn turn;
    char message[200];
    ptrdiff_t covered;
    double angle;

    if (argc != 5) {
        fprintf(stderr, "usage: blot_shift DEGREES DX DY OUTPUT\n");
        return 2;
    }
    angle = atof(argv[1]) * 3.14159265358979323846 / 180.0;
    turn.cosine = cos(angle);
    turn.sine = sin(angle);
    turn.dx = atof(argv[2]);
    turn.dy = atof(argv[3]);
    cblot_default_mapping(&mapping);
    mapping.kind = CBLOT_CALLBACK;
    mapping.positions = positions;
    mapping.context = &turn;
    cblot_default_options(&options);
    options.kernel = cblot_kernel_from_name("lanczos3");
    draw(source);
    if (cblot_blot(&from, &mapping, &to, &options, &covered, message, sizeof message) != CBLOT_OK) {
        fprintf(stderr, "blot_shift: %s\n", message);
        return 1;
    }
    printf("cblot %s: %ld of %d pixels are covered\n", cblot_version(), (long)covered, SIZE * SIZE);
    return write_pgm(argv[4], out);
}
