//! The names that the standard and Postgres give to what can go wrong.

/// The name of a condition that a statement can meet: it tells what went wrong
/// without any of the words, which may hold values.
pub fn condition(sqlstate: &str) -> Option<&'static str> {
    Some(match sqlstate {
        "0A000" => "feature_not_supported",
        "21000" => "cardinality_violation",
        "22000" => "data_exception",
        "22001" => "string_data_right_truncation",
        "22003" => "numeric_value_out_of_range",
        "22007" => "invalid_datetime_format",
        "22008" => "datetime_field_overflow",
        "22009" => "invalid_time_zone_displacement_value",
        "22011" => "substring_error",
        "22012" => "division_by_zero",
        "22013" => "invalid_preceding_or_following_size",
        "22015" => "interval_field_overflow",
        "22021" => "character_not_in_repertoire",
        "22023" => "invalid_parameter_value",
        "22025" => "invalid_escape_sequence",
        "22026" => "string_data_length_mismatch",
        "2201B" => "invalid_regular_expression",
        "2201E" => "invalid_argument_for_logarithm",
        "2201F" => "invalid_argument_for_power_function",
        "2201G" => "invalid_argument_for_width_bucket_function",
        "2201W" => "invalid_row_count_in_limit_clause",
        "2201X" => "invalid_row_count_in_result_offset_clause",
        "2202E" => "array_subscript_error",
        "22030" => "duplicate_json_object_key_value",
        "22032" => "invalid_json_text",
        "22033" => "invalid_sql_json_subscript",
        "2203F" => "sql_json_scalar_required",
        "22P02" => "invalid_text_representation",
        "22P03" => "invalid_binary_representation",
        "22P05" => "untranslatable_character",
        "25006" => "read_only_sql_transaction",
        "3F000" => "invalid_schema_name",
        "42501" => "insufficient_privilege",
        "42601" => "syntax_error",
        "42602" => "invalid_name",
        "42622" => "name_too_long",
        "42701" => "duplicate_column",
        "42702" => "ambiguous_column",
        "42703" => "undefined_column",
        "42704" => "undefined_object",
        "42712" => "duplicate_alias",
        "42725" => "ambiguous_function",
        "42803" => "grouping_error",
        "42804" => "datatype_mismatch",
        "42809" => "wrong_object_type",
        "42846" => "cannot_coerce",
        "42883" => "undefined_function",
        "42P01" => "undefined_table",
        "42P02" => "undefined_parameter",
        "42P10" => "invalid_column_reference",
        "42P18" => "indeterminate_datatype",
        "42P19" => "invalid_recursion",
        "42P20" => "windowing_error",
        "42P21" => "collation_mismatch",
        "42P22" => "indeterminate_collation",
        "53100" => "disk_full",
        "53200" => "out_of_memory",
        "53400" => "configuration_limit_exceeded",
        "54000" => "program_limit_exceeded",
        "54001" => "statement_too_complex",
        "54011" => "too_many_columns",
        "54023" => "too_many_arguments",
        "55000" => "object_not_in_prerequisite_state",
        "55P03" => "lock_not_available",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use tokio_postgres::error::SqlState;

    use super::*;

    #[test]
    fn conditions_have_the_names_that_postgres_gives_them() {
        for (state, name) in [
            (SqlState::UNDEFINED_COLUMN, "undefined_column"),
            (SqlState::GROUPING_ERROR, "grouping_error"),
            (SqlState::DATETIME_FIELD_OVERFLOW, "datetime_field_overflow"),
            (SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION, "invalid_argument_for_power_function"),
            (SqlState::WINDOWING_ERROR, "windowing_error"),
        ] {
            assert_eq!(condition(state.code()), Some(name));
        }
        assert_eq!(condition("XX000"), None);
    }
}
