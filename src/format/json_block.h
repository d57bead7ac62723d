/* SPDX-License-Identifier: PostgreSQL */
/*
 * json_block.h
 *		What the scanner looks for in many bytes at once; private to it.
 *
 * 16 bytes at a time with SSE2 or NEON, 8 at a time elsewhere (or with
 * DDB_SCAN_PORTABLE defined).
 */
#ifndef DDB_JSON_BLOCK_H
#define DDB_JSON_BLOCK_H

#include <stdint.h>
#include <string.h>

#include "format/json_reader.h"

#if defined(DDB_SCAN_PORTABLE)
/* as if there were no vector unit */
#elif defined(__SSE2__)
#include <emmintrin.h>
#define SCAN_SSE2
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#define SCAN_NEON
#endif

/* Bytes that are looked at together: one bit each in DdbJsonReader.special. */
#define BLOCK 64

/* Blocks start before the end of the input, or at it. */
_Static_assert(BLOCK <= DDB_JSON_PADDING, "padding too short");

/*
 * Looks at the BLOCK bytes from p on: a bit for each quote, backslash and
 * control character, the lowest for the first byte.
 */
#if defined(SCAN_SSE2)

static inline uint64_t
find_16(const char *p)
{
	const __m128i bytes = _mm_loadu_si128((const __m128i *) p);
	const __m128i last_control = _mm_set1_epi8(0x1F);
	__m128i found;

	found = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
	found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
	found = _mm_or_si128(
		found, _mm_cmpeq_epi8(_mm_max_epu8(bytes, last_control), last_control));
	return (uint64_t) (uint32_t) _mm_movemask_epi8(found);
}

static inline uint64_t
find_specials(const char *p)
{
	return find_16(p) | find_16(p + 16) << 16 | find_16(p + 32) << 32 |
		   find_16(p + 48) << 48;
}

#elif defined(SCAN_NEON)

/* For each byte that is special, the bit that stands for its place in eight. */
static inline uint8x16_t
find_16(const char *p)
{
	static const uint8_t places[16] = {1, 2, 4, 8, 16, 32, 64, 128,
									   1, 2, 4, 8, 16, 32, 64, 128};
	const uint8x16_t bytes = vld1q_u8((const uint8_t *) p);
	uint8x16_t found;

	found = vceqq_u8(bytes, vdupq_n_u8('"'));
	found = vorrq_u8(found, vceqq_u8(bytes, vdupq_n_u8('\\')));
	found = vorrq_u8(found, vcltq_u8(bytes, vdupq_n_u8(0x20)));
	return vandq_u8(found, vld1q_u8(places));
}

/* NEON has no movemask: adding neighbours three times gathers the bits. */
static inline uint64_t
find_specials(const char *p)
{
	uint8x16_t low = vpaddq_u8(find_16(p), find_16(p + 16));
	uint8x16_t high = vpaddq_u8(find_16(p + 32), find_16(p + 48));

	low = vpaddq_u8(low, high);
	low = vpaddq_u8(low, low);
	return vgetq_lane_u64(vreinterpretq_u64_u8(low), 0);
}

#else

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (c))

/* The high bit of every byte that is 0, and no other; nothing carries over. */
static inline uint64_t
zero_bytes(uint64_t x)
{
	return ~(((x & EACH_BYTE(0x7F)) + EACH_BYTE(0x7F)) | x) & EACH_BYTE(0x80);
}

/*
 * As find_specials, of 8 bytes.
 */
static inline uint64_t
find_8(const char *p)
{
	uint64_t bytes;
	uint64_t found;

	memcpy(&bytes, p, sizeof(bytes));
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	bytes = __builtin_bswap64(bytes);
#endif
	found = zero_bytes(bytes ^ EACH_BYTE('"'));
	found |= zero_bytes(bytes ^ EACH_BYTE('\\'));
	found |= zero_bytes(bytes & EACH_BYTE(0xE0));

	/* The product brings the eight bits together in the highest byte. */
	return ((found >> 7) * UINT64_C(0x0102040810204080)) >> 56;
}

static inline uint64_t
find_specials(const char *p)
{
	uint64_t found = 0;
	int i;

	for (i = 0; i < BLOCK; i += 8)
		found |= find_8(p + i) << i;
	return found;
}

#endif

#if defined(SCAN_SSE2)

/* A bit for each of the 16 bytes from p on that is not ASCII. */
static inline unsigned int
find_non_ascii(const unsigned char *p)
{
	return (unsigned int) _mm_movemask_epi8(
		_mm_loadu_si128((const __m128i *) p));
}

/* The first byte from p on that is not ASCII, or the end. */
static inline const unsigned char *
skip_ascii(const unsigned char *p, const unsigned char *end)
{
	for (; end - p >= 16; p += 16)
	{
		unsigned int found = find_non_ascii(p);

		if (found != 0)
			return p + __builtin_ctz(found);
	}
	while (p < end && *p < 0x80)
		p++;
	return p;
}

#else

/* As above, 8 bytes at a time. */
static inline const unsigned char *
skip_ascii(const unsigned char *p, const unsigned char *end)
{
	for (; end - p >= 8; p += 8)
	{
		uint64_t eight;

		memcpy(&eight, p, sizeof(eight));
		if ((eight & UINT64_C(0x8080808080808080)) != 0)
			break;
	}
	while (p < end && *p < 0x80)
		p++;
	return p;
}

#endif

#endif /* DDB_JSON_BLOCK_H */
