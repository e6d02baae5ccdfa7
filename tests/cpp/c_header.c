/* The header in C, and a call. */
#include <stdio.h>

#include "cblot/blot.h"

int main(void) {
    float source[4] = {1, 2, 3, 4}, out[4] = {0};
    double x[4] = {0, 1, 0, 1}, y[4] = {0, 0, 1, 1};
    cblot_image from = {source, CBLOT_FLOAT, 2, 2, 2, 1}, to = {out, CBLOT_FLOAT, 2, 2, 2, 1};
    cblot_mapping mapping;
    cblot_options options;
    char message[100];
    ptrdiff_t covered = 0;
    int k, status;
    cblot_default_options(&options);
    cblot_default_mapping(&mapping);
    mapping.kind = CBLOT_PIXMAP;
    mapping.x.data = x;
    mapping.y.data = y;
    mapping.x.type = mapping.y.type = CBLOT_DOUBLE;
    mapping.x.ny = mapping.x.nx = mapping.y.ny = mapping.y.nx = 2;
    mapping.x.stride_y = mapping.y.stride_y = 2;
    mapping.x.stride_x = mapping.y.stride_x = 1;
    status = cblot_blot(&from, &mapping, &to, &options, &covered, message, sizeof message);
    if (status != CBLOT_OK || covered != 4) {
        fprintf(stderr, "status %d: %s\n", status, message);
        return 1;
    }
    for (k = 0; k < 4; ++k) {
        if (out[k] != source[k]) {
            return 1;
        }
    }
    return 0;
}
