// Blots a drizzled FITS image onto the pixels of an exposure, with CFITSIO, wcslib and cblot:
//
//     blot_fits 'drz.fits[1]' 'flt.fits[1]' blot.fits 400.0
//
// The last argument is the exposure time, for counts out of counts a second. Both must have TAN
// projections; the exposure may have SIP polynomials. Pixels are those of cblot.do_blot in Python,
// with astropy.wcs.WCS objects of the same files, to the last bit.
#include <fitsio.h>
#include <wcslib/wcs.h>
#include <wcslib/wcshdr.h>

#include <cblot/blot.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using cblot::Index;

void check(int status, const std::string& what) {
    if (status != 0) {
        char text[FLEN_STATUS];
        fits_get_errstatus(status, text);
        throw std::runtime_error(what + ": " + text);
    }
}

/// An image HDU of a file that is open for reading.
class Fits {
  public:
    explicit Fits(const std::string& name) : name_(name) {
        int status = 0;
        fits_open_image(&file_, name.c_str(), READONLY, &status);
        check(status, name);
        long size[2] = {0, 0};
        int axes = 0;
        fits_get_img_dim(file_, &axes, &status);
        fits_get_img_size(file_, 2, size, &status);
        check(status, name);
        if (axes != 2) {
            throw std::runtime_error(name + " must have 2 axes, got " + std::to_string(axes));
        }
        nx = size[0];
        ny = size[1];
    }

    ~Fits() {
        int status = 0;
        fits_close_file(file_, &status);
    }

    Fits(const Fits&) = delete;
    Fits& operator=(const Fits&) = delete;

    std::vector<float> pixels() const {
        std::vector<float> values(std::size_t(nx * ny));
        long first[2] = {1, 1};
        int status = 0;
        fits_read_pix(file_, TFLOAT, first, LONGLONG(values.size()), nullptr, values.data(),
                      nullptr, &status);
        check(status, name_);
        return values;
    }

    double keyword(const std::string& key, double otherwise) const {
        double value = otherwise;
        int status = 0;
        fits_read_key(file_, TDOUBLE, key.c_str(), &value, nullptr, &status);
        if (status == KEY_NO_EXIST) {
            return otherwise;
        }
        check(status, name_ + " " + key);
        return value;
    }

    /// The linear part of the WCS, as wcslib reads it.
    cblot::TanProjection projection() const {
        char* header = nullptr;
        int cards = 0, status = 0;
        fits_hdr2str(file_, 1, nullptr, 0, &header, &cards, &status);
        check(status, name_);
        int rejected = 0, count = 0;
        wcsprm* all = nullptr;
        const int failed = wcspih(header, cards, WCSHDR_all, 0, &rejected, &count, &all);
        fits_free_memory(header, &status);
        const std::unique_ptr<wcsprm, void (*)(wcsprm*)> owner(all, [](wcsprm* wcs) {
            int n = 1;
            wcsvfree(&n, &wcs);
        });
        if (failed != 0 || count < 1 || wcsset(all) != 0) {
            throw std::runtime_error(name_ + " has no WCS that wcslib can read");
        }
        const wcsprm& wcs = all[0];
        if (wcs.naxis != 2 || std::string(wcs.ctype[0]).compare(0, 8, "RA---TAN") != 0 ||
            std::string(wcs.ctype[1]).compare(0, 8, "DEC--TAN") != 0 || wcs.lonpole != 180.0) {
            throw std::runtime_error(name_ + " must have a TAN projection with LONPOLE 180");
        }
        // wcslib keeps CDi_j, or PCi_j and CDELTi, as the header had it.
        const bool cd = (wcs.altlin & 2) != 0;
        const auto term = [&](int i, int j) {
            return cd ? wcs.cd[2 * i + j] : wcs.cdelt[i] * wcs.pc[2 * i + j];
        };
        return {wcs.crpix[0], wcs.crpix[1], term(0, 0),   term(0, 1),
                term(1, 0),   term(1, 1),   wcs.crval[0], wcs.crval[1]};
    }

