/* SPDX-License-Identifier: PostgreSQL */
/* What does not return, in words that cppcheck understands. */
#define DEBUG1 14
#define LOG 15
#define NOTICE 18
#define WARNING 19
#define ERROR 21
#define Assert(condition) do { if (!(condition)) abort(); } while (0)
#define ereport(level, rest) do { (void) (rest); if ((level) >= ERROR) abort(); } while (0)
