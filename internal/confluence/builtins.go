package confluence

import "strings"

// isBuiltin reports whether a function is one of PostgreSQL's own, or of its contrib modules pgcrypto and uuid-ossp,
// that changes no table. Every other function is code that the analysis has to find in the schema, or does not know.
func isBuiltin(name string) bool { return builtins[name] }

// generators are the functions whose result nobody else can get.
var generators = map[string]bool{
	"gen_random_uuid": true, "uuid_generate_v1": true, "uuid_generate_v1mc": true, "uuid_generate_v4": true, "uuidv4": true, "uuidv7": true,
}

// builtins holds names of pg_proc of PostgreSQL 15: what is immutable or stable, without the support functions of types
// and operators, and the few volatile ones that write nothing but sequences.
var builtins = func() map[string]bool {
	all := make(map[string]bool)
	for _, name := range strings.Fields(builtinNames) {
		all[name] = true
	}
	return all
}()

const builtinNames = `
array_length array_ndims int4range int8range xmlagg xmlelement bit_count bit_length bit_and bit_or hashtext pg_column_size pg_typeof
pg_get_serial_sequence pg_backend_pid pg_advisory_xact_lock pg_advisory_lock pg_try_advisory_xact_lock pg_advisory_unlock pg_notify
abbrev abs acos acosd acosh age any_value area array_agg array_append array_cat array_dims array_fill array_lower
array_ndims array_position array_positions array_prepend array_remove array_replace array_to_json array_to_string
array_to_tsvector array_upper ascii asin asind asinh atan atan2 atan2d atand atanh avg bool bool_and bool_or broadcast
cardinality cbrt ceil ceiling center char char_length character_length chr clock_timestamp coalesce concat concat_ws
convert convert_from convert_to corr cos cosd cosh cot cotd count covar_pop covar_samp crypt cume_dist
current_database current_date current_schema current_schemas current_setting current_timestamp current_user currval
date date_bin date_larger date_part date_smaller date_trunc daterange decode degrees dense_rank diagonal diameter
digest div encode enum_first enum_range every exists exp extract factorial family first_value float8 format
format_type gcd gen_random_bytes gen_random_uuid gen_salt generate_series generate_subscripts get_bit get_byte
get_current_ts_config greatest grouping height hmac host hostmask initcap int4 int8 is_normalized isclosed isempty
isfinite ishorizontal isnan isparallel isperp isvertical json_agg json_array_elements json_array_elements_text
json_array_length json_build_array json_build_object json_each json_each_text json_object json_object_agg
json_object_keys json_populate_record json_populate_recordset json_strip_nulls json_to_record json_to_recordset
json_to_tsvector json_typeof jsonb_agg jsonb_array_elements jsonb_array_elements_text jsonb_array_length
jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text jsonb_insert jsonb_object jsonb_object_agg
jsonb_object_keys jsonb_path_exists jsonb_path_exists_tz jsonb_path_match jsonb_path_match_tz jsonb_path_query
jsonb_path_query_array jsonb_path_query_array_tz jsonb_path_query_first jsonb_path_query_first_tz jsonb_path_query_tz
jsonb_populate_record jsonb_populate_recordset jsonb_pretty jsonb_set jsonb_set_lax jsonb_strip_nulls jsonb_to_record
jsonb_to_recordset jsonb_to_tsvector jsonb_typeof justify_days justify_hours justify_interval lag last_value lastval
lcm lead least left length like_escape ln localtimestamp log log10 lower lower_inc lower_inf lpad ltrim make_date
make_interval make_time make_timestamp make_timestamptz masklen max md5 min min_scale mod mode name netmask network
nextval normalize now npoints nth_value ntile nullif num_nonnulls num_nulls numeric numeric_inc nummultirange numnode
numrange octet_length overlaps overlay parse_ident percent_rank percentile_cont percentile_disc pg_sleep pg_typeof
phraseto_tsquery pi plainto_tsquery position pow power querytree quote_ident quote_literal quote_nullable radians
radius random range_agg range_merge rank regexp_count regexp_like regexp_match regexp_matches regexp_replace
regexp_split_to_array regexp_split_to_table repeat replace reverse right round row row_number row_to_json rpad rtrim
scale session_user set_bit set_byte set_config set_masklen setseed setweight sha224 sha256 sha384 sha512 sign sin sind
sinh split_part sqrt statement_timestamp stddev stddev_pop stddev_samp string_agg string_to_array string_to_table
strip strpos substr substring sum tan tand tanh text time timeofday timestamp timezone to_ascii to_char to_date to_hex
to_json to_jsonb to_number to_regclass to_timestamp to_tsquery to_tsvector transaction_timestamp translate trim_array
trim_scale trunc ts_filter ts_headline ts_rank ts_rank_cd ts_rewrite tsquery tsrange tstzmultirange tstzrange tsvector
tsvector_to_array txid_current unistr unnest upper upper_inc upper_inf uuid uuid_generate_v1 uuid_generate_v1mc
uuid_generate_v3 uuid_generate_v4 uuid_generate_v5 uuidv4 uuidv7 var_pop var_samp varchar variance version
websearch_to_tsquery width width_bucket xpath xpath_exists`
