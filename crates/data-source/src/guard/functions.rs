//! The functions that a query may call. All are part of Postgres or of a common
//! extension, read nothing but their arguments, and run no text as SQL.

use super::names;
use super::refusal::Refusal;
use sqlparser::ast::ObjectName;

const AGGREGATES: &str = "
    any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp
    every grouping json_agg json_arrayagg json_object_agg json_objectagg jsonb_agg jsonb_object_agg
    max min mode percentile_cont percentile_disc range_agg range_intersect_agg regr_avgx regr_avgy
    regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy stddev stddev_pop
    stddev_samp string_agg sum var_pop var_samp variance";

const WINDOW: &str = "
    cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank
    row_number";

const CONDITIONAL: &str = "coalesce greatest least nullif num_nonnulls num_nulls row";

const MATHS: &str = "
    abs acos acosd acosh asin asind asinh atan atan2 atan2d atand atanh cbrt ceil ceiling cos cosd
    cosh cot cotd degrees div erf erfc exp factorial floor gamma gcd lcm lgamma ln log log10
    min_scale mod pi power radians random random_normal round scale sign sin sind sinh sqrt tan tand
    tanh trim_scale trunc width_bucket";

const TEXT: &str = "
    ascii bit_count bit_length btrim casefold char_length character_length chr concat concat_ws
    convert_from convert_to decode encode format get_bit get_byte initcap left length
    like_escape lower lpad ltrim md5 normalize octet_length overlay parse_ident position quote_ident
    quote_literal quote_nullable regexp_count regexp_instr regexp_like regexp_match regexp_matches
    regexp_replace regexp_split_to_array regexp_split_to_table regexp_substr repeat replace reverse
    right rpad rtrim sha224 sha256 sha384 sha512 split_part starts_with string_to_array
    string_to_table strpos substr substring to_ascii to_bin to_hex to_oct translate unistr upper";

const DATES: &str = "
    age clock_timestamp current_date current_time current_timestamp date_add date_bin date_part
    date_subtract date_trunc extract isfinite justify_days justify_hours justify_interval localtime
    localtimestamp make_date make_interval make_time make_timestamp make_timestamptz now overlaps
    statement_timestamp timeofday timezone to_char to_date to_number to_timestamp
    transaction_timestamp";

const ARRAYS: &str = "
    array array_append array_cat array_dims array_fill array_length array_lower array_ndims
    array_position array_positions array_prepend array_remove array_replace array_reverse
    array_sample array_shuffle array_sort array_to_string array_upper cardinality
    generate_series generate_subscripts trim_array unnest";

const RANGES: &str = "
    datemultirange daterange int4multirange int4range int8multirange int8range isempty lower_inc
    lower_inf multirange nummultirange numrange range_merge tsmultirange tsrange tstzmultirange
    tstzrange upper_inc upper_inf";

const JSON: &str = "
    array_to_json json json_array json_array_elements json_array_elements_text json_array_length
    json_build_array json_build_object json_each json_each_text json_exists json_extract_path
    json_extract_path_text json_object json_object_keys json_query json_scalar json_serialize
    json_strip_nulls json_to_record json_to_recordset json_typeof json_value jsonb_array_elements
    jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each
    jsonb_each_text jsonb_exists jsonb_extract_path jsonb_extract_path_text jsonb_insert
    jsonb_object jsonb_object_keys jsonb_path_exists jsonb_path_exists_tz jsonb_path_match
    jsonb_path_match_tz jsonb_path_query jsonb_path_query_array jsonb_path_query_array_tz
    jsonb_path_query_first jsonb_path_query_first_tz jsonb_path_query_tz jsonb_pretty jsonb_set
    jsonb_set_lax jsonb_strip_nulls jsonb_to_record jsonb_to_recordset jsonb_typeof row_to_json
    to_json to_jsonb";

const TEXT_SEARCH: &str = "
    array_to_tsvector numnode phraseto_tsquery plainto_tsquery querytree setweight strip to_tsquery
    to_tsvector ts_headline ts_rank ts_rank_cd tsquery_phrase tsvector_to_array
    websearch_to_tsquery";

