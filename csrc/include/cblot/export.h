/* What a shared library shows of itself. For C, too. */
#ifndef CBLOT_EXPORT_HPP
#define CBLOT_EXPORT_HPP

#if !defined(CBLOT_SHARED)
#define CBLOT_API
#elif defined(_WIN32)
#if defined(CBLOT_BUILDING)
#define CBLOT_API __declspec(dllexport)
#else
#define CBLOT_API __declspec(dllimport)
#endif
#else
#define CBLOT_API __attribute__((visibility("default")))
#endif

#endif
