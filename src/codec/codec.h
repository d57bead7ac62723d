/* SPDX-License-Identifier: PostgreSQL */
/*
 * codec.h
 *		Attribute values ↔ Datums, one codec per column.
 *
 * A codec is resolved once a scan: which stored type a column expects and by
 * which conversion it becomes a Datum.  A value either fits its column exactly
 * or not at all: nothing is rounded, cut or guessed (float columns excepted,
 * which are approximate by nature, and times, which are cut to microseconds), so that a condition decided by DynamoDB
 * and one decided by PostgreSQL agree.  Of key attributes only one spelling of
 * a value fits, because DynamoDB compares keys by their bytes.
 *
 * Knows nothing of requests and plans.
 */
#ifndef DDB_CODEC_H
#define DDB_CODEC_H

#include "postgres.h"

#include "codec/text_form.h"
#include "fmgr.h"
#include "format/attribute.h"
#include "model/relation.h"
#include "nodes/pg_list.h"

typedef enum DdbConversion
{
	DDB_CONVERT_TEXT, /* text, varchar */
	DDB_CONVERT_BYTEA,
	DDB_CONVERT_BOOL,
	DDB_CONVERT_INT2,
	DDB_CONVERT_INT4,
	DDB_CONVERT_INT8,
	DDB_CONVERT_NUMERIC,
	DDB_CONVERT_FLOAT4,
	DDB_CONVERT_FLOAT8,
	DDB_CONVERT_TIMESTAMPTZ,
	DDB_CONVERT_TIMESTAMP,
	DDB_CONVERT_DATE,
	DDB_CONVERT_UUID,
	DDB_CONVERT_DOCUMENT, /* jsonb, json: document.c */
	DDB_CONVERT_ARRAY, /* element by element: array.c */
	DDB_CONVERT_ANY_TEXT, /* text, varchar: whatever is stored, as text */
	DDB_CONVERT_INPUT, /* any other type, through its text form */
} DdbConversion;

/* One bit a stored type. */
#define DDB_ACCEPTS(type) (UINT32_C(1) << (int) (type))
#define DDB_ACCEPTS_SETS                                                       \
	(DDB_ACCEPTS(DDB_STORED_SS) | DDB_ACCEPTS(DDB_STORED_NS) |                 \
	 DDB_ACCEPTS(DDB_STORED_BS))

/* Everything that is not SQL NULL. */
#define DDB_ACCEPTS_ANY                                                        \
	(DDB_ACCEPTS_SETS | DDB_ACCEPTS(DDB_STORED_S) |                            \
	 DDB_ACCEPTS(DDB_STORED_N) | DDB_ACCEPTS(DDB_STORED_B) |                   \
	 DDB_ACCEPTS(DDB_STORED_BOOL) | DDB_ACCEPTS(DDB_STORED_M) |                \
	 DDB_ACCEPTS(DDB_STORED_L))

typedef struct DdbCodec
{
	const DdbColumn *column;
	DdbStoredType stored; /* what the attribute must be, of one type */
	uint32 accepts; /* DDB_ACCEPTS of each type it may be */
	DdbConversion conversion;
	DdbTimeFormat time_format; /* resolved, never DEFAULT, of time types */
	int fraction_digits;
	bool is_key; /* of the table or an index: one spelling */
	bool utf8_server; /* database encoding is UTF8: no conversion */
	bool is_enum;
	bool has_times; /* DDB_CONVERT_INPUT: of what times are in (text_form.h) */
	bool is_domain; /* constraints are checked after conversion */
	FmgrInfo input; /* DDB_CONVERT_INPUT and UUID */
	FmgrInfo output;
	Oid typioparam;
	DdbTextSettings text_settings; /* that input and output depend on */
	const char **hidden; /* DDB_REACH_OVERFLOW: the others' attributes */
	int nhidden;
	struct DdbCodec *element; /* DDB_CONVERT_ARRAY */
	int16 element_len; /* of its type, as pg_type has it */
	bool element_byval;
	char element_align;
	void *domain_cache; /* of domain_check */
	MemoryContext cache_context;
} DdbCodec;

