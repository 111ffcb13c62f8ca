//! CSV by RFC 4180. Not by a library's writer: those take a field's text alone, and
//! can't tell the empty text, which is quoted here, from NULL, which is not.

/// Writes a line; `None` is NULL.
pub(super) fn write_line<'a>(out: &mut Vec<u8>, values: impl IntoIterator<Item = Option<&'a str>>) {
    for (place, value) in values.into_iter().enumerate() {
        if 0 < place {
            out.push(b',');
        }
        if let Some(value) = value {
            write_text(out, value);
        }
    }
    out.extend(b"\r\n");
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    if text.is_empty() || text.contains(['"', ',', '\r', '\n']) {
        out.push(b'"');
        out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[Option<&str>], expected: &str) {
        let mut line = Vec::new();
        write_line(&mut line, values.iter().copied());
        assert_eq!(String::from_utf8(line).unwrap(), format!("{expected}\r\n"));
    }

    #[test]
    fn null_is_empty_and_the_empty_text_is_quoted() {
        check(&[None, Some(""), Some("NULL"), None], r#","",NULL,"#);
        check(&[Some("")], r#""""#);
        check(&[None], "");
    }

    #[test]
    fn what_would_end_a_field_is_quoted() {
        check(&[Some(r#"a "b""#), Some("c,d")], r#""a ""b""","c,d""#);
        check(&[Some("a\r\nb"), Some("\n"), Some("\r")], "\"a\r\nb\",\"\n\",\"\r\"");
    }

    #[test]
    fn all_else_is_left_as_it_is() {
        check(&[Some(" é "), Some("=1+1"), Some("'x'"), Some("a;b\tc")], " é ,=1+1,'x',a;b\tc");
    }
}