/// A type's name is also the function that converts to it.
const CONVERSIONS: &str = "
    bool bpchar date float4 float8 int2 int4 int8 interval numeric text time timestamp timestamptz
    timetz uuid varchar";

/// `current_user` tells a name that the data source's owner gave to it.
const OTHER: &str = "
    abbrev area box broadcast center circle crc32 crc32c current_user diameter family gen_random_uuid
    height host hostmask inet_merge inet_same_family isclosed isopen line lseg masklen netmask network
    npoints path pg_typeof point polygon radius set_masklen slope uuid_extract_timestamp
    uuid_extract_version uuidv4 uuidv7 width";

/// pg_trgm, unaccent, fuzzystrmatch, pgvector.
const EXTENSIONS: &str = "
    avals akeys binary_quantize cosine_distance daitch_mokotoff difference dmetaphone dmetaphone_alt
    hamming_distance inner_product jaccard_distance l1_distance l2_distance l2_norm l2_normalize
    levenshtein levenshtein_less_equal metaphone similarity soundex strict_word_similarity subvector
    unaccent vector_dims vector_norm word_similarity";

const GROUPS: [&str; 13] = [
    AGGREGATES,
    WINDOW,
    CONDITIONAL,
    MATHS,
    TEXT,
    DATES,
    ARRAYS,
    RANGES,
    JSON,
    TEXT_SEARCH,
    CONVERSIONS,
    OTHER,
    EXTENSIONS,
];

/// Accepts a function of the list, alone or in the schema `pg_catalog`; tells its
/// name without the schema.
pub(super) fn check(name: &ObjectName) -> Result<String, Refusal> {
    let parts = names::parts(name).unwrap_or_default();
    let function = match parts.as_slice() {
        [function] => function,
        [schema, function] if schema == "pg_catalog" => function,
        _ => return Err(Refusal::function(name)),
    };
    if is_allowed(function) { Ok(function.clone()) } else { Err(Refusal::function(name)) }
}

fn is_allowed(function: &str) -> bool {
    function_names().any(|it| it == function)
}

/// The functions that a query may call.
pub(crate) fn function_names() -> impl Iterator<Item = &'static str> {
    GROUPS.iter().flat_map(|group| group.split_whitespace())
}

#[cfg(test)]
mod tests {
    use sqlparser::ast::Ident;

    use super::*;

    #[track_caller]
    fn check_name(parts: &[Ident], expected: bool) {
        let name = ObjectName::from(parts.to_vec());
        assert_eq!(check(&name).is_ok(), expected, "{name}");
    }

    #[test]
    fn a_function_is_known_by_its_folded_name() {
        check_name(&[Ident::new("SUM")], true);
        check_name(&[Ident::with_quote('"', "sum")], true);
        check_name(&[Ident::with_quote('"', "SUM")], false);
        check_name(&[Ident::new("pg_sleep")], false);
    }

    #[test]
    fn only_the_servers_own_schema_may_be_named() {
        check_name(&[Ident::new("PG_Catalog"), Ident::new("lower")], true);
        check_name(&[Ident::new("sales"), Ident::new("lower")], false);
        check_name(&[Ident::new("db"), Ident::new("pg_catalog"), Ident::new("lower")], false);
    }

    #[test]
    fn nothing_on_the_list_reaches_the_server_or_runs_text() {
        let prefixes = ["pg_", "lo_", "dblink", "txid_", "has_", "inet_server", "inet_client"];
        let parts = ["to_xml", "xml", "setting", "set_config", "nextval", "setval", "currval"];
        for function in GROUPS.iter().flat_map(|group| group.split_whitespace()) {
            let reaches = prefixes.iter().any(|it| function.starts_with(it));
            assert!(!reaches || function == "pg_typeof", "{function}");
            assert!(!parts.iter().any(|it| function.contains(it)), "{function}");
        }
    }
}