typedef enum DdbDecodeResult
{
	DDB_DECODE_OK,
	DDB_DECODE_NULL, /* SQL NULL */
	DDB_DECODE_MISFIT, /* does not fit; *reason says why */
} DdbDecodeResult;

/* The stored type that a column means when nothing says otherwise. */
extern DdbStoredType ddb_value_default_stored_type(const DdbColumn *column);

/* True if the column can hold a key attribute of this type. */
extern bool ddb_codec_suits_key(const DdbColumn *column,
								DdbStoredType key_type);

/*
 * Resolves the codec of a column, raising an error when its type, its options
 * and the key schema do not go together.  key_type: the attribute's type in
 * the key schema of what is read, or DDB_STORED_NONE when it is no key.
 */
extern void ddb_codec_init(DdbCodec *codec, const DdbRelation *relation,
						   const DdbColumn *column, DdbStoredType key_type);

/* "S", "L or SS", "any": what the codec accepts, for messages. */
extern const char *ddb_codec_accepted_types(const DdbCodec *codec);

/* What becomes of a value that does not fit. */
typedef enum DdbMisfits
{
	DDB_MISFITS_RAISE, /* an error, here or by the caller, at once */
	DDB_MISFITS_ARE_TOLD, /* the query goes on: no error because of it */
} DdbMisfits;

/* Converts in the current memory context. */
extern DdbDecodeResult ddb_codec_decode(DdbCodec *codec,
										const DdbAttributeValue *value,
										DdbMisfits misfits, Datum *datum,
										const char **reason);

/*
 * Are values of the column that do not fit caught in subtransactions (soft.h), to
 * become NULL or to leave their item out?  There are none in a parallel query.
 */
extern bool ddb_codec_catches_misfits(const DdbCodec *codec);

/* Longest text that most values keep to: for buffers on the stack. */
#define DDB_VALUE_BUFFER 256

/*
 * The span's text, unescaped and NUL-terminated, in the given buffer or in
 * palloc'd memory when it does not fit.  NULL when it cannot be text here.
 */
extern char *ddb_value_text(const DdbSpan *span, char *buffer, size_t size,
							size_t *len, const char **reason);

/*
 * A constant as DynamoDB stores it, for key conditions: where it lies among
 * the values that an attribute of this codec can hold.
 */
typedef enum DdbValuePlace
{
	DDB_PLACE_EXACT, /* data is the value */
	DDB_PLACE_BETWEEN, /* data is the greatest storable value below it */
	DDB_PLACE_BELOW_ALL, /* less than everything storable */
	DDB_PLACE_ABOVE_ALL,
	DDB_PLACE_TOO_LONG, /* data is a prefix of it, of the longest
								 * length a key may have */
} DdbValuePlace;

typedef struct DdbStoredValue
{
	DdbValuePlace place;
	DdbStoredType type; /* S, N or B */
	char *data; /* UTF-8 text, number text, or raw bytes */
	int len;
} DdbStoredValue;

/* The value itself, as it is stored. data is not copied. */
static inline DdbStoredValue
ddb_stored_value(DdbStoredType type, char *data, int len)
{
	return (DdbStoredValue){DDB_PLACE_EXACT, type, data, len};
}

/* The codecs of a relation's columns, made when they are first asked for. */
typedef struct DdbCodecSet
{
	const DdbRelation *relation;
	List *key_attributes; /* of DdbKeyAttribute * */
	MemoryContext context;
	DdbCodec **by_column; /* [attnum - 1] */
} DdbCodecSet;

extern DdbCodecSet *ddb_codec_set_create(const DdbRelation *relation,
										 List *key_attributes);
extern DdbCodec *ddb_codec_set_get(DdbCodecSet *set, AttrNumber attnum);

#endif /* DDB_CODEC_H */