    std::optional<cblot::SipPolynomials> sip() const {
        const auto projection_ = projection();
        const int a_order = int(keyword("A_ORDER", 0)), b_order = int(keyword("B_ORDER", 0));
        if (a_order == 0 && b_order == 0) {
            return std::nullopt;
        }
        return cblot::SipPolynomials{a_order,
                                     b_order,
                                     polynomial("A", a_order),
                                     polynomial("B", b_order),
                                     projection_.crpix_x,
                                     projection_.crpix_y};
    }

    Index nx = 0, ny = 0;

  private:
    std::vector<double> polynomial(const std::string& name, int order) const {
        const auto width = std::size_t(order) + 1;
        std::vector<double> terms(width * width, 0.0);
        for (int p = 0; p <= order; ++p) {
            for (int q = 0; q <= order - p; ++q) {
                terms[std::size_t(p) * width + std::size_t(q)] =
                    keyword(name + "_" + std::to_string(p) + "_" + std::to_string(q), 0.0);
            }
        }
        return terms;
    }

    std::string name_;
    fitsfile* file_ = nullptr;
};

void write(const std::string& name, std::vector<float>& pixels, Index ny, Index nx) {
    fitsfile* file = nullptr;
    int status = 0;
    long size[2] = {long(nx), long(ny)}, first[2] = {1, 1};
    fits_create_file(&file, ("!" + name).c_str(), &status);
    fits_create_img(file, FLOAT_IMG, 2, size, &status);
    fits_write_pix(file, TFLOAT, first, LONGLONG(pixels.size()), pixels.data(), &status);
    fits_close_file(file, &status);
    check(status, name);
}

/// Arcseconds along x, and of the side of a square of a pixel's area.
double scale_along_x(const cblot::TanProjection& wcs) {
    return std::sqrt(wcs.cd11 * wcs.cd11 + wcs.cd21 * wcs.cd21) * 3600.0;
}

double scale_of_area(const cblot::TanProjection& wcs) {
    return std::sqrt(std::abs(wcs.cd11 * wcs.cd22 - wcs.cd12 * wcs.cd21)) * 3600.0;
}

void blot(const std::string& clean_name, const std::string& exposure_name,
          const std::string& output_name, double exptime) {
    const Fits clean(clean_name), exposure(exposure_name);
    cblot::ExactMapping mapping;
    mapping.source = clean.projection();
    mapping.exposure = exposure.projection();
    mapping.sip = exposure.sip();

    cblot::Options options;
    options.exptime = exptime;
    options.pix_ratio = scale_along_x(mapping.source) / scale_of_area(mapping.exposure);
    options.threads = 2;

    // Nodes every 10 pixels, bilinear in between: twice as fast as mapping every pixel exactly, for
    // which `mapping` itself would be given to blot.
    const Index step = 10, rows = cblot::node_count(step, exposure.ny),
                columns = cblot::node_count(step, exposure.nx);
    std::vector<double> x(std::size_t(rows * columns)), y(x.size());
    cblot::nodes(mapping, step, {x.data(), rows, columns, columns, 1},
                 {y.data(), rows, columns, columns, 1}, options);
    const cblot::NodeMapping nodes{
        {x.data(), rows, columns, columns, 1}, {y.data(), rows, columns, columns, 1}, step};

    const std::vector<float> pixels = clean.pixels();
    std::vector<float> blotted(std::size_t(exposure.ny * exposure.nx));
    const Index covered = cblot::blot<float, float>(
        {pixels.data(), clean.ny, clean.nx, clean.nx, 1}, nodes,
        {blotted.data(), exposure.ny, exposure.nx, exposure.nx, 1}, options);
    write(output_name, blotted, exposure.ny, exposure.nx);
    std::printf("cblot %s: %td of %zu pixels are covered\n", cblot::version(), covered,
                blotted.size());
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fprintf(stderr, "usage: blot_fits CLEAN EXPOSURE OUTPUT EXPTIME\n");
        return 2;
    }
    try {
        blot(argv[1], argv[2], argv[3], std::atof(argv[4]));
    } catch (const std::exception& error) {  // cblot::Error among them
        std::fprintf(stderr, "blot_fits: %s\n", error.what());
        return 1;
    }
    return 0;
}
