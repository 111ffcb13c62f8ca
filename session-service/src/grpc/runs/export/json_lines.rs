//! JSON lines: an array a line.

use serde_json::value::RawValue;

pub(super) fn write_names<'a>(out: &mut Vec<u8>, names: impl IntoIterator<Item = &'a str>) {
    write_array(out, names.into_iter().map(to_text));
}

/// Writes values of these types; `None` is NULL.
pub(super) fn write_row<'a>(
    out: &mut Vec<u8>,
    values: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
) {
    write_array(out, values.into_iter().map(|(type_name, value)| to_json(type_name, value)));
}

fn write_array(out: &mut Vec<u8>, values: impl Iterator<Item = String>) {
    out.push(b'[');
    for (place, value) in values.enumerate() {
        if 0 < place {
            out.push(b',');
        }
        out.extend_from_slice(value.as_bytes());
    }
    out.extend(b"]\n");
}

fn to_json(type_name: &str, value: Option<&str>) -> String {
    let Some(value) = value else { return "null".to_owned() };
    let is_json = match type_name {
        "bool" | "int2" | "int4" | "int8" | "float4" | "float8" | "numeric" | "json" | "jsonb" => {
            // All but NaN and the infinities.
            serde_json::from_str::<&RawValue>(value).is_ok()
        }
        _ => false,
    };
    if is_json {
        // As it was printed, since a double holds fewer digits than some numbers
        // have. Inside of its strings there are no line ends.
        value.replace(['\r', '\n'], " ")
    } else {
        to_text(value)
    }
}

fn to_text(text: &str) -> String {
    serde_json::to_string(text).expect("every text can be written as JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(type_name: &str, value: &str, expected: &str) {
        let mut line = Vec::new();
        write_row(&mut line, [(type_name, Some(value)), (type_name, None)]);
        assert_eq!(String::from_utf8(line).unwrap(), format!("[{expected},null]\n"));
    }

    #[test]
    fn numbers_keep_every_digit() {
        let digits = format!("-{}.{}", "9".repeat(400), "1".repeat(400));
        check("numeric", &digits, &digits);
        check("int8", "-9223372036854775808", "-9223372036854775808");
        check("int8", "9223372036854775807", "9223372036854775807");
        check("float8", "1e-07", "1e-07");
        check("float8", "-1.7976931348623157e+308", "-1.7976931348623157e+308");
        check("numeric", "1.50", "1.50");
    }

    #[test]
    fn what_is_no_number_in_json_is_text() {
        for name in ["float4", "float8", "numeric"] {
            for value in ["NaN", "Infinity", "-Infinity"] {
                check(name, value, &format!("\"{value}\""));
            }
        }
        check("text", "1", r#""1""#);
        check("money", "$1.00", r#""$1.00""#);
        check("int4[]", "{1,2}", r#""{1,2}""#);
    }

    #[test]
    fn truth_values_and_json_are_embedded() {
        check("bool", "true", "true");
        check("json", "{\"b\":1e400,\r\n \"b\": null}", "{\"b\":1e400,   \"b\": null}");
        check("jsonb", r#"{"a": "\n\u0000"}"#, r#"{"a": "\n\u0000"}"#);
        check("json", r#""\ud800""#, r#""\ud800""#);
        let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        check("json", &deep, &deep);
    }

    #[test]
    fn text_is_escaped() {
        check("text", "a\"b\\\r\n\u{1}é😀", r#""a\"b\\\r\n\u0001é😀""#);
        check("text", "", r#""""#);
    }
}
